/** NSS's own programs on the database that `kortd pkcs11 enable --chromium` made: what it lists, which keys it finds, and TLS with them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverAddress } from '../../daemon/pkcs11/module-file.ts';
import { programSetups } from '../../daemon/pkcs11/setup/index.ts';
import { thisMachine } from '../../daemon/pkcs11/setup/machine.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { cardKey, certificateFor, openBench, PIN, testKey, watchedPivCard } from '../api/support.ts';
import { startTlsServer } from '../pkcs11-module/programs/tls-server.ts';

const TOOL_MS = 40_000;
const PINS = { legitimering: PIN, underskrift: '964731', puk: '12345679' };

const undo = new AsyncDisposableStack();
let folder = '';
let database = '';

beforeAll(async () => {
  if (process.env['KORTD_PRIVATE_NAMESPACES'] !== '1') throw new Error('this test writes to /etc: run it by scripts/test.mjs');
  folder = mkdtempSync(join(tmpdir(), 'kortd-nss-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const bench = undo.use(await openBench({ readers: [{}, {}] }));
  const certificate = certificateFor(testKey('RSA-2048', '9A').publicKey, { name: 'Person 9A' });
  await bench.insert(watchedPivCard({ keys: { '9A': cardKey('RSA-2048', { name: '9A', certificate }) } }));
  await bench.insert(createEidCard({ persona: 'anna', pins: PINS }), 1);
  const user = { ...thisMachine(), home: folder, data: join(folder, 'data') };
  const { p11Kit, chromium } = programSetups(user, serverAddress(bench.dataFolder));
  await p11Kit.enable();
  undo.defer(async () => {
    await p11Kit.disable();
  });
  const { changes } = await chromium.enable();
  database = `sql:${changes[0]?.path ?? ''}`;
});
afterAll(() => undo.disposeAsync());

async function run(command: string, parameters: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)(command, parameters, { cwd: folder, timeout: TOOL_MS });
  running.child.stdin?.on('error', () => undefined); // a program may end before it has read everything
  running.child.stdin?.end(input);
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

it('modutil lists the module with a slot for each PIN', async () => {
  const listed = await run('modutil', ['-dbdir', database, '-list']);
  expect(listed).toMatch(/\d+\. kortd\n\s+library name: \S*p11-kit-proxy\.so/);
  for (const token of ['PIV card', 'EID card (authentication)', 'EID card (signature)'])
    expect(listed).toContain(`token: ${token}\n`);
});

it('certutil lists the certificates of all cards without a PIN', async () => {
  const listed = await run('certutil', ['-L', '-d', database, '-h', 'all']);
  for (const name of [
    'PIV card:PIV Authentication Key',
    'EID card (authentication):Legitimering',
    'EID card (signature):Underskrift',
  ])
    expect(listed).toContain(name);
});

const TOKENS = [
  ['PIV card', 'PIV Authentication Key', 'Person 9A'],
  ['EID card (authentication)', 'Legitimering', 'Anna Lindqvist'],
] as const;

describe.each(TOKENS)('of the %s', (token, label, person) => {
  it('certutil finds the key with the PIN', async () => {
    const listed = await run('sh', [
      '-c',
      'printf %s "$3" > pin; certutil -K -d "$1" -h "$2" -f pin',
      'sh',
      database,
      token,
      PIN,
    ]);
    expect(listed).toMatch(new RegExp(`<\\s*0> rsa\\s+\\S+\\s+.*${label}`));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('tstclnt is let in by %s', async (version) => {
    await using server = await startTlsServer(version);
    const range = version === 'TLSv1.2' ? 'tls1.2:tls1.2' : 'tls1.3:tls1.3';
    // -o: whose the server is does not matter here.
    const place = ['-h', 'localhost', '-p', String(server.port), '-d', database, '-V', range, '-o', '-4'];
    const answer = await run('tstclnt', [...place, '-n', `${token}:${label}`, '-w', PIN], 'GET / HTTP/1.0\r\n\r\n');
    expect(answer).toContain(`hello ${person}`);
    expect(server.clients).toEqual([`${version} ${person}`]);
  });
});
