/** Modules that crash, hang, and give what cannot be: every fault ends in the right error, kortd goes on, and no process is left over. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PinRejectedError } from '../../apdu/errors.ts';
import { Secret } from '../../apdu/secret.ts';
import type { Token } from '../../apdu/token.ts';
import { DeviceError, DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../../drivers/errors.ts';
import { ModuleHost } from '../../drivers/pkcs11/module-host.ts';
import { moduleChildren } from '../support/module-children.ts';
import { compileFaultyModule, HANGS, watchModule, type FaultyModule, type WatchedSource } from './module-bench.ts';

const KEY = { keyReference: '01', algorithm: 'RSA-2048' } as const;
const DIGEST = new Uint8Array(32);

let faulty: FaultyModule;
let once: string;

beforeAll(async () => {
  faulty = await compileFaultyModule();
  once = join(faulty.folder, 'once');
});
afterAll(async () => {
  await faulty[Symbol.asyncDispose]();
});
afterEach(() => {
  rmSync(once, { force: true });
  rmSync(faulty.loginsFile, { force: true });
  expect(moduleChildren()).toEqual([]);
});

/** One transaction with the card. */
async function use<R>(watched: WatchedSource, work: (token: Token) => Promise<R>): Promise<R> {
  await using connection = await watched.connect();
  const { token } = connection.open();
  if (!token) throw new Error('no token');
  return await work(token);
}

