/** What the guides say of commands, methods, events, errors, scopes, options and files, held against the program itself. Each check is first shown something bad. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import MarkdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../api-spec/errors.ts';
import { EVENTS } from '../../api-spec/events.ts';
import { METHODS } from '../../api-spec/methods/index.ts';
import { SCOPES } from '../../api-spec/scopes.ts';
import { readPolicy } from '../../daemon/access/policy.ts';
import { createProgram } from '../../daemon/cli/commands.ts';
import { OPTIONS } from '../../daemon/configuration/schema.ts';
import { recordedCardKinds } from '../../daemon/trace/scenario-card.ts';
import { parseConfiguration } from '../../drivers/scanners/configuration.ts';
import { SCANNER_KINDS } from '../../drivers/scanners/index.ts';
import { collect } from '../../docs/site/collect.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'docs');
/** What an example calls card.txt. */
const RECORDED = readFileSync(join(ROOT, 'test', 'trace', 'piv.txt'));
const guides = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));
/** Everything else that pages are made of. */
const others = [...collect(ROOT).pages.keys()].filter((path) => !guides.includes(path.replace('docs/', '')));
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Readonly<Record<string, string>> };

interface Code {
  readonly text: string;
  /** Of a block: "sh", "json". */
  readonly language?: string;
}

function codesOf(markdown: string): readonly Code[] {
  const tokens = new MarkdownIt({ html: true }).parse(markdown, {});
  return tokens.flatMap(({ type, content, info, children }): readonly Code[] => {
    if (type === 'fence') return [{ text: content, language: info }];
    return (children ?? []).flatMap((child) => (child.type === 'code_inline' ? [{ text: child.content }] : []));
  });
}

/** Where a command begins: not as a word to another, as in systemctl reload kortd. */
const CALL = /(?:^|[$(|;&]|\bsudo|\bnpm run -s)\s*\bkortd (?:--(?:\s|$))?([^|>)]*)/g;
const SHELLS = new Set(['bat', 'sh']);
const CALLS = new Set<string>(Object.keys(METHODS));
const NAMES = new Set<string>([...CALLS, ...Object.keys(EVENTS), ...Object.keys(SCOPES), ...OPTIONS.map(({ path }) => path)]);
/** Of the wire and of the client, which have tables of their own. */
const OTHER_NAMES = new Set(['event.gap', 'client.closed']);
const FILE = /\.(d|html|json|mjs|pem|sqlite|ts)$/;
/** What `retry` may be stands beside the codes, and is none. */
const OTHER_WORDS = new Set(['after_user_action']);

