/** The built program with a module: its process is part of the bundle, and goes with the daemon, however that ends. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writePolicy } from '../api/bench.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { TOKEN, createSoftHsm } from '../support/softhsm.ts';

const READY_MS = 20_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-policy-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function cardOf({ client }: RunningDaemon): Promise<string> {
  const find = async (): Promise<string | undefined> => {
    const { cards } = await client.call('card.list', {});
    return cards.find(({ application }) => application?.id === 'pkcs11')?.id;
  };
  await expect.poll(find, { timeout: READY_MS }).toBeDefined();
  return (await find()) ?? '';
}

/** Children of a process that are the program of a module. */
function modulesOf(daemon: RunningDaemon): readonly string[] {
  const threads = readdirSync(`/proc/${daemon.pid}/task`);
  const children = threads.flatMap((thread) => readFileSync(`/proc/${daemon.pid}/task/${thread}/children`, 'latin1').split(' '));
  return children.filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('pkcs11-child.js'));
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'the process of a module works in the built program, and ends with it by %s, though it hangs',
  async (signal) => {
    await using hsm = await createSoftHsm();
    const { name, path, sha256, environment } = hsm.configuration;
    writePolicy(folder, { modules: [{ name, path, sha256, environment }] });
    await using daemon = await startProgram(['--simulate', 'office', '--policy-dir', folder]);
    const card = await cardOf(daemon);
    await daemon.client.call('pin.verify', { card, pinReference: '01', pin: TOKEN.pin, allowLastTry: true });
    const [child = ''] = modulesOf(daemon);
    const own = readFileSync(`/proc/${child}/environ`, 'latin1')
      .split('\0')
      .filter((entry) => entry !== '');
    expect(own.map((entry) => entry.replace(/=.*/s, '')).sort()).toEqual(['LANG', 'PATH', 'SOFTHSM2_CONF']);
    expect(readFileSync(`/proc/${child}/limits`, 'latin1')).toMatch(/Max core file size +0 +0/);
    process.kill(Number(child), 'SIGSTOP');
    process.kill(daemon.pid, signal);
    await expect.poll(() => existsSync(`/proc/${child}`), { timeout: READY_MS }).toBe(false);
  },
);
