/** Programs that use the token of a vendor's module while the daemon is killed, stopped and started again, and while the module crashes: none dies, and each finds its token again. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, within } from '../../api/support.ts';
import { build } from '../../cli/program.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { STAFF } from '../staff.ts';
import { openRestarted, type Restarted } from './restarted-desk.ts';
import { startSshHost } from './ssh-host.ts';
import { freePort, startProgram, untilAnswers } from './started.ts';
import { MODULE } from './tools.ts';

const SLOW_MS = 20_000;
const RSA = { kind: 'RSA', id: 'a1', label: 'Staff RSA', person: 'Staff with RSA' } as const;
const CURVE = { kind: 'EC', id: 'a2', label: 'Staff curve', person: 'Staff with a curve' } as const;
const { pin } = STAFF;
const onToken = ['--module', MODULE, '--token-label', STAFF.label] as const;
const logIn = ['--login', '--pin', pin] as const;

let desk: Restarted;
let survivor = '';
beforeAll(async () => {
  build();
  noteTyped(pin);
  desk = await openRestarted({ staff: [RSA, CURVE] });
  survivor = join(desk.folder, 'survivor');
  await desk.run('gcc', ['-o', survivor, join(import.meta.dirname, 'survivor.c'), '-ldl', '-lpthread']);
  await desk.start();
}, 120_000);
afterAll(async () => {
  await desk.end('SIGTERM');
  await desk[Symbol.asyncDispose]();
});

/** What can befall the token; it is there again when each resolves. A module that fails five times in ten minutes rests: each daemon has a count of its own. */
const BLOWS = {
  'the daemon is killed': async () => {
    await desk.end('SIGKILL');
    await desk.start();
  },
  'the daemon is stopped': async () => {
    await desk.end('SIGTERM');
    await desk.start();
  },
  'the module crashes': () => desk.crashModule(),
} as const;
const EACH = Object.entries(BLOWS);

describe.each([RSA, CURVE])('a program that signs on and on with $label', ({ id, kind }) => {
  it('lives through all of it, and so does its thread that waits for slots', { timeout: 120_000 }, async () => {
    await using program = startProgram([survivor, MODULE, STAFF.label, pin, id, kind], desk);
    const lines = (): readonly string[] => program.output().split('\n').filter(Boolean);
    const count = (pattern: RegExp): number => lines().filter((line) => pattern.test(line)).length;
    const signed = (times: number): Promise<unknown> =>
      eventually(`signature ${times}: ${lines().join(', ')}`, () => count(/^signed$/) >= times, SLOW_MS);
    await signed(1);
    for (const [, befall] of [...EACH, ...EACH.slice(2)]) {
      const [events, times] = [count(/^event/), count(/^signed$/)];
      await befall();
      await signed(times + 1);
      await eventually('the event', () => count(/^event/) > events, SLOW_MS);
    }
    program.child.stdin?.end();
    await within(once(program.child, 'exit'), 'the end of the program');
    expect([program.child.exitCode, program.child.signalCode, lines().at(-1)]).toEqual([0, null, 'ended']);
    expect(lines().filter((line) => line.startsWith('waiting ended'))).toEqual([]);
    // Of a function that was under way, or that came after: the device or the session has gone.
    for (const line of lines().filter((line) => line.startsWith('C_'))) expect(line).toMatch(/ 0x(30|32|b3|e0)$/);
  });
});

describe('OpenSSH’s agent', () => {
  it('lets in before and after all of it, without being started again', { timeout: 90_000 }, async () => {
    await using host = await startSshHost(desk, pin);
    await host.run('ssh-add', '-q', '-s', MODULE);
    expect(await host.ssh()).toContain('let in');
    for (const [, befall] of EACH) {
      await befall();
      await host.run('ssh-add', '-q', '-e', MODULE);
      await host.run('ssh-add', '-q', '-s', MODULE);
      expect(await host.ssh()).toContain('let in');
    }
    expect([host.agent.child.exitCode, host.agent.child.signalCode]).toEqual([null, null]);
  });
});

describe('a TLS server of GnuTLS with its key on the token', () => {
  it.each(EACH)('serves before and after: %s', { timeout: 90_000 }, async (_, befall) => {
    const uri = 'pkcs11:token=Staff%20token;id=%a1';
    const port = await freePort();
    const own = ['--x509certfile', `${uri};type=cert`, '--x509keyfile', `${uri};type=private`];
    const command = ['gnutls-serv', '--provider', MODULE, '--http', '--port', String(port), ...own];
    await using server = startProgram(command, {
      folder: desk.folder,
      environment: { ...desk.environment, GNUTLS_PIN: pin },
    });
    await untilAnswers({ host: '127.0.0.1', port });
    const ask = (): Promise<string> => desk.run('curl', ['-sSk', '--max-time', '30', `https://127.0.0.1:${port}/`]);
    expect(await ask()).toContain('<HTML>');
    await befall();
    expect(await ask()).toContain('<HTML>');
    expect([server.child.exitCode, server.child.signalCode]).toEqual([null, null]);
  });
});

/** Each ends by itself, whatever it prints. */
const TOOLS: readonly (readonly [string, readonly string[]])[] = [
  ['pkcs11-tool', [...onToken, ...logIn, '--test']],
  ['pkcs11-tool', [...onToken, ...logIn, '--keypairgen', '--key-type', 'rsa:4096', '--id', 'e1']],
  ['pkcs11-tool', ['--module', MODULE, '-L', '-O']],
  ['p11tool', ['--provider', MODULE, '--list-all', 'pkcs11:token=Staff%20token']],
  ['ssh-keygen', ['-D', MODULE]],
  ['certutil', ['-L', '-h', 'all', '-d', 'sql:.']],
];

describe('programs of Debian', () => {
  beforeAll(async () => {
    await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
    await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
  });

  it.each(EACH)(
    'that are in the middle of it end by themselves, and work again after: %s',
    { timeout: 120_000 },
    async (_, befall) => {
      for (const afterMs of [60, 250]) {
        const signals: string[] = [];
        const running = TOOLS.map(async ([command, parameters]) => {
          await using program = startProgram([command, ...parameters], desk);
          program.child.stdin?.end();
          await within(once(program.child, 'exit'), command, SLOW_MS);
          if (program.child.signalCode) signals.push(`${[command, ...parameters].join(' ')}: ${program.child.signalCode}`);
        });
        await delay(afterMs);
        await befall();
        await Promise.all(running);
        expect(signals).toEqual([]);
      }
      // A key that was being made is there as a whole, or not at all.
      const doomed = [...onToken, ...logIn, '--delete-object', '--type', 'privkey', '--id', 'e1'];
      await desk.run('pkcs11-tool', doomed).catch((error: unknown) => expect(String(error)).toContain('object not found'));
      for (const [command, parameters] of TOOLS) await desk.run(command, parameters);
      await desk.run('pkcs11-tool', doomed);
      expect(await desk.run('pkcs11-tool', [...onToken, ...logIn, '-O'])).not.toMatch(/ID: +e1/);
    },
  );
});
