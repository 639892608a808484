import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Configuration } from './configuration.ts';
import { defaultSettings, effectiveOf } from './effective.ts';
import { ConfigurationError, sentenceOf } from './problem.ts';
import { parseConfiguration, readConfigurationFile } from './read.ts';
import { OPTIONS, SettingsSchema } from './schema.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-configuration-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const FILE = '/etc/kortd/kortd.json';

function problemsIn(text: string): readonly { readonly en: string; readonly sv: string }[] {
  try {
    parseConfiguration(text, FILE);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((problem) => ({ en: sentenceOf(problem, 'en'), sv: sentenceOf(problem, 'sv') }));
  }
  return [];
}

describe('a configuration file', () => {
  it('with any of the options is taken, each with its line', () => {
    const values = parseConfiguration(
      '{\n  "comment": "ours",\n  "listen": {\n    "port": 5000 },\n "log": {"level":"warn"}}',
      FILE,
    );
    expect([...values]).toEqual([
      ['listen.port', { value: 5_000, line: 4 }],
      ['log.level', { value: 'warn', line: 5 }],
    ]);
  });

  it('written by an editor that marks UTF-8 is taken', () => {
    expect(parseConfiguration('\uFEFF{}', FILE).size).toBe(0);
  });

  it.each([
    [
      '{\n "listen": { "port": 99999 }\n}',
      `${FILE}, line 2: listen.port is 99999; allowed is a whole number from 0 to 65535`,
      `${FILE}, rad 2: listen.port är 99999; tillåtet är ett heltal från 0 till 65535`,
    ],
    [
      '{"log":{"level":"loud"}}',
      `${FILE}, line 1: log.level is "loud"; allowed is one of "trace", "debug", "info", "warn", "error", "silent"`,
      `${FILE}, rad 1: log.level är "loud"; tillåtet är något av "trace", "debug", "info", "warn", "error", "silent"`,
    ],
    [
      '{"listen":\n\n{"prot":1}}',
      `${FILE}, line 3: listen.prot is no option; did you mean port? Allowed here: consolePort, port, tlsPort, userSockets`,
      `${FILE}, rad 3: listen.prot är inget val; menade du port? Tillåtet här: consolePort, port, tlsPort, userSockets`,
    ],
    [
      '{"folders":{"data":"var/lib"}}',
      `${FILE}, line 1: folders.data is "var/lib"; allowed is an absolute path`,
      `${FILE}, rad 1: folders.data är "var/lib"; tillåtet är en absolut sökväg`,
    ],
    [
      '{"listen":{"port":1,\n"port":2}}',
      `${FILE}, line 2: listen.port stands in line 1 already; once is allowed`,
      `${FILE}, rad 2: listen.port finns redan på rad 1; en gång är tillåtet`,
    ],
  ])('like %j is refused with what came, where, and what is allowed', (text, en, sv) => {
    expect(problemsIn(text)).toEqual([{ en, sv }]);
  });

  it.each(['[]', 'null', '3', '"x"', '{"listen":[]}', '{"log":null}'])('like %s is refused as the wrong shape', (text) => {
    expect(problemsIn(text)[0]?.en).toMatch(/ is .*; allowed is an object \{ … \} with any of /);
  });

  it.each(['', '{', '{"a":1,}', "{'a':1}", '// no\n{}', '{"a":01}', '{}{}', '\0', '{"a":"\ud800"'])(
    'like %j is refused as no JSON, with its line',
    (text) => {
      const [problem, ...others] = problemsIn(text);
      expect(others).toEqual([]);
      expect(problem?.en).toMatch(/, line \d: it is no JSON from character \d+/);
      expect(problem?.sv).toMatch(/, rad \d: det är inte JSON från tecken \d+/);
    },
  );

  it('tells everything that is wrong at once, and no more than a person reads', () => {
    expect(problemsIn('{"listen":{"port":-1,"tlsPort":"x"},"lgo":{}}')).toHaveLength(3);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x${index}`, 1]));
    expect(problemsIn(JSON.stringify(many)).length).toBeLessThanOrEqual(10);
  });

  it('named __proto__ in it is an option like any other that there is not', () => {
    expect(problemsIn('{"__proto__":{"log":{}}}')[0]?.en).toContain('__proto__ is no option');
    expect(problemsIn('{"log":{"constructor":1}}')[0]?.en).toContain('log.constructor is no option');
  });

  it('that others can write, that is too large, or that is a folder is refused', () => {
    const file = join(folder, 'kortd.json');
    const read = (): unknown => readConfigurationFile(file, { mayBeMissing: true });
    writeFileSync(file, '{}');
    chmodSync(file, 0o666);
    expect(read).toThrow('others than its owner can write it');
    chmodSync(file, 0o644);
    expect(read).not.toThrow();
    writeFileSync(file, ' '.repeat(300_000));
    expect(read).toThrow('it is larger than 262144 bytes');
    expect(() => readConfigurationFile(folder, { mayBeMissing: true })).toThrow('it is no plain file');
  });

  it('that is too large, or a folder, is refused in Swedish too', () => {
    const file = join(folder, 'kortd.json');
    writeFileSync(file, ' '.repeat(300_000));
    const swedishOf = (path: string): string | undefined => {
      try {
        readConfigurationFile(path, { mayBeMissing: true });
      } catch (error) {
        return error instanceof ConfigurationError ? error.problems[0]?.sv : undefined;
      }
      return undefined;
    };
    expect(swedishOf(file)).toBe('den kan inte användas: den är större än 262144 byte');
    expect(swedishOf(folder)).toBe('den kan inte användas: det är ingen vanlig fil');
  });

  it('that is missing counts as empty only when nobody named it', () => {
    const file = join(folder, 'none.json');
    expect(readConfigurationFile(file, { mayBeMissing: true }).size).toBe(0);
    expect(() => readConfigurationFile(file, { mayBeMissing: false })).toThrow(`${file}: there is no such file`);
  });
});

describe('the configuration in force', () => {
  it('of nothing at all is what the schema says by default', () => {
    expect(Compile(SettingsSchema).Check(defaultSettings())).toBe(true);
  });

  it('takes a flag before the file before the default, and tells which it was', () => {
    const values = parseConfiguration('{"listen":{"port":5000},\n"log":{"level":"warn"}}', FILE);
    const { settings, options } = effectiveOf({ 'listen.port': 6_000 }, values, FILE);
    expect(settings).toMatchObject({ listen: { port: 6_000, consolePort: 6_001 }, log: { level: 'warn' } });
    expect(options.filter(({ path }) => ['listen.port', 'log.level', 'pkcs11.lingerMs'].includes(path))).toEqual([
      { path: 'listen.port', value: 6_000, from: 'flag' },
      { path: 'log.level', value: 'warn', from: 'file', line: 2 },
      { path: 'pkcs11.lingerMs', value: 30_000, from: 'default' },
    ]);
    expect(options.map(({ path }) => path)).toEqual(OPTIONS.map(({ path }) => path));
  });

  it.each([
    ['{"simulation":{"authorityPort":0}}', 'simulation.authorityPort goes with simulation.scenario, which is not set'],
    ['{"listen":{"consolePort":7,"port":7}}', 'listen.port is 7, as listen.consolePort is; each port serves one thing'],
  ])('of %s is refused: the values do not go together', (text, problem) => {
    expect(() => effectiveOf({}, parseConfiguration(text, FILE), FILE)).toThrow(problem);
  });
});

describe('a reload', () => {
  const open = (text: string): { readonly file: string; readonly configuration: Configuration } => {
    const file = join(folder, 'kortd.json');
    writeFileSync(file, text);
    return { file, configuration: Configuration.open({ file, flags: {}, mayBeMissing: false }) };
  };

  it('changes what may change live, names what wants a restart, and forgets that when it is taken back', () => {
    const { file, configuration } = open('{"listen":{"port":5000}}');
    const seen: string[] = [];
    configuration.onApplied(({ log }) => seen.push(log.level));
    writeFileSync(file, '{"listen":{"port":6000},"log":{"level":"debug"},"audit":{"retentionDays":30}}');
    const prepared = configuration.prepare();
    expect(configuration.settings.log.level).toBe('info');
    configuration.apply(prepared);
    expect(configuration.settings).toMatchObject({
      listen: { port: 5_000 },
      log: { level: 'debug' },
      audit: { retentionDays: 30 },
    });
    expect(configuration.needsRestart).toEqual(['listen.consolePort', 'listen.port', 'listen.tlsPort']);
    writeFileSync(file, '{"listen":{"port":5000}}');
    configuration.apply(configuration.prepare());
    expect([configuration.needsRestart, configuration.settings.audit.retentionDays, seen]).toEqual([
      [],
      undefined,
      ['debug', 'info'],
    ]);
  });

  it('of a broken file changes nothing', () => {
    const { file, configuration } = open('{"log":{"level":"warn"}}');
    writeFileSync(file, '{"log":{"level":"debug"},"listen":{"port":"x"}}');
    const prepared = configuration.prepare();
    configuration.apply(prepared);
    expect(prepared.problems).toHaveLength(1);
    expect(configuration.settings.log.level).toBe('warn');
  });
});
