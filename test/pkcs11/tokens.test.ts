/**
 * The suite of tokens over SoftHSM 2 through its module. Such a token is software: it counts no tries, blocks no PIN, and keeps what every standard allows. Keys
 * and certificates come from softhsm2-util and pkcs11-tool; each test has a copy of that token, in a process of its own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { KeyAlgorithm } from '../../apdu/token.ts';
import { secret } from '../cards/card-desk.ts';
import { certify, makeEllipticKey, rsa2048Key, type TestKey } from '../cards/test-keys.ts';
import { describeToken, type KeyFacts, type TokenBench, type TokenFacts } from '../cards/token-suite.ts';
import { TOKEN, copySoftHsm, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { watchModule } from './module-bench.ts';

const KEYS: readonly KeyFacts[] = [
  { keyReference: '45', algorithm: 'RSA-2048', isCertified: true },
  { keyReference: '46', algorithm: 'P-256', isCertified: true },
  { keyReference: '47', algorithm: 'P-384', isCertified: true },
  { keyReference: '48', algorithm: 'P-256', isCertified: false },
];

const FACTS: TokenFacts = {
  keys: KEYS,
  pins: [
    {
      ...{ reference: '01', value: TOKEN.pin, wrong: '654321', malformed: '123' },
      puk: { reference: '01-00', value: TOKEN.officerPin, wrong: '12345678' },
    },
  ],
  ...{ unknownKey: 'no CKA_ID', unknownPin: '02', tellsKeys: true, lacks: {} },
  managed: { keyReference: '46', algorithm: 'P-256' },
  authorize: (token) => token.verifyPin('01', secret(TOKEN.pin)),
};

let made: SoftHsm;
beforeAll(async () => {
  made = await createSoftHsm();
  for (const key of KEYS) await importKey(made, key);
});
afterAll(async () => {
  await made[Symbol.asyncDispose]();
});

function pairOf(algorithm: KeyAlgorithm): TestKey {
  return algorithm === 'P-256' || algorithm === 'P-384' ? makeEllipticKey(algorithm) : rsa2048Key();
}

async function importKey(hsm: SoftHsm, { keyReference, algorithm, isCertified }: KeyFacts): Promise<void> {
  const pair = pairOf(algorithm);
  const [pem, der] = [join(hsm.folder, `${keyReference}.pem`), join(hsm.folder, `${keyReference}.der`)];
  await writeFile(pem, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const named = ['--label', `key ${keyReference}`, '--id', keyReference];
  await hsm.run('softhsm2-util', ['--import', pem, '--token', TOKEN.label, '--pin', TOKEN.pin, ...named]);
  if (!isCertified) return;
  await writeFile(der, certify(pair));
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--write-object', der, '--type', 'cert', ...named]);
}

async function open(): Promise<TokenBench> {
  await using undo = new AsyncDisposableStack();
  const { configuration } = undo.use(await copySoftHsm(made));
  let requests = 0;
  // Events are asked for all the time.
  const onRequest = (operation: string): void => {
    if (operation !== 'event' && operation !== 'slots') requests++;
  };
  const module = undo.use(watchModule(configuration, { onRequest, tickMs: 20 }));
  const resources = undo.move();
  return {
    use: async (work) => {
      await using connection = await module.connect();
      const { token } = connection.open();
      if (!token) throw new TypeError('opening the card of a module: it has a token');
      return await work(token);
    },
    commands: () => requests,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

describeToken('of SoftHSM 2', { facts: FACTS, open });
