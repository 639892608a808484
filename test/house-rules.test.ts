/** What the style page asks of the source tree itself. Each checker is first shown something bad, so that it is known to be able to fail. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, extname, join, posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import * as cardErrors from '../apdu/errors.ts';
import { CARD_PROFILES } from '../apdu/cards/index.ts';
import { ERRORS, type ErrorCode } from '../api-spec/errors.ts';
import { staleFiles } from '../api-spec/generate/generate.ts';
import { LIMITS } from '../api-spec/wire.ts';
import { limitsInForce } from '../daemon/api/handlers/system.ts';
import { CLASS_CODES, toWireError } from '../daemon/api/wire-error.ts';
import { staleConfigurationFiles } from '../daemon/configuration/generate.ts';
import { VERSION } from '../daemon/version.ts';
import * as deviceErrors from '../drivers/errors.ts';
import { CARD_KINDS } from '../drivers/simulated/cards/index.ts';

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 600;
const FOLDERS = [
  'apdu',
  'api-spec',
  'daemon',
  'daemon/telemetry',
  'docs',
  'drivers',
  'drivers/pcsc',
  'drivers/simulated',
  'examples/card-office',
  'installer',
  'pkcs11-module',
  'test',
];

/** Everything in the repository, and what would be if it were added now. */
const files: readonly string[] = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));
const sources = files.filter((path) => /\.(tsx?|mjs|js)$/.test(path));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What `check` says of each file, with the file's name before it. */
function complaints(paths: readonly string[], check: (path: string, text: string) => readonly string[]): readonly string[] {
  return paths.flatMap((path) => check(path, read(path)).map((complaint) => `${path}: ${complaint}`));
}

describe('imports', () => {
  it('go only where the layers let them', () => {
    expect(complaints(sources, forbiddenImports)).toEqual([]);
  });

  it.each([
    ['apdu/select.ts', "import { open } from '../drivers/pcsc/source.ts';"],
    ['apdu/select.ts', "import type { Card } from '../api-spec/schemas.ts';"],
    ['apdu/select.ts', "import { readFileSync } from 'node:fs';"],
    ['apdu/select.ts', "import { readFileSync } from 'fs';"],
    ['apdu/select.ts', "import Type from 'typebox';"],
    ['apdu/select.test.ts', "import { createPivCard } from '../drivers/simulated/cards/piv.ts';"],
    ['apdu/cards/piv.ts', "import { esteid } from './esteid.ts';"],
    ['apdu/cards/piv/keys.ts', "export { constants } from '../esteid/constants.ts';"],
    ['api-spec/events.ts', "const { VERSION } = await import('../daemon/version.ts');"],
    ['daemon/daemon.ts', "import { bench } from '../test/bench/main.ts';"],
    ['daemon/daemon.ts', "import koffi from 'koffi';"],
    ['daemon/daemon.ts', "import { setup } from '../scripts/setup.mjs';"],
    ['examples/card-office/portal.ts', "import { ApiError } from '../../daemon/errors.ts';"],
    ['drivers/errors.ts', "import { ApiError } from '../daemon/errors.ts';"],
    ['drivers/pcsc/source.ts', "import koffi from 'koffi';"],
    ['drivers/pcsc/source.ts', "import { METHODS } from '../../api-spec/methods/index.ts';"],
    ['drivers/simulated/cards/piv.ts', "import { TAG_CHUID } from '../../../apdu/cards/piv/constants.ts';"],
    ['drivers/simulated/reader.ts', "import { Secret } from '../../apdu/secret.ts';"],
    ['drivers/simulated/reader.ts', "import { createPcscSource } from '../pcsc/source.ts';"],
    ['drivers/scanners/driver.ts', "import { METHODS } from '../../api-spec/methods/index.ts';"],
    ['scripts/setup.mjs', "import { startPcscd } from '../test/support/pcscd.ts';"],
  ])('of %s may not be: %s', (path, text) => {
    expect(forbiddenImports(path, text)).toHaveLength(1);
  });

  it.each([
    ['apdu/cards/index.ts', "import { pivProfile } from './piv.ts';"],
    ['apdu/cards/piv/keys.ts', "import { INS_VERIFY } from './constants.ts'; import { deflateSync } from 'node:zlib';"],
    ['apdu/select.test.ts', "import { it } from 'vitest'; import { readFileSync } from 'node:fs';"],
    ['daemon/daemon.ts', "import { CARD_PROFILES } from '../apdu/cards/index.ts';"],
    ['drivers/pcsc/winscard.ts', "import koffi from 'koffi';"],
    ['drivers/simulated/reader.ts', "import type { CardConnection } from '../../apdu/card-connection.ts';"],
    ['drivers/simulated/reader.ts', "// import { x } from '../../daemon/x.ts'\nconst text = 'import koffi from \"koffi\"';"],
    ['drivers/scanners/driver.ts', "import type { ScanReport } from '../../api-spec/scan/report.ts';"],
    ['test/support/x.ts', "import koffi from 'koffi'; import { Desk } from '../../daemon/desk/desk.ts';"],
  ])('of %s may be: %s', (path, text) => {
    expect(forbiddenImports(path, text)).toEqual([]);
  });
});

