/**
 * The suite of tokens over OpenSC's module: cards that kortd reads itself elsewhere, here through a vendor's module behind the real pcscd. OpenSC tells less of them
 * and changes less on them.
 */
import { afterAll, beforeAll } from 'vitest';
import { createModuleSource, type ModuleSource } from '../../drivers/pkcs11/source.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { secret } from '../cards/card-desk.ts';
import { certify, describePrivateKey, makeEllipticKey, rsa2048Key } from '../cards/test-keys.ts';
import { describeToken, type PinFacts, type TokenBench, type TokenFacts } from '../cards/token-suite.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { sha256Of } from '../support/softhsm.ts';

const MODULE = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
const DEADLINE_MS = 20_000;
const LOOK_AGAIN_MS = 20;
/** In turn: pcscd takes its time to see that a card went. */
const READERS = 4;

const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let sha256: string;
let turn = 0;
beforeAll(async () => {
  pcscd = stack.use(await startPcscd(READERS));
  sha256 = await sha256Of(MODULE);
});
afterAll(async () => {
  await stack.disposeAsync();
});

interface Named {
  readonly name: string;
  readonly make: () => SimulatedCard;
  readonly facts: TokenFacts;
}

async function open(make: () => SimulatedCard): Promise<TokenBench> {
  const reader = pcscd.readers[turn++ % READERS];
  if (!reader) throw new Error('pcscd has no reader');
  await using undo = new AsyncDisposableStack();
  const bridge = undo.use(new VpcdBridge({ port: reader.port }));
  await bridge.insert(make());
  let requests = 0;
  const source = undo.use(
    createModuleSource(
      { name: 'opensc', path: MODULE, sha256 },
      { onRequest: () => requests++, otherReaders: () => [reader.name] },
    ),
  );
  await seen(source, reader.name);
  const resources = undo.move();
  return {
    use: async (work) => {
      await using connection = await source.connectCard(reader.name, { signal: AbortSignal.timeout(DEADLINE_MS) });
      const token = connection?.open().token;
      if (!token) throw new TypeError('opening the card of a module: it has a token');
      return await work(token);
    },
    commands: () => requests,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Resolves when the module has the card. */
async function seen(source: ModuleSource, reader: string): Promise<void> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (;;) {
    await using connection = await source.connectCard(reader, { signal });
    if (connection) return;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

const pin = (reference: string, value: string, wrong: string): PinFacts => ({
  ...{ reference, value, wrong, malformed: '123', attempts: 3, mostTold: 1 },
});

const CARDS: readonly Named[] = [
  {
    name: 'an eID card',
    make: () => createEidCard({ persona: 'anna' }),
    facts: {
      keys: [
        { keyReference: '45', algorithm: 'RSA-2048', isCertified: true },
        { keyReference: '46', algorithm: 'RSA-2048', isCertified: true, wantsPinEachTime: true },
      ],
      pins: [pin('01', '123456', '111111'), pin('02', '654321', '222222')],
      ...{ unknownKey: 'no CKA_ID', unknownPin: '77', tellsKeys: true },
      lacks: {
        'unblock PIN': 'DeviceError',
        'generate key': 'DeviceError',
        'write certificate': 'DeviceError',
        'add certificate': 'DeviceError',
        'delete certificate': 'SecurityStatusError',
        'delete key': 'SecurityStatusError',
      },
      managed: { keyReference: '45', algorithm: 'RSA-2048' },
      authorize: (token) => token.verifyPin('01', secret('123456')),
    },
  },
  {
    name: 'a PIV card',
    make: () => {
      const ec = makeEllipticKey('P-256');
      return createPivCard({
        keys: { '9A': describePrivateKey(ec, certify(ec)), '9C': describePrivateKey(rsa2048Key(), certify(rsa2048Key())) },
      });
    },
    facts: {
      keys: [
        { keyReference: '01', algorithm: 'P-256', isCertified: true },
        { keyReference: '02', algorithm: 'RSA-2048', isCertified: true, wantsPinEachTime: true },
      ],
      pins: [pin('01', '123456', '654321')],
      ...{ unknownKey: 'no CKA_ID', unknownPin: '77', tellsKeys: true },
      lacks: {
        'unblock PIN': 'DeviceError',
        'generate key': 'NotSupportedByCardError',
        'write certificate': 'NotSupportedByCardError',
        'add certificate': 'NotSupportedByCardError',
        'delete certificate': 'NotSupportedByCardError',
        'delete key': 'NotSupportedByCardError',
      },
      managed: { keyReference: '01', algorithm: 'P-256' },
      authorize: (token) => token.verifyPin('01', secret('123456')),
    },
  },
];

for (const { name, make, facts } of CARDS) describeToken(`of ${name} through OpenSC`, { facts, open: () => open(make) });