async function verifyAndSign(token: Token): Promise<Uint8Array> {
  using pin = Secret.fromText('123456');
  await token.verifyPin('01', pin);
  return await token.sign(KEY, 'RS256', DIGEST);
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a module', () => {
  it('that behaves signs, and prints where nobody looks', async () => {
    await using watched = watchModule(faulty.configuration('print:C_Sign'));
    expect(await use(watched, verifyAndSign)).toEqual(new Uint8Array(256).fill(0x5a));
    const { keys } = await use(watched, (token) => token.contents());
    expect(keys.map(({ keyReference, label }) => [keyReference, label])).toEqual([['01', 'k\uFFFD [2J']]);
  });

  it.each([
    'crash:C_Initialize',
    'crash:C_GetSlotList',
    'abort:C_GetSlotInfo',
    'exit:C_GetTokenInfo',
    'crash:C_WaitForSlotEvent',
  ])('is started again after %s', async (fault) => {
    writeFileSync(once, '');
    await using watched = watchModule(faulty.configuration(fault, once));
    if (fault === 'crash:C_WaitForSlotEvent') await use(watched, (token) => token.pins()).catch(() => undefined);
    await expect.poll(() => existsSync(once), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => watched.problem() ?? '', { timeout: 10_000 }).toMatch(/using module faulty|watching module faulty/);
    expect(await use(watched, verifyAndSign)).toHaveLength(256);
  });

  it.each([
    ['crash:C_Sign', ServiceUnavailableError, 'its process ended (SIGSEGV)'],
    ['abort:C_Sign', ServiceUnavailableError, 'its process ended (SIGABRT)'],
    ['exit:C_Sign', ServiceUnavailableError, 'its process ended (status 3)'],
    ['hang:C_Sign', DeviceTimeoutError, 'nothing in 2000 ms'],
    ['overrun:C_Sign', DeviceProtocolError, 'C_Sign gave 1099511627776 bytes'],
    ['short:C_Sign', DeviceProtocolError, 'a signature of 3 bytes'],
    ['unknown:C_Sign', DeviceError, 'a vendor-defined CKR (80000123) to C_Sign'],
    ['missing:C_Sign', DeviceProtocolError, 'the module has no C_Sign'],
    ['crash:C_Login', ServiceUnavailableError, 'its process ended (SIGSEGV)'],
    ['hang:C_Login', DeviceTimeoutError, 'nothing in 2000 ms'],
    ['crash:C_OpenSession', ServiceUnavailableError, 'its process ended (SIGSEGV)'],
    ['overrun:C_FindObjects', DeviceProtocolError, 'C_FindObjects gave 4294967296 objects'],
    ['endless:C_FindObjects', DeviceProtocolError, 'more than 1024 objects'],
    ['2^31:C_GetAttributeValue', DeviceProtocolError, 'an attribute of 2147483648 bytes'],
    ['2^63:C_GetAttributeValue', DeviceProtocolError, 'an attribute of 9223372036854775808 bytes'],
    ['longer:C_GetAttributeValue', DeviceProtocolError, 'C_GetAttributeValue wrote'],
    ['growing:C_GetAttributeValue', DeviceError, 'CKR_BUFFER_TOO_SMALL (00000150)'],
  ])('with %s ends the call, and works for the next', async (fault, errorClass, message) => {
    const options = fault.startsWith('hang:') ? HANGS : undefined;
    await using watched = watchModule(faulty.configuration(fault, once), options);
    await use(watched, verifyAndSign);
    rmSync(faulty.loginsFile);
    writeFileSync(once, '');
    const failure = await failureOf(use(watched, verifyAndSign));
    if (fault !== 'missing:C_Sign') {
      expect(failure).toBeInstanceOf(errorClass);
      expect(String(failure)).toContain(message);
      // A try of the PIN may be gone already: nothing compares it again.
      const logins = existsSync(faulty.loginsFile) ? readFileSync(faulty.loginsFile, 'latin1').split('\n').length - 1 : 0;
      expect(logins).toBeLessThanOrEqual(1);
    }
    rmSync(once, { force: true });
    expect(await use(watched, verifyAndSign)).toHaveLength(256);
  });

  it.each([
    ['many:C_GetSlotList', 'counted 1099511627776 slots'],
    ['grow:C_GetSlotList', 'grew 5 times'],
    ['overrun:C_GetSlotList', 'gave 1000 slots where 1 fit'],
    ['hang:C_GetSlotList', 'nothing in 2000 ms'],
    ['version:C_GetInfo', 'version 9.40 of PKCS #11'],
    ['null:C_GetFunctionList', 'gave no list'],
    ['hang:C_Initialize', 'nothing in 2000 ms'],
  ])('with %s is away, and says why', async (fault, problem) => {
    const deadlines = { startMs: fault === 'hang:C_Initialize' ? 2_000 : 15_000, normalMs: 2_000, longMs: 3_000 };
    await using watched = watchModule(faulty.configuration(fault), { deadlines, tickMs: 20 });
    await expect.poll(() => watched.problem() ?? '', { timeout: 10_000 }).toContain(problem);
  });

  it('whose attributes are all unavailable has a card without keys', async () => {
    await using watched = watchModule(faulty.configuration('minus-one:C_GetAttributeValue'));
    expect((await use(watched, (token) => token.contents())).keys).toEqual([]);
  });

  it.each([
    ['final:C_GetTokenInfo', 1],
    ['locked:C_GetTokenInfo', 0],
    ['none:C_GetTokenInfo', undefined],
  ])('tells the tries that are left: %s', async (fault, attemptsRemaining) => {
    await using watched = watchModule(faulty.configuration(fault));
    expect((await use(watched, (token) => token.pin('01'))).attemptsRemaining).toBe(attemptsRemaining);
    using wrong = Secret.fromText('999999');
    const failure = await failureOf(use(watched, (token) => token.verifyPin('01', wrong)));
    expect(failure).toMatchObject(attemptsRemaining === undefined ? {} : { attemptsRemaining });
    expect(failure instanceof PinRejectedError).toBe(attemptsRemaining !== 0);
  });

  it('whose session cannot be left ends with its process: nobody inherits a verified PIN', async () => {
    await using watched = watchModule(faulty.configuration('fails:C_Logout', once));
    await use(watched, (token) => token.pins());
    const { pid } = watched.source;
    writeFileSync(once, '');
    await use(watched, verifyAndSign);
    expect(watched.source.pid).not.toBe(pid);
    expect(await use(watched, verifyAndSign)).toHaveLength(256);
  });

  it('that is closed while its process ends is started no more', async () => {
    const host = new ModuleHost(faulty.configuration('none'));
    const { process: first } = await host.running();
    const ending = first.kill();
    const failure = failureOf(host.running());
    await host[Symbol.asyncDispose]();
    await ending;
    expect(await failure).toBeInstanceOf(ServiceUnavailableError);
    expect(moduleChildren()).toEqual([]);
  });

  it('that fails five times in ten minutes rests', async () => {
    let nowMs = 0;
    await using watched = watchModule(faulty.configuration('crash:C_GetSlotList'), {
      deadlines: { startMs: 15_000, normalMs: 15_000, longMs: 15_000 },
      tickMs: 20,
      now: () => (nowMs += 100),
    });
    await expect.poll(() => watched.problem() ?? '', { timeout: 20_000 }).toContain('it failed 5 times in ten minutes');
    expect(watched.source.isResting).toBe(true);
    expect(moduleChildren()).toEqual([]);
    nowMs += 600_000;
    await expect.poll(() => moduleChildren().length, { timeout: 10_000 }).toBe(1);
  });
});