describe('files', () => {
  it('have a name that says what is in them', () => {
    const vague = /(^|[-.])(utils?|helpers?|common|misc|managers?)([-.]|$)/;
    expect(files.filter((path) => path.split('/').some((name) => vague.test(name)))).toEqual([]);
    expect(['string-utils.ts', 'helpers.test.ts', 'card-manager.ts'].filter((name) => vague.test(name))).toHaveLength(3);
  });

  it('are named in kebab case', () => {
    const isKebab = (path: string): boolean => /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(basename(path));
    expect(sources.filter((path) => !isKebab(path))).toEqual([]);
    expect(['readerQueue.ts', 'Reader.ts', 'reader_queue.ts'].filter(isKebab)).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines`, () => {
    expect(complaints(sources, tooLong)).toEqual([]);
    expect(tooLong('x.ts', 'line\n'.repeat(MAX_LINES + 1))).toHaveLength(1);
  });

  it('have no banners and no code in comments', () => {
    expect(complaints(sources, deadComments)).toEqual([]);
    for (const bad of [
      '// const x = 1;',
      '// return x;',
      '//// x',
      '// ==== Parsing ====',
      '/* ------ */',
      '  // await open(x);',
    ])
      expect(deadComments('x.ts', bad), bad).toHaveLength(1);
    expect(deadComments('x.ts', '// return the card when it is done\n// for: the reader, const and let\n')).toEqual([]);
  });

  it('name no machine: no absolute path of one, no package registry', () => {
    const texts = files.filter((path) => ['.ts', '.mjs', '.js', '.json', '.md', '.c', '.txt', ''].includes(extname(path)));
    const others = texts.filter((path) => path !== 'package-lock.json');
    expect(complaints(others, namesMachine)).toEqual([]);
    const [slash, registry] = ['/', 'registry'];
    for (const bad of [
      `'${slash}work/main/x.ts'`,
      `cd ${slash}root`,
      `https://${registry}.npmjs.org/x`,
      `https://npm.${registry}.example/`,
    ])
      expect(namesMachine('x.ts', bad), bad).toHaveLength(1);
    expect(namesMachine('x.ts', 'and/or/root, build/work/x, the registry of Windows')).toEqual([]);
  });

  it('are not fetched from one place: the lock file holds hashes and no addresses', () => {
    const lock = read('package-lock.json');
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain('"resolved"');
  });

  it('are what their generator gives', () => {
    expect([...staleFiles(), ...staleConfigurationFiles()]).toEqual([]);
  });

  it.each(FOLDERS)('in %s have a README beside them', (folder) => {
    expect(files).toContain(`${folder}/README.md`);
  });
});

describe('tables', () => {
  it('are sorted where they say so', () => {
    expect(complaints(sources, unsortedTables)).toEqual([]);
  });

  it.each([
    '/** Sorted by name. */ export const T = { b: 1, a: 2 } as const;',
    '/** Sorted by name. */ const T: X = { a: 1, "c.d": 2, b: 3 };',
    '/** Rows. Sorted by tag. */ const T = [{ name: "x", tag: 0x7f }, { name: "a", tag: 0x10 }];',
    '/** Sorted by code. */ const T = new Map(([[X, 1], [0x20, 2], [0x9, 3]] as const).map((x) => x));',
    '/** Sorted by name. */ const T = ["b", "a"];',
    '/** Sorted by name. */ const T = make();',
  ])('that are not are found: %s', (text) => {
    expect(unsortedTables('x.ts', text)).toHaveLength(1);
  });

  it('that are pass', () => {
    const text = '/** Sorted by tag. */ const T = [{ tag: 0x9 }, ...more, { tag: 0x10 }]; /** Any. */ const U = { b: 1, a: 2 };';
    expect(unsortedTables('x.ts', text)).toEqual([]);
  });
});

