/**
 * polkit, which pcscd asks since 2.0 whom it may let in: a service is refused unless a rule lets it. Rules are JavaScript of 2009 (ECMAScript 5) in Debian's
 * polkitd, where one arrow function makes polkit pass over the whole file.
 */
import { Script } from 'node:vm';
import { defineCheck } from '../check.ts';
import type { Look, Seen } from '../look.ts';
import { findServiceUnit } from '../../service/service-unit.ts';
import { isDeskSimulated } from '../simulated-desk.ts';

const FAULTS = {
  polkit_denied: {
    severity: 'error',
    en: 'polkit does not let this user use the PC/SC service: whoever does not sit at this computer needs a rule.',
    sv: 'polkit låter inte den här användaren använda PC/SC-tjänsten: den som inte sitter vid datorn behöver en regel.',
    command: 'sudo apt-get install --reinstall kortd && sudo systemctl restart polkit.service',
  },
  polkit_rule_broken: {
    severity: 'error',
    en: "kortd's rule for polkit is no JavaScript that polkit can read, so the service is not let in.",
    sv: 'kortds regel för polkit är inte JavaScript som polkit kan läsa, så tjänsten släpps inte in.',
    command: 'sudo apt-get install --reinstall kortd && sudo systemctl restart polkit.service',
  },
  polkit_rule_missing: {
    severity: 'error',
    en: 'The PC/SC service asks polkit, and no rule lets the service user of kortd in.',
    sv: 'PC/SC-tjänsten frågar polkit, och ingen regel släpper in kortds tjänsteanvändare.',
    command: 'sudo apt-get install --reinstall kortd && sudo systemctl restart polkit.service',
  },
  polkit_rule_too_new: {
    severity: 'error',
    en: "kortd's rule for polkit uses JavaScript later than ECMAScript 5: some versions of polkit pass over the whole file.",
    sv: 'kortds regel för polkit använder JavaScript senare än ECMAScript 5: vissa versioner av polkit hoppar över hela filen.',
    command: 'sudo apt-get install --reinstall kortd && sudo systemctl restart polkit.service',
  },
} as const;

/** pcsc-lite, doc/README.polkit. */
const ACTION_FILES = [
  '/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy',
  '/usr/local/share/polkit-1/actions/org.debian.pcsc-lite.policy',
];
const ACTION = 'org.debian.pcsc-lite.access_pcsc';
/** polkit(8), "AUTHORIZATION RULES". */
const RULE_FOLDERS = [
  '/etc/polkit-1/rules.d',
  '/run/polkit-1/rules.d',
  '/usr/local/share/polkit-1/rules.d',
  '/usr/share/polkit-1/rules.d',
];
/** What ECMAScript 5 does not know, in the order of what is written by mistake. */
const LATER = /=>|\b(?:let|const|class|async|await)\b|`/;

interface Rule {
  readonly file: string;
  readonly text: string;
}

export const polkitCheck = defineCheck({
  id: 'polkit',
  title: { en: 'polkit, which says who may use card readers', sv: 'polkit, som säger vem som får använda kortläsare' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux' || (await isDeskSimulated(look))) return;
    const service = await look.pcsc();
    if (service.state === 'denied') report.found('polkit_denied', service.why);
    const unit = await findServiceUnit(look);
    const { rules, hidden } = await readRules(look);
    const own = rules.filter(({ text }) => text.includes(ACTION));
    for (const { file, text } of own) {
      if (LATER.test(withoutTexts(text)))
        report.found('polkit_rule_too_new', `${file}: ${LATER.exec(withoutTexts(text))?.[0] ?? ''}`);
      else if (!isScript(text)) report.found('polkit_rule_broken', file);
    }
    for (const { folder, why } of hidden) report.unseen({ en: `rules in ${folder}`, sv: `regler i ${folder}` }, why);
    if (!unit || unit.user === 'root' || !(await asksPolkit(look))) return;
    const isLetIn = own.some(({ text }) => new RegExp(`["']${unit.user}["']`).test(text));
    if (!isLetIn && hidden.length === 0)
      report.found('polkit_rule_missing', {
        en: `${ACTION} for the user ${unit.user} is in none of ${RULE_FOLDERS.join(', ')}`,
        sv: `${ACTION} för användaren ${unit.user} finns inte i någon av ${RULE_FOLDERS.join(', ')}`,
      });
  },
});

/** pcscd was built to ask it. */
async function asksPolkit(look: Look): Promise<boolean> {
  const files = await Promise.all(ACTION_FILES.map((file) => look.status(file)));
  return files.some(({ state }) => state === 'seen');
}

async function readRules(look: Look): Promise<{
  readonly rules: readonly Rule[];
  readonly hidden: readonly { readonly folder: string; readonly why: string }[];
}> {
  const rules: Rule[] = [];
  const hidden: { folder: string; why: string }[] = [];
  for (const folder of RULE_FOLDERS) {
    const names = await look.list(folder);
    if (isHidden(names)) hidden.push({ folder, why: names.why });
    if (names.state !== 'seen') continue;
    for (const name of names.value.filter((each) => each.endsWith('.rules'))) {
      const text = await look.readText(`${folder}/${name}`);
      if (text.state === 'seen') rules.push({ file: `${folder}/${name}`, text: text.value });
      else if (isHidden(text)) hidden.push({ folder: `${folder}/${name}`, why: text.why });
    }
  }
  return { rules, hidden };
}

function isHidden<T>(seen: Seen<T>): seen is Extract<Seen<T>, { readonly why: string }> {
  return seen.state === 'forbidden' || seen.state === 'failed';
}

/** Comments and quoted texts may hold anything. */
function withoutTexts(script: string): string {
  return script.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, ' ');
}

/** Parsed, and not run. */
function isScript(text: string): boolean {
  try {
    new Script(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
