/** Why a command could not be carried out, in the language of the person's session: the built program under a Swedish and an English locale. The exit status is the same. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT, build } from './program.ts';

const DEADLINE_MS = 15_000;

let folder: string;
let taken: Server;
let port: number;

beforeAll(async () => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'kortd-language-'));
  writeFileSync(join(folder, 'file'), '');
  writeFileSync(join(folder, 'broken.json'), '{ "listen": { "prot": 1 } }');
  chmodSync(join(folder, 'broken.json'), 0o600);
  writeFileSync(join(folder, 'no.trace'), 'something else');
  mkdirSync(join(folder, 'running'), { mode: 0o700 });
  writeFileSync(join(folder, 'running', 'daemon.lock'), String(process.pid));
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  port = (taken.address() as { readonly port: number }).port;
}, 120_000);

afterAll(async () => {
  taken.close();
  await once(taken, 'close');
  rmSync(folder, { recursive: true, force: true });
});

interface Said {
  readonly status: unknown;
  readonly stderr: string;
}

async function run(locale: string, parameters: readonly string[]): Promise<Said> {
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: join(folder, 'state'), LANG: locale };
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'main.js'), ...parameters], {
    ...{ env, stdio: ['ignore', 'ignore', 'pipe'], timeout: DEADLINE_MS, killSignal: 'SIGKILL' },
  });
  const [stderr, ended] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { status: ended[0], stderr };
}

describe.each<[string, () => readonly string[], number, RegExp, RegExp]>([
  [
    'an unknown command',
    () => ['sreve'],
    2,
    /^error: unknown command 'sreve'\n\(Did you mean serve\?\)\n/,
    /^fel: okänt kommando: sreve\n\(Menade du serve\?\)\n/,
  ],
  [
    'an unknown option',
    () => ['serve', '--prot', '1'],
    2,
    /^error: unknown option '--prot'\n/,
    /^fel: okänd flagga: --prot\n\(Menade du --port\?\)\n/,
  ],
  [
    'an option without a value',
    () => ['status', '--data-dir'],
    2,
    /^error: option '--data-dir <DIR>' argument missing\n/,
    /^fel: flaggan --data-dir <DIR> saknar värde\n/,
  ],
  [
    'a value that is not allowed',
    () => ['serve', '--port', '70000'],
    2,
    /argument '70000' is invalid\. allowed is a whole number from 0 to 65535/,
    /^fel: flaggan --port <N> kan inte ha värdet ”70000”: tillåtet är ett heltal från 0 till 65535\n/,
  ],
  [
    'an argument that is missing',
    () => ['call'],
    2,
    /^error: missing required argument 'method'\n/,
    /^fel: argumentet method saknas\n/,
  ],
  [
    'an option that is missing',
    () => ['trace', 'export'],
    2,
    /^error: required option '--out <FILE>'/,
    /^fel: flaggan --out <FILE> måste anges\n/,
  ],
  [
    'too many arguments',
    () => ['status', 'x', 'y'],
    2,
    /^error: too many arguments for 'status'/,
    /^fel: för många argument: 2 i stället för 0\n/,
  ],
  [
    'options that do not go together',
    () => ['serve', '--authority-port', '1'],
    2,
    /^kortd: --authority-port and --authority-state go with --simulate\n/,
    /^kortd: --authority-port och --authority-state används tillsammans med --simulate\n/,
  ],
  [
    'parameters that are not JSON',
    () => ['call', 'card.list', '{'],
    1,
    /^kortd: the parameters are not JSON: /,
    /^kortd: parametrarna är inte JSON: /,
  ],
  [
    'no daemon',
    () => ['status', '--data-dir', join(folder, 'none')],
    1,
    /^kortd: no kortd runs with the data folder .*\(ENOENT: no such file/,
    /^kortd: ingen kortd är igång med datamappen .*\(det finns ingen sådan fil eller mapp \(ENOENT, /,
  ],
  [
    'a daemon of its own already',
    () => ['serve', '--simulate', 'office', '--data-dir', join(folder, 'running')],
    1,
    /^kortd: another kortd \(process \d+\) uses the data folder /m,
    /^kortd: en annan kortd \(process \d+\) använder datamappen /m,
  ],
  [
    'a configuration that is broken',
    () => ['serve', '--config', join(folder, 'broken.json')],
    1,
    /^kortd: .*broken\.json/,
    /^kortd: .*broken\.json.*Tillåtet här/,
  ],
  [
    'a data folder that is a file',
    () => ['serve', '--simulate', 'office', '--data-dir', join(folder, 'file', 'inside')],
    1,
    /^kortd: cannot use .*\/file\/inside as the data folder: ENOTDIR/m,
    /^kortd: .*\/file\/inside kan inte användas som datamapp: en del av sökvägen är ingen mapp \(ENOTDIR, /m,
  ],
  [
    'a data folder that the system does not make, without end',
    () => ['serve', '--simulate', 'office', '--data-dir', '/proc/kortd-data'],
    1,
    /^kortd: cannot use \/proc\/kortd-data as the data folder: ENOENT/m,
    /^kortd: \/proc\/kortd-data kan inte användas som datamapp: det finns ingen sådan fil eller mapp/m,
  ],
  [
    'a port that is taken',
    () => ['serve', '--simulate', 'office', '--data-dir', join(folder, 'data'), '--port', String(port), '--console-port', '0'],
    1,
    /^kortd: the port is taken by another program\. /m,
    /^kortd: porten används av ett annat program\. /m,
  ],
  [
    'a file that is no trace',
    () => ['trace', 'show', join(folder, 'no.trace')],
    1,
    /^kortd: .*no\.trace is no trace that can be read: /,
    /^kortd: .*no\.trace är ingen inspelning som går att läsa: rad 1 är fel /,
  ],
])('%s', (_, parameters, status, en, sv) => {
  it.each([
    ['English', 'C.UTF-8', en],
    ['Swedish', 'sv_SE.UTF-8', sv],
  ])('is told in %s', async (_language, locale, pattern) => {
    const said = await run(locale, parameters());
    expect(said.stderr).toMatch(pattern);
    expect(said.status).toBe(status);
  });
});
