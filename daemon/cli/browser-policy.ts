/**
 * `kortd browser-policy`: the managed policy that answers the browser's question for given web origins beforehand, so that no person is asked
 * whether they may reach programs on this computer (Local Network Access). What they may do with kortd is another question: policy.d answers it.
 *
 * LoopbackNetworkAllowedForUrls: https://chromeenterprise.google/policies/ (Chrome 146). LocalNetworkAccess:
 * https://mozilla.github.io/policy-templates/ (Firefox).
 */
import { parseOrigin } from '../access/origin.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

interface BrowserPlace {
  /** Of the JSON file, on Linux. */
  readonly file: string;
  /** Of the browser's policies in the Windows registry; undefined where a file is used there too. */
  readonly registryKey?: string;
}

/** Sorted by name. */
export const POLICY_PLACES = {
  chrome: {
    file: '/etc/opt/chrome/policies/managed/kortd.json',
    registryKey: 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Google\\Chrome',
  },
  chromium: {
    file: '/etc/chromium/policies/managed/kortd.json',
    registryKey: 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Chromium',
  },
  edge: {
    file: '/etc/opt/edge/policies/managed/kortd.json',
    registryKey: 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Edge',
  },
  firefox: { file: '/etc/firefox/policies/policies.json' },
} as const satisfies Record<string, BrowserPlace>;

export type PolicyBrowser = keyof typeof POLICY_PLACES;
export type PolicyFormat = 'json' | 'reg';

const CHROMIUM_POLICY = 'LoopbackNetworkAllowedForUrls';

export interface BrowserPolicyFlags {
  readonly browser: string;
  readonly format: string;
}

/** Prints the policy, and on standard error where it belongs. Throws UsageError for what can be no policy. */
export function runBrowserPolicy(origins: readonly string[], flags: BrowserPolicyFlags): void {
  const browser = requireOneOf('--browser', flags.browser, Object.keys(POLICY_PLACES) as PolicyBrowser[]);
  const format = requireOneOf('--format', flags.format, ['json', 'reg'] as const);
  const policy = browserPolicy(browser, format, origins);
  for (const line of whereToPut(browser, format)) printNotice(line);
  printResult(policy.trimEnd());
}

/** The text of the policy file. Throws UsageError. */
export function browserPolicy(browser: PolicyBrowser, format: PolicyFormat, origins: readonly string[]): string {
  const checked = [...new Set(origins.map(requirePageOrigin))];
  if (format === 'reg') return registryFile(browser, checked);
  const policy = browser === 'firefox' ? firefoxPolicy(checked) : { [CHROMIUM_POLICY]: checked };
  return `${JSON.stringify(policy, undefined, 2)}\n`;
}

/** In English and Swedish. */
export function whereToPut(browser: PolicyBrowser, format: PolicyFormat): readonly string[] {
  if (format === 'reg') {
    return [
      'Save this as kortd.reg and import it as administrator (reg import kortd.reg). Check in the browser: chrome://policy or edge://policy.',
      'Spara detta som kortd.reg och importera filen som administratör (reg import kortd.reg). Kontrollera i webbläsaren: chrome://policy eller edge://policy.',
    ];
  }
  const { file } = POLICY_PLACES[browser];
  if (browser === 'firefox') {
    return [
      `Put this into ${file}; Windows: distribution\\policies.json in the folder of Firefox. The file holds all policies of Firefox: if there is one, add LocalNetworkAccess to it. Check in Firefox: about:policies.`,
      `Lägg detta i ${file}; Windows: distribution\\policies.json i Firefox mapp. Filen innehåller alla policyer för Firefox: om den redan finns, lägg till LocalNetworkAccess i den. Kontrollera i Firefox: about:policies.`,
    ];
  }
  return [
    `Save this as ${file}, owned by root. Windows: --format reg. Check in the browser: chrome://policy or edge://policy.`,
    `Spara detta som ${file}, ägd av root. Windows: --format reg. Kontrollera i webbläsaren: chrome://policy eller edge://policy.`,
  ];
}

/** SkipDomains fits the host of the page or of what it calls, whatever the port: an address of this computer in it would let every site in. */
function firefoxPolicy(origins: readonly string[]): object {
  const hosts = [...new Set(origins.map((origin) => new URL(origin).hostname))];
  return { policies: { LocalNetworkAccess: { Enabled: true, EnablePrompting: true, SkipDomains: hosts } } };
}

/** Lists are numbered values in a key of their own; lines end as Windows has them. */
function registryFile(browser: PolicyBrowser, origins: readonly string[]): string {
  const { registryKey }: BrowserPlace = POLICY_PLACES[browser];
  if (registryKey === undefined)
    throw new UsageError(
      `--format reg: ${browser} takes the JSON file on Windows too`,
      `--format reg: ${browser} tar JSON-filen även på Windows`,
    );
  const values = origins.map((origin, index) => `"${index + 1}"="${origin}"`);
  return ['Windows Registry Editor Version 5.00', '', `[${registryKey}\\${CHROMIUM_POLICY}]`, ...values, ''].join('\r\n');
}

/** Throws UsageError. */
export function requirePageOrigin(text: string): string {
  const parsed = parseOrigin(text);
  if ('refusal' in parsed)
    throw new UsageError(
      `${text} is no origin of a web page (https://ra.example.org): ${parsed.refusal}`,
      `${text} är inget ursprung för en webbsida (https://ra.example.org): ${parsed.refusal}`,
    );
  const { hostname } = new URL(parsed.origin);
  if (/(^|\.)localhost$/.test(hostname))
    throw new UsageError(
      `${text} names this computer, not the host of a web page`,
      `${text} anger den här datorn, inte en webbsidas värd`,
    );
  return parsed.origin;
}

function requireOneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw new UsageError(`${option} ${text}: choose ${choices.join(', ')}`, `${option} ${text}: välj ${choices.join(', ')}`);
  return found;
}
