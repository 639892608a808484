/** Browsers ask a person before a web page may reach this computer, unless a managed policy names the page: each origin of the policy must be in it. */
import { dirname } from 'node:path';
import { readPolicy } from '../../access/policy.ts';
import { POLICY_PLACES, type PolicyBrowser } from '../../cli/browser-policy.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';

const FAULTS = {
  browser_policy_malformed: {
    severity: 'error',
    en: 'A policy file of a browser cannot be read, so the browser passes over it.',
    sv: 'En av webbläsarens policyfiler kan inte läsas, så webbläsaren hoppar över den.',
    command: '# Put {file} right, or write it anew: kortd browser-policy --browser {browser} {origins}',
  },
  browser_policy_missing: {
    severity: 'warning',
    en: 'A web page that may use kortd is not in the policy of this browser, which asks each person before the page reaches kortd, and once refused never reaches it.',
    sv: 'En webbsida som får använda kortd finns inte i webbläsarens policy; den frågar då varje person innan sidan når kortd, och efter ett nej nås kortd aldrig.',
    command: 'kortd browser-policy --browser {browser} {origins} | sudo install -D -m 644 /dev/stdin {file}',
  },
} as const;

type Fault = keyof typeof FAULTS;

/** Sorted by browser. */
const PROGRAMS: Readonly<Record<PolicyBrowser, readonly string[]>> = {
  chrome: ['google-chrome', 'google-chrome-stable'],
  chromium: ['chromium', 'chromium-browser'],
  edge: ['microsoft-edge', 'microsoft-edge-stable'],
  firefox: ['firefox', 'firefox-esr'],
};

export const browserPolicyCheck = defineCheck({
  id: 'browser-policy',
  title: { en: 'Policies of browsers', sv: 'Webbläsarnas policyer' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux') {
      report.unseen(
        { en: 'policies of browsers', sv: 'webbläsares policyer' },
        {
          en: 'looked at on Linux alone; see chrome://policy and about:policies',
          sv: 'undersöks bara på Linux; se chrome://policy och about:policies',
        },
      );
      return;
    }
    const origins = [...new Set(readPolicy(look.policyFolder).grants.map(({ origin }) => origin))].filter(
      (origin) => !isLocal(origin),
    );
    for (const browser of Object.keys(PROGRAMS) as PolicyBrowser[]) await reportBrowser(look, { browser, origins }, report);
  },
});

/** Such a page is on this computer already. */
function isLocal(origin: string): boolean {
  return !origin.startsWith('http') || /^https?:\/\/(localhost|127\.|\[::1\])/.test(origin);
}

interface Wanted {
  readonly browser: PolicyBrowser;
  readonly origins: readonly string[];
}

async function reportBrowser(look: Look, { browser, origins }: Wanted, report: TypedReport<Fault>): Promise<void> {
  const { file } = POLICY_PLACES[browser];
  const named = origins.length === 0 ? 'ORIGIN' : origins.join(' ');
  const { allowed, malformed } = await readPolicies(look, browser);
  for (const bad of malformed) report.found('browser_policy_malformed', bad, { file: bad, browser, origins: named });
  if (malformed.length > 0 || origins.length === 0 || !(await isInstalled(look, browser))) return;
  const missing = origins.filter((origin) => !isAllowed(origin, allowed));
  if (missing.length > 0)
    report.found(
      'browser_policy_missing',
      missing.map((origin) => `${browser}: ${origin}`),
      { file, browser, origins: named },
    );
}

async function isInstalled(look: Look, browser: PolicyBrowser): Promise<boolean> {
  const found = await Promise.all(PROGRAMS[browser].map((program) => look.isInstalled(program)));
  return found.includes(true);
}

/** Chromium's family merges every file of the folder; Firefox has one. */
async function readPolicies(
  look: Look,
  browser: PolicyBrowser,
): Promise<{ readonly allowed: readonly string[]; readonly malformed: readonly string[] }> {
  const { file } = POLICY_PLACES[browser];
  const names = browser === 'firefox' ? undefined : await look.list(dirname(file));
  const files =
    names === undefined
      ? [file]
      : names.state === 'seen'
        ? names.value.filter((name) => name.endsWith('.json')).map((name) => `${dirname(file)}/${name}`)
        : [];
  const allowed: string[] = [];
  const malformed: string[] = [];
  for (const path of files) {
    const text = await look.readText(path);
    if (text.state !== 'seen') continue;
    const policy = parse(text.value);
    if (policy === undefined) malformed.push(path);
    else allowed.push(...textsIn(policy));
  }
  return { allowed, malformed };
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** LoopbackNetworkAllowedForUrls, and the older name that covers the whole local network; of Firefox LocalNetworkAccess.SkipDomains. */
function textsIn(policy: object): readonly string[] {
  const {
    LoopbackNetworkAllowedForUrls: loopback,
    LocalNetworkAccessAllowedForUrls: network,
    policies,
  } = policy as Record<string, unknown>;
  const { LocalNetworkAccess: firefox } = (policies ?? {}) as Record<string, unknown>;
  const { SkipDomains: hosts } = (firefox ?? {}) as Record<string, unknown>;
  return [loopback, network, hosts].flatMap((list) =>
    Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [],
  );
}

/** By the whole origin, its host, or a pattern as these policies have them: *, [*.]example.org, *.example.org. */
function isAllowed(origin: string, allowed: readonly string[]): boolean {
  const { hostname } = new URL(origin);
  return allowed.some((entry) => {
    if (entry === '*' || entry === origin || entry === hostname || entry === `${origin}/`) return true;
    const pattern = /^(?:https:\/\/)?(?:\[\*\.\]|\*\.)(.+)$/.exec(entry)?.[1];
    return pattern !== undefined && (hostname === pattern || hostname.endsWith(`.${pattern}`));
  });
}