/** What is wrong with the commands of kortd in a text. */
function commandProblems({ text, language }: Code): readonly string[] {
  if (language !== undefined && !SHELLS.has(language)) return [];
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  return lines.flatMap((line) => {
    const calls = line.replace(/(^|\s)#.*/, '').matchAll(CALL);
    return [...calls].flatMap(([, rest = '']) => problemsOf(rest.trim().split(/\s+/), language !== undefined));
  });
}

/** In a sentence, options that a command wants may be left out. */
function problemsOf(words: readonly string[], isWhole: boolean): readonly string[] {
  let command: Command = createProgram();
  let depth = 0;
  for (; depth < words.length; depth++) {
    const next = command.commands.find((each) => each.name() === words[depth]);
    if (!next) break;
    command = next;
  }
  const [next = ''] = words.slice(depth);
  const called = `kortd ${words.join(' ')}`;
  if (command.commands.length > 0 && /^[^-]/.test(next)) return /^[a-z]/i.test(next) ? [`${called}: no such command`] : [];
  const end = words.indexOf('--');
  const own = words.slice(depth, end < 0 ? words.length : end);
  const unknown = own.filter((word) => word.startsWith('--') && !command.options.some(({ long }) => long === word));
  const method = command.name() === 'call' && /^[a-z]/.test(next) && !CALLS.has(next) ? [`${called}: no such method`] : [];
  const missing = command.options.filter(({ mandatory, long }) => isWhole && mandatory && !own.includes(long ?? ''));
  return [
    ...unknown.map((word) => `${called}: no such option ${word}`),
    ...missing.map(({ long }) => `${called}: without ${long ?? ''}`),
    ...method,
  ];
}

/** What is written as a name of the API or an option, and is none. */
function nameProblems({ text, language }: Code): readonly string[] {
  if (language !== undefined) return [];
  if (/^[a-z]+\.[a-zA-Z]+$/.test(text) && !FILE.test(text) && !NAMES.has(text) && !OTHER_NAMES.has(text))
    return [`no name: ${text}`];
  if (/^[a-z]+(_[a-z]+)+$/.test(text) && !OTHER_WORDS.has(text) && !Object.hasOwn(ERRORS, text)) return [`no error: ${text}`];
  return [];
}

function scriptProblems({ text }: Code): readonly string[] {
  return [...text.matchAll(/npm (?:run )?(?:-s )?([a-z][\w:-]*)/g)].flatMap(([call, name = '']) =>
    Object.hasOwn(scripts, name) ? [] : [`${call}: no such script`],
  );
}

/** What is wrong with an example of a file, by the code that reads such files. */
async function exampleProblems({ text, language }: Code): Promise<readonly string[]> {
  if (language !== 'json') return [];
  const folder = mkdtempSync(join(tmpdir(), 'kortd-guides-'));
  try {
    const content = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if ('origins' in content) {
      writeFileSync(join(folder, 'policy.json'), text, { mode: 0o600 });
      return readPolicy(folder).problems.map(({ problem }) => problem);
    }
    if ('scanners' in content) parseConfiguration(text, SCANNER_KINDS);
    const reader = { name: 'a reader', readers: [content], cards: [{ name: 'piv', kind: 'piv' }] };
    const scenario = 'readers' in content ? content : 'faults' in content ? reader : undefined;
    if (!scenario) return [];
    const path = join(folder, 'desk.json');
    writeFileSync(path, JSON.stringify(scenario));
    writeFileSync(join(folder, 'card.txt'), RECORDED);
    const loaded = await loadScenario(path, { kinds: recordedCardKinds(() => undefined) });
    await loaded[Symbol.asyncDispose]();
    return [];
  } catch (error) {
    return [String(error)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.each(guides)('%s', (guide) => {
  const codes = codesOf(readFileSync(join(FOLDER, guide), 'utf8'));

  it('names commands, options and methods that the program has', () => {
    expect(codes.flatMap(commandProblems)).toEqual([]);
  });

  it('names methods, events, scopes, options and errors that there are', () => {
    expect(codes.flatMap(nameProblems)).toEqual([]);
  });

  it('names scripts of the package that there are', () => {
    expect(codes.flatMap(scriptProblems)).toEqual([]);
  });

  it('shows files as kortd reads them', async () => {
    expect((await Promise.all(codes.map(exampleProblems))).flat()).toEqual([]);
  });
});

describe.each(others)('%s', (page) => {
  const codes = codesOf(readFileSync(join(ROOT, page), 'utf8'));

  it('names commands, options, methods and scripts that there are', () => {
    expect([...codes.flatMap(commandProblems), ...codes.flatMap(scriptProblems)]).toEqual([]);
  });
});

describe('the guides', () => {
  it('hold something to be checked', () => {
    const codes = guides.flatMap((guide) => codesOf(readFileSync(join(FOLDER, guide), 'utf8')));
    const commands = codes.flatMap(({ text }) => [...text.matchAll(/\bkortd [a-z]/g)]);
    expect(commands.length).toBeGreaterThan(50);
    expect(codes.filter(({ text, language }) => language === undefined && NAMES.has(text)).length).toBeGreaterThan(20);
  });

  it.each([
    ['kortd frobnicate', 'no such command'],
    ['sudo kortd tls undo', 'no such command'],
    ['npm run -s kortd -- doctor --sunny', 'no such option --sunny'],
    ['$(kortd call card.eat "{}")', 'no such method'],
    ['kortd trace export card.txt', 'without --out'],
    ['kortd simulate --card piv', 'without --vpcd'],
  ])('that said "%s" would be found', (text, problem) => {
    expect(commandProblems({ text, language: 'sh' })).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    'kortd',
    'kortd --version',
    'kortd # nothing',
    'usermod -aG kortd anna',
    '/usr/bin/kortd x',
    'systemctl reload kortd',
    'kortd simulate-devices --device topaz -- x --its-own',
  ])('may say "%s"', (text) => {
    expect(commandProblems({ text })).toEqual([]);
  });

  it.each(['card.eat', 'listen.prot', 'no_such_error'])('that named %s would be found', (text) => {
    expect(nameProblems({ text })).toHaveLength(1);
  });

  it.each([
    '{ "origins": [{ "origin": "http://ra.example", "scopes": ["sign"] }] }',
    '{ "scanners": [{ "name": "x", "driver": "none" }] }',
    '{ "readers": [{ "nom": "x" }], "cards": [] }',
    '{ "name": "x", "faults": [{ "kind": "sulk" }] }',
    '{ "broken": ',
  ])('that showed %s would be found', async (text) => {
    expect(await exampleProblems({ text, language: 'json' })).toHaveLength(1);
  });

  it('would be found with a script that is not there', () => {
    expect(scriptProblems({ text: 'npm run fly' })).toHaveLength(1);
  });
});