describe('cards', () => {
  it('of every profile have a simulator of the same name', () => {
    const simulated = CARD_PROFILES.filter(({ id }) => files.includes(`drivers/simulated/cards/${id}.ts`) && CARD_KINDS.has(id));
    expect(simulated).toEqual(CARD_PROFILES);
    expect(CARD_PROFILES.length).toBeGreaterThan(0);
  });

  it('have a profile that is listed, for every file', () => {
    const names = files.flatMap((path) => /^apdu\/cards\/([^/]+)(?<!\.test)\.ts$/.exec(path)?.[1] ?? []);
    expect(names.sort()).toEqual([...CARD_PROFILES.map(({ id }) => id), 'index'].sort());
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(VERSION).toBe(version);
  });
});

describe('limits', () => {
  it('are those that the documents tell', () => {
    const { idempotencyMs: _, ...documented } = LIMITS;
    expect(Object.fromEntries(Object.entries(documented).map(([name, { value }]) => [name, value]))).toEqual(limitsInForce());
  });

  it('are given with a reason for their size', () => {
    const table = [...read('daemon/listen/README.md').matchAll(/^\| `(\w+)`\s*\| (\d+)\s*\| \S/gm)];
    expect(Object.fromEntries(table.map(([, name = '', value]) => [name, Number(value)]))).toEqual(limitsInForce());
  });
});

describe('errors', () => {
  const classes = [...Object.values(cardErrors), ...Object.values(deviceErrors)].filter((value) => typeof value === 'function');

  it('of cards and devices each have a code', () => {
    const mapped = new Set(CLASS_CODES.map(([errorClass]) => errorClass.name));
    expect(classes.map(({ name }) => name).filter((name) => !mapped.has(name))).toEqual([]);
  });

  it('of a special class are looked at before those of the general one', () => {
    for (const [index, [errorClass]] of CLASS_CODES.entries())
      expect(CLASS_CODES.slice(0, index).find(([earlier]) => errorClass.prototype instanceof earlier)?.[0].name).toBeUndefined();
  });

  it('get the details that their texts have places for', () => {
    const daemon = sources.filter((path) => path.startsWith('daemon/') && !path.endsWith('.test.ts'));
    expect(complaints(daemon, unfilledPlaceholders)).toEqual([]);
    expect(unfilledPlaceholders('x.ts', "throw new ApiError('deadline_exceeded', 'waiting', { where: 'here' });")).toHaveLength(
      1,
    );
    expect(unfilledPlaceholders('x.ts', "throw new ApiError('deadline_exceeded', 'waiting');")).toHaveLength(1);
    expect(unfilledPlaceholders('x.ts', "throw new ApiError('deadline_exceeded', 'waiting', { timeoutMs });")).toEqual([]);
  });

  it('with places in their texts come from a class or from the daemon', () => {
    const thrown = new Set(
      sources.filter((path) => path.startsWith('daemon/')).flatMap((path) => apiErrors(read(path)).map(({ code }) => code)),
    );
    const mapped = new Set(CLASS_CODES.map(([, code]) => code));
    const withPlaces = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => placeholders(code).length > 0);
    const filledElsewhere: readonly ErrorCode[] = ['deadline_exceeded', 'internal_error'];
    expect(withPlaces.filter((code) => !thrown.has(code) && !mapped.has(code) && !filledElsewhere.includes(code))).toEqual([]);
  });

  it('of classes with places in their texts fill them', () => {
    const errors = [
      new cardErrors.StatusWordError('reading', 0x6a80),
      new cardErrors.PinRejectedError('verifying', { statusWord: 0x63c2, attemptsRemaining: 2 }),
      new deviceErrors.DeviceBusyError('connecting'),
      new TypeError('a defect'),
    ];
    for (const error of errors) expect(toWireError(error, undefined, () => undefined).en).not.toMatch(/\?/);
  });
});

