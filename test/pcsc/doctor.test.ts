/** Doctor on the real pcscd with the built daemon: nothing is wrong with both, and each fault of the real service is found by its own check. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectPcscd } from '../../drivers/pcsc/pcscd-winscard.ts';
import { foundIn, PlantedMachine } from '../doctor/planted-machine.ts';
import { ROOT } from '../cli/program.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { insertPlainCard } from '../support/plain-vpcd-card.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';

const EVENTUALLY = { timeout: 30_000 };
const SCARD_SHARE_EXCLUSIVE = 1;
const SCARD_PROTOCOL_ANY = 3;

const stack = new AsyncDisposableStack();
let machine: PlantedMachine;
let pcscd: Pcscd;
let daemon: RunningDaemon;

beforeAll(async () => {
  machine = stack.use(new PlantedMachine());
  machine.install('pcscd');
  pcscd = stack.use(await startPcscd(2));
  daemon = stack.use(await startProgram([]));
  await untilReaders(2);
});
afterAll(async () => {
  await stack.disposeAsync();
});

const environment = { PCSCLITE_CSOCK_NAME: '/run/pcscd/pcscd.comm' };
const found = async (answerMs = 15_000): Promise<readonly string[]> =>
  foundIn(await machine.diagnose({ dataFolder: daemon.dataFolder, environment, answerMs }));

async function untilReaders(count: number): Promise<void> {
  const deadline = Date.now() + EVENTUALLY.timeout;
  while ((await daemon.client.call('reader.list')).readers.filter(({ status }) => status !== 'unavailable').length !== count) {
    if (Date.now() > deadline) throw new Error(`there are not ${count} readers`);
    await pause(20);
  }
}

it('nothing is wrong with the service, two readers and a daemon', async () => {
  expect(await found()).toEqual([]);
});

it('a card that cannot be read is told', async () => {
  const nonsense = (): Uint8Array => Uint8Array.of(0x90, 0x00);
  await using card = await insertPlainCard(pcscd.readers[0]?.port ?? 0, { answer: nonsense });
  await expect.poll(() => found(), EVENTUALLY).toEqual(['readers: card_unreadable']);
  card.pull();
  await pcscd.untilEmpty();
  await expect.poll(() => found(), EVENTUALLY).toEqual([]);
});

it('a card that another program holds for itself is told', async () => {
  const notFound = (): Uint8Array => Uint8Array.of(0x6a, 0x82);
  await using card = await insertPlainCard(pcscd.readers[0]?.port ?? 0, { answer: notFound });
  const seen = async () => (await daemon.client.call('card.list')).cards.map(({ status }) => status);
  await expect.poll(seen, EVENTUALLY).toEqual(['unknown']);
  const other = connectPcscd();
  try {
    const { context } = await other.establishContext();
    const options = { shareMode: SCARD_SHARE_EXCLUSIVE, protocols: SCARD_PROTOCOL_ANY };
    const connected = async () => (await other.connect(context, pcscd.readers[0]?.name ?? '', options)).result;
    await expect.poll(connected, EVENTUALLY).toBe(0);
    expect(await found()).toEqual(['readers: reader_blocked']);
    await other.releaseContext(context);
  } finally {
    other.close();
  }
  card.pull();
});

it('a service that hangs is told, and holds nobody up', async () => {
  process.kill(pcscd.pid, 'SIGSTOP');
  try {
    expect(await found(3_000)).toEqual(['pcsc: pcsc_hangs']);
  } finally {
    process.kill(pcscd.pid, 'SIGCONT');
  }
  await expect.poll(() => found(), EVENTUALLY).toEqual([]);
});

it('a service that was killed is told, and what it left behind', async () => {
  process.kill(pcscd.pid, 'SIGKILL');
  await expect.poll(() => found(), EVENTUALLY).toEqual(['pcsc: pcsc_not_running']);
  await pcscd.kill();
  await pcscd.start();
  await untilReaders(2);
  await expect.poll(() => found(), EVENTUALLY).toEqual([]);
});

it('a disk that is full in fact is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', folder]);
  try {
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    const diagnosis = await machine.diagnose({ dataFolder: join(folder, 'data'), environment });
    expect(foundIn(diagnosis)).toEqual(['daemon: daemon_not_running', 'disk: disk_full']);
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});

it('an ordinary user is told what could not be looked at, and of no fault that is none', async () => {
  const parameters = [
    'doctor',
    '--json',
    '--data-dir',
    daemon.dataFolder,
    '--policy-dir',
    '/nonexistent',
    '--root',
    machine.root,
  ];
  const command = [
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    process.execPath,
    join(ROOT, 'dist', 'main.js'),
    ...parameters,
  ];
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    execFile(
      'setpriv',
      command,
      { env: { ...environment, PATH: '/usr/bin', HOME: '/nonexistent' } },
      (error, said, complaint) => {
        if (said === '') reject(new Error(complaint, { cause: error }));
        else resolve({ stdout: said });
      },
    );
  });
  const report = JSON.parse(stdout) as { status: string; findings: unknown[]; unseen: { check: string }[] };
  expect(report.findings).toEqual([]);
  expect(report.unseen.map(({ check }) => check)).toContain('daemon');
});
