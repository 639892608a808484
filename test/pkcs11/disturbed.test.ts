/**
 * Every operation on SoftHSM 2, with the module's process killed, crashed or stopped at its first request, its second, and so on until the operation gets by: each
 * run ends in the right error, the next works, and no process is left over.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../apdu/secret.ts';
import type { Token, TokenManagement } from '../../apdu/token.ts';
import { DeviceTimeoutError, ServiceUnavailableError } from '../../drivers/errors.ts';
import type { ModuleSourceOptions } from '../../drivers/pkcs11/source.ts';
import { moduleChildren } from '../support/module-children.ts';
import { createOpensslCa } from '../support/openssl-ca.ts';
import { TOKEN, copySoftHsm, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { watchModule, type WatchedSource } from './module-bench.ts';

const KEY = { keyReference: '45', algorithm: 'P-256' } as const;
const DIGEST = createHash('sha256').update('digest').digest();
/** Killed at each request; of stops and crashes, which take longer, only some are tried unless there is time. */
const STRIDES = {
  SIGKILL: 1,
  SIGSEGV: process.env['KORTD_LONG'] === '1' ? 1 : 4,
  SIGSTOP: process.env['KORTD_LONG'] === '1' ? 1 : 3,
};
/** More requests than any of the operations makes. */
const MOST_REQUESTS = 40;

let hsm: SoftHsm;
let certificate: Uint8Array;

beforeAll(async () => {
  hsm = await createSoftHsm();
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '45']);
  await using ca = await createOpensslCa();
  const pem = await ca.issueFor(await publicKeyPem(), '/CN=Bench');
  certificate = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
});
afterAll(async () => {
  await hsm[Symbol.asyncDispose]();
});

async function publicKeyPem(): Promise<string> {
  await using watched = watchModule(hsm.configuration);
  await using connection = await watched.connect();
  const key = await connection.open().token?.key('45');
  const base64 = Buffer.from(key?.publicKey ?? []).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
}

function secret(text: string): Secret {
  return Secret.fromText(text);
}

function managementOf({ management }: Token): TokenManagement {
  if (!management) throw new Error('the token cannot be changed');
  return management;
}

/** Each leaves the token so that it can be done again. */
const OPERATIONS: Readonly<Record<string, (token: Token) => Promise<unknown>>> = {
  'reading PINs': (token) => token.pins(),
  'reading keys and certificates': (token) => token.contents(),
  'verifying a PIN': (token) => token.verifyPin('01', secret(TOKEN.pin)),
  'changing a PIN': (token) => token.changePin('01', secret(TOKEN.pin), secret(TOKEN.pin)),
  'unblocking a PIN': (token) => token.unblockPin('01', secret(TOKEN.officerPin), secret(TOKEN.pin)),
  signing: async (token) => {
    await token.verifyPin('01', secret(TOKEN.pin));
    return await token.sign(KEY, 'ES256', DIGEST);
  },
  'signing several at once': async (token) => {
    await token.verifyPin('01', secret(TOKEN.pin));
    const ends = await Promise.allSettled(Array.from({ length: 4 }, () => token.sign(KEY, 'ES256', DIGEST)));
    const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    // Those behind the one that took too long hear that the process was ended.
    const [reason] = [...reasons.filter((one) => one instanceof DeviceTimeoutError), ...reasons];
    if (reason instanceof Error) throw reason;
  },
  'signing many': async (token) => {
    await token.verifyPin('01', secret(TOKEN.pin));
    const options = { signal: AbortSignal.timeout(20_000), onSigned: () => undefined };
    return await token.signAll?.(
      KEY,
      'ES256',
      Array.from({ length: 300 }, () => DIGEST),
      options,
    );
  },
  'making a key and deleting it': async (token) => {
    await token.verifyPin('01', secret(TOKEN.pin));
    await managementOf(token).generateKey({ keyReference: '46', algorithm: 'P-256' });
    await managementOf(token).deleteKey?.('46');
  },
  'writing a certificate and deleting it': async (token) => {
    await token.verifyPin('01', secret(TOKEN.pin));
    await managementOf(token).writeCertificate('45', certificate);
    await managementOf(token).deleteCertificate('45');
  },
};

async function use(
  watched: WatchedSource,
  operation: (token: Token) => Promise<unknown>,
  begin = (): void => undefined,
): Promise<void> {
  await using connection = await watched.connect();
  const { token } = connection.open();
  if (!token) throw new Error('no token');
  begin();
  await operation(token);
}

/** Of an operation with few requests. */
const MOST_ROUNDS = 10;

/** The process gets the signal right after the request of this number was sent, counted from when `begin` was called. */
function disturbAt(
  number: number,
  signal: NodeJS.Signals,
): { readonly options: ModuleSourceOptions; begin(): void; readonly wasDone: () => boolean } {
  let counted = Number.NEGATIVE_INFINITY;
  const options: ModuleSourceOptions = {
    deadlines: { startMs: 15_000, normalMs: 500, longMs: 500 },
    // No looks in between: requests are those of the operation.
    tickMs: 3_600_000,
    onRequest: (_, pid) => {
      if (++counted === number) process.kill(pid, signal);
    },
  };
  return { options, begin: () => (counted = 0), wasDone: () => counted >= number };
}

describe.each(['SIGKILL', 'SIGSEGV', 'SIGSTOP'] as const)('with the process of the module given %s,', (signal) => {
  it.each(Object.keys(OPERATIONS))('%s ends in the right error, and the next try works', { timeout: 120_000 }, async (name) => {
    const operation = OPERATIONS[name];
    if (!operation) throw new Error(name);
    const expected = signal === 'SIGSTOP' ? DeviceTimeoutError : ServiceUnavailableError;
    let failures = 0;
    let rounds = 0;
    for (let number = 1; number <= MOST_REQUESTS; number += STRIDES[signal]) {
      const disturbance = disturbAt(number, signal);
      // What a kill leaves of the token's files is SoftHSM's affair, and must not be the next round's.
      await using own = await copySoftHsm(hsm);
      await using watched = watchModule(own.configuration, disturbance.options);
      const failure = await use(watched, operation, () => disturbance.begin()).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!disturbance.wasDone()) {
        // On a busy machine each answer may have been there before the signal: the operation is disturbed anew.
        if (failures > 0 || ++rounds === MOST_ROUNDS) break;
        number = 1 - STRIDES[signal];
        continue;
      }
      if (failure !== undefined) {
        failures++;
        expect(failure).toBeInstanceOf(expected);
        expect(failure).toMatchObject({ message: expect.stringContaining('softhsm') as string });
      }
      // An answer may have come just before the process ended: then it is the next use that finds out, and the one after it works.
      if (number === 1) await use(watched, operation).catch(() => use(watched, operation));
    }
    expect(failures).toBeGreaterThan(0);
    expect(moduleChildren()).toEqual([]);
  });
});