/** What may be imported, by the first row whose pattern fits the file. Patterns of targets are paths in the repository. */
const LAYERS: readonly { readonly files: RegExp; readonly ours: RegExp; readonly packages?: RegExp }[] = [
  { files: /^apdu\/.*\.test\.ts$/, ours: /^apdu\//, packages: /^(node:.*|vitest)$/ },
  // Arithmetic of curves, which Node does not give out, is a library's.
  { files: /^apdu\/icao9303\/agreement-group\.ts$/, ours: /^apdu\//, packages: /^@noble\/curves\/abstract\/weierstrass\.js$/ },
  { files: /^apdu\//, ours: /^apdu\//, packages: /^node:(crypto|zlib|util)$/ },
  { files: /^api-spec\//, ours: /^api-spec\// },
  // The simulated passport computes on the same curves, by the same library and code of its own.
  {
    files: /^drivers\/simulated\/cards\/emrtd\/groups\.ts$/,
    ours: /^(apdu\/(iso7816|tlv)\/.*|drivers\/simulated\/.*)$/,
    packages: /^(node:crypto|@noble\/curves\/abstract\/weierstrass\.js)$/,
  },
  {
    files: /^drivers\/simulated\/(?!.*\.test\.ts$)/,
    ours: /^(apdu\/(iso7816|tlv)\/.*|apdu\/card-(connection|profile)\.ts|drivers\/(errors|reader-source|(pads|scanners)\/driver|ports\/(hid-port|serial-line))\.ts|drivers\/simulated\/.*)$/,
  },
  // A scan is one data model, for those who make it and those who are given it.
  { files: /^drivers\/scanners\//, ours: /^(apdu|drivers|api-spec\/scan)\// },
  { files: /^drivers\//, ours: /^(apdu|drivers)\// },
  { files: /^daemon\//, ours: /^(apdu|api-spec|daemon|drivers|pkcs11-module)\// },
  // Packages are made of what the others built; they describe it, and start nothing of it.
  { files: /^installer\//, ours: /^(api-spec|daemon|drivers|installer)\// },
  // Pages are made of texts alone.
  { files: /^docs\//, ours: /^docs\// },
  // What a web page is built of: the client, and what is its own.
  { files: /^examples\//, ours: /^(api-spec|examples)\// },
  { files: /^test\//, ours: /./ },
  { files: /^scripts\//, ours: /^scripts\// },
];

/** Where the code that ships calls a native library, or one that is loaded only where it is switched on. */
const CALL_SITES: Readonly<Record<string, readonly string[]>> = {
  '@opentelemetry/api': ['daemon/telemetry/open-telemetry.ts'],
  '@opentelemetry/exporter-trace-otlp-http': ['daemon/telemetry/open-telemetry.ts'],
  '@opentelemetry/resources': ['daemon/telemetry/open-telemetry.ts'],
  '@opentelemetry/sdk-trace': ['daemon/telemetry/open-telemetry.ts'],
  'prom-client': ['daemon/telemetry/prometheus.ts'],
  koffi: [
    'drivers/pcsc/winscard.ts',
    'drivers/pkcs11/cryptoki.ts',
    'drivers/notify-socket.ts',
    'drivers/process-exit.ts',
    'drivers/peer-credentials.ts',
    'drivers/process-limits.ts',
    'drivers/simulated/quick-ack.ts',
    'drivers/simulated/testbed/posix.ts',
    'drivers/socket-owner.ts',
    'drivers/unused-memory.ts',
    'drivers/windows-service.ts',
  ],
};

function forbiddenImports(path: string, text: string): readonly string[] {
  const layer = LAYERS.find((row) => row.files.test(path));
  return ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName }) => {
    const allowed = fileName.startsWith('.')
      ? mayImportFile(path, posix.join(posix.dirname(path), fileName), layer?.ours)
      : mayImportPackage(path, fileName, layer?.packages);
    return allowed ? [] : [`may not import ${fileName}`];
  });
}

function mayImportFile(path: string, target: string, ours: RegExp | undefined): boolean {
  if (target.startsWith('test/') && !path.startsWith('test/')) return false;
  const family = cardFamily(path);
  const targetFamily = cardFamily(target);
  if (family !== undefined && family !== 'index' && targetFamily !== undefined && family !== targetFamily) return false;
  return ours?.test(target) ?? true;
}

function mayImportPackage(path: string, name: string, packages: RegExp | undefined): boolean {
  const sites = CALL_SITES[name];
  if (sites && !path.startsWith('test/')) return sites.includes(path);
  return packages?.test(name) ?? true;
}

/** "piv" for apdu/cards/piv.ts, piv.test.ts and everything in piv/. */
function cardFamily(path: string): string | undefined {
  return /^apdu\/cards\/([^/.]+)/.exec(path)?.[1];
}

function tooLong(_: string, text: string): readonly string[] {
  const lines = text.split('\n').length - 1;
  return lines > MAX_LINES ? [`${lines} lines`] : [];
}

const BANNER = /^\s*(\/\/|\/\*+|\*)\s*[-=*#~/]{4,}|^\s*\/{3,}(?!\s*<reference)/;
const DEAD_CODE =
  /^\s*\/\/\s*((const|let|var|import|export|await|return|throw|if|for|while)\b.*[;{]|[\w.]+\(.*\);|[\w.]+ = .*;|\})$/;

function deadComments(_: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) => (BANNER.test(line) || DEAD_CODE.test(line) ? [`line ${index + 1}`] : []));
}

const MACHINE_PATH = /(?<![\w.\-/}\])*])\/(?:work|root)(?![\w-])/;
const REGISTRY = /https?:\/\/[\w.-]*(?:registry|npmjs|artifactory|nexus|verdaccio)[\w.-]*/i;

function namesMachine(_: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) => (MACHINE_PATH.test(line) || REGISTRY.test(line) ? [`line ${index + 1}`] : []));
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => {
    visit(child, see);
  });
}

/** Tables whose comment says "Sorted by x" and that are not, or whose rows cannot be told. Rows without a literal key are passed over. */
function unsortedTables(_: string, text: string): readonly string[] {
  if (!text.includes('Sorted by')) return [];
  const found: string[] = [];
  for (const statement of parse(text).statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const comment =
      (ts.getLeadingCommentRanges(text, statement.pos) ?? []).map(({ pos, end }) => text.slice(pos, end)).at(-1) ?? '';
    const field = /Sorted by (\w+)/.exec(comment)?.[1];
    const [declaration] = statement.declarationList.declarations;
    if (field === undefined || !declaration?.initializer) continue;
    const keys = rowKeys(declaration.initializer, field);
    if (keys.length < 2 || keys.some((key, index) => index > 0 && compare(keys[index - 1], key) >= 0))
      found.push(declaration.name.getText());
  }
  return found;
}

type RowKey = string | number;

function compare(one: RowKey | undefined, other: RowKey): number {
  if (one === undefined) return -1;
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return String(one) < String(other) ? -1 : String(one) === String(other) ? 0 : 1;
}

/** Of the first object or array literal in the expression. */
function rowKeys(expression: ts.Node, field: string): readonly RowKey[] {
  if (ts.isObjectLiteralExpression(expression))
    return expression.properties.flatMap(({ name }) => (name ? literalKey(name) : []));
  if (ts.isArrayLiteralExpression(expression)) return expression.elements.flatMap((row) => elementKey(row, field));
  for (const child of expression.getChildren()) {
    const keys = ts.isTypeNode(child) ? [] : rowKeys(child, field);
    if (keys.length > 0) return keys;
  }
  return [];
}

function elementKey(row: ts.Expression, field: string): readonly RowKey[] {
  if (ts.isArrayLiteralExpression(row))
    return row.elements.slice(0, 1).flatMap((key) => (ts.isIdentifier(key) ? [] : literalKey(key)));
  if (!ts.isObjectLiteralExpression(row)) return ts.isIdentifier(row) ? [] : literalKey(row);
  return row.properties.flatMap((property) =>
    ts.isPropertyAssignment(property) && property.name.getText() === field ? literalKey(property.initializer) : [],
  );
}

function literalKey(node: ts.Node): readonly RowKey[] {
  if (ts.isNumericLiteral(node)) return [Number(node.text)];
  return ts.isStringLiteralLike(node) || ts.isIdentifier(node) ? [node.text] : [];
}

interface ApiErrorCall {
  readonly code: ErrorCode;
  /** Undefined when the details are not written out at the call. */
  readonly details: readonly string[] | undefined;
}

/** Every `new ApiError('code', …)` in a text. Codes that are not written out are passed over. */
function apiErrors(text: string): readonly ApiErrorCall[] {
  const found: ApiErrorCall[] = [];
  visit(parse(text), (node) => {
    if (!ts.isNewExpression(node) || node.expression.getText() !== 'ApiError') return;
    const [code, , details] = node.arguments ?? [];
    if (!code || !ts.isStringLiteral(code)) return;
    const names =
      details && !ts.isObjectLiteralExpression(details)
        ? undefined
        : (details?.properties.map((property) => property.name?.getText() ?? '') ?? []);
    found.push({ code: code.text as ErrorCode, details: names });
  });
  return found;
}

function placeholders(code: ErrorCode): readonly string[] {
  return [...ERRORS[code].en.happened.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

/** internal_error gets its incident id in wire-error.ts. */
function unfilledPlaceholders(_: string, text: string): readonly string[] {
  return apiErrors(text)
    .filter(({ code }) => code !== 'internal_error')
    .flatMap(({ code, details }) =>
      placeholders(code).flatMap((name) => (details && !details.includes(name) ? [`${code} without ${name}`] : [])),
    );
}
