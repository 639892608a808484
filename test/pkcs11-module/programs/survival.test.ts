/** Programs that use cards while the daemon is killed, stopped and started again, and while cards are pulled: none dies, and each finds its card again. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, within } from '../../api/support.ts';
import { build } from '../../cli/program.ts';
import { EID_PIN, openRestarted, PIV_PIN, type Restarted } from './restarted-desk.ts';
import { startSshHost } from './ssh-host.ts';
import { freePort, startProgram, untilAnswers } from './started.ts';
import { MODULE } from './tools.ts';

const SLOW_MS = 20_000;
const CARDS = [
  { card: 'operator', reader: 'First', label: 'PIV card', pin: PIV_PIN, id: '9a', kind: 'EC' },
  { card: 'operatorEid', reader: 'Second', label: 'EID card (authentication)', pin: EID_PIN, id: '45', kind: 'RSA' },
] as const;

let desk: Restarted;
let survivor = '';
beforeAll(async () => {
  build();
  desk = await openRestarted();
  survivor = join(desk.folder, 'survivor');
  await desk.run('gcc', ['-o', survivor, join(import.meta.dirname, 'survivor.c'), '-ldl', '-lpthread']);
  await desk.start();
}, 120_000);
afterAll(async () => {
  await desk.end('SIGTERM');
  await desk[Symbol.asyncDispose]();
});

const fronts = (): readonly number[] =>
  readdirSync(desk.dataDir).flatMap((name) => (name.startsWith('front-') ? [Number(name.slice('front-'.length))] : []));

describe.each(CARDS)('a program that signs on and on with $label', ({ card, reader, label, pin, id, kind }) => {
  it('lives through all of it, and so does its thread that waits for slots', { timeout: 120_000 }, async () => {
    await using program = startProgram([survivor, MODULE, label, pin, id, kind], desk);
    const lines = (): readonly string[] => program.output().split('\n').filter(Boolean);
    const count = (pattern: RegExp): number => lines().filter((line) => pattern.test(line)).length;
    const signed = (times: number): Promise<unknown> =>
      eventually(`signature ${times}: ${lines().join(', ')}`, () => count(/^signed$/) === times, SLOW_MS);
    await signed(1);
    for (const [index, signal] of (['SIGKILL', 'SIGTERM', 'SIGKILL'] as const).entries()) {
      const events = count(/^event/);
      await desk.end(signal);
      await eventually('the card to be gone', () => count(/^no card$/) === index + 1, SLOW_MS);
      await desk.start();
      await signed(index + 2);
      await eventually('the event', () => count(/^event/) > events, SLOW_MS);
    }
    await desk.move('out', reader, card);
    await eventually('the card to be gone', () => count(/^no card$/) === 4, SLOW_MS);
    await desk.move('in', reader, card);
    await signed(5);
    program.child.stdin?.end();
    await within(once(program.child, 'exit'), 'the end of the program');
    expect([program.child.exitCode, program.child.signalCode, lines().at(-1)]).toEqual([0, null, 'ended']);
    expect(lines().filter((line) => line.startsWith('waiting ended'))).toEqual([]);
    const failures = lines().filter((line) => line.startsWith('C_'));
    // Of a function that was under way, or that came after: the device or the session has gone.
    for (const line of failures) expect(line).toMatch(/ 0x(30|32|b3|e0)$/);
  });
});

describe('OpenSSH’s agent', () => {
  it('lets in before and after the daemon was killed, without being started again', { timeout: 90_000 }, async () => {
    await using host = await startSshHost(desk, PIV_PIN);
    await host.run('ssh-add', '-q', '-s', MODULE);
    expect(await host.ssh()).toContain('let in');
    await desk.end('SIGKILL');
    await expect(host.ssh()).rejects.toThrow(/Permission denied/);
    await desk.start();
    await host.run('ssh-add', '-q', '-e', MODULE);
    await host.run('ssh-add', '-q', '-s', MODULE);
    expect(await host.ssh()).toContain('let in');
    expect(host.agent.child.exitCode).toBeNull();
  });
});

describe('a TLS server of GnuTLS with its key on a card', () => {
  it('serves before and after the daemon was killed, and the card pulled', { timeout: 90_000 }, async () => {
    const uri = 'pkcs11:token=PIV%20card;id=%9a';
    const port = await freePort();
    const own = ['--x509certfile', `${uri};type=cert`, '--x509keyfile', `${uri};type=private`];
    const command = ['gnutls-serv', '--provider', MODULE, '--http', '--port', String(port), ...own];
    await using server = startProgram(command, {
      folder: desk.folder,
      environment: { ...desk.environment, GNUTLS_PIN: PIV_PIN },
    });
    await untilAnswers({ host: '127.0.0.1', port });
    const ask = (): Promise<string> => desk.run('curl', ['-sSk', '--max-time', '30', `https://127.0.0.1:${port}/`]);
    expect(await ask()).toContain('<HTML>');
    await desk.end('SIGKILL');
    await desk.start();
    // Asked in between, GnuTLS 3.7 answers with an alert, and keeps the key's mutex for ever (lib/pkcs11_privkey.c, REPEAT_ON_INVALID_HANDLE returns with it).
    expect(await ask()).toContain('<HTML>');
    await desk.move('out', 'First', 'operator');
    await desk.move('in', 'First', 'operator');
    await desk.untilReady();
    expect(await ask()).toContain('<HTML>');
    expect(server.child.exitCode).toBeNull();
  });
});

/** Each ends by itself, whatever it prints. */
const TOOLS: readonly (readonly [string, readonly string[]])[] = [
  ['pkcs11-tool', ['--module', MODULE, '--token-label', 'PIV card', '--login', '--pin', PIV_PIN, '--test']],
  ['pkcs11-tool', ['--module', MODULE, '-L', '-O']],
  ['p11tool', ['--provider', MODULE, '--list-all', 'pkcs11:token=PIV%20card']],
  ['ssh-keygen', ['-D', MODULE]],
  ['certutil', ['-L', '-h', 'all', '-d', 'sql:.']],
];
/**
 * Not killed under: NSS puts a key that it could not read into its list as NULL, and certutil follows that (PK11_ListPrivKeysInSlot, up to 3.87 at least). Any card that
 * is pulled at that moment has it end by SIGSEGV.
 */
const KEYS_OF_NSS = ['-K', '-h', 'PIV card', '-f', 'pin', '-d', 'sql:.'];

describe('programs of Debian', () => {
  it(
    'that are in the middle of it when the daemon is killed end by themselves, and work again after',
    { timeout: 120_000 },
    async () => {
      await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
      await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
      await desk.file('pin', `${PIV_PIN}\n`);
      for (const afterMs of [30, 120, 300]) {
        const signals: string[] = [];
        const running = TOOLS.map(async ([command, parameters]) => {
          await using program = startProgram([command, ...parameters], desk);
          program.child.stdin?.end();
          await within(once(program.child, 'exit'), command, SLOW_MS);
          if (program.child.signalCode) signals.push(`${[command, ...parameters].join(' ')}: ${program.child.signalCode}`);
        });
        await delay(afterMs);
        await desk.end('SIGKILL');
        await Promise.all(running);
        await desk.start();
        expect(signals).toEqual([]);
      }
      for (const [command, parameters] of TOOLS) await desk.run(command, parameters);
      expect(await desk.run('certutil', KEYS_OF_NSS)).toContain('Digital Signature Key');
    },
  );
});

describe('a front', () => {
  it('that is killed takes its programs along, and no other: the daemon starts another', { timeout: 60_000 }, async () => {
    await desk.run('pkcs11-tool', ['--module', MODULE, '-L']);
    const before = fronts();
    expect(before).toHaveLength(1);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    const listed = (): Promise<string> => desk.run('pkcs11-tool', ['--module', MODULE, '-L']).catch(String);
    await expect.poll(listed, { timeout: SLOW_MS }).toContain('PIV card');
    await expect.poll(fronts, { timeout: SLOW_MS }).toHaveLength(1);
    expect(fronts()).not.toEqual(before);
  });

  it('can be read by no other program, and ends with the daemon: nothing is left', { timeout: 60_000 }, async () => {
    const [pid = 0] = fronts().toReversed();
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size +0 +0/);
    const [, residentKb = 0] = /^RssAnon:\s+(\d+) kB/m.exec(status)?.map(Number) ?? [];
    expect(residentKb).toBeLessThan(40_000);
    await desk.end('SIGTERM');
    await eventually('the end of the front', () => fronts().length === 0, SLOW_MS);
    expect(readdirSync(desk.dataDir).filter((name) => /^(pkcs11|front-)/.test(name))).toEqual([]);
    await desk.start();
  });

  it('ends by itself when the daemon was killed and no program is there', { timeout: 60_000 }, async () => {
    await desk.run('pkcs11-tool', ['--module', MODULE, '-L']);
    expect(fronts()).toHaveLength(1);
    await desk.end('SIGKILL');
    await eventually('the end of the front', () => fronts().length === 0, SLOW_MS);
    await desk.start();
  });
});
