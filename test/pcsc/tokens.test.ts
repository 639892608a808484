/** The suite of tokens over simulated cards behind the real pcscd: a PIV card, an eID card that speaks T=0, and one of extended length. */
import { afterAll, beforeAll } from 'vitest';
import { equalBytes } from '../../apdu/bytes.ts';
import { NoCardError } from '../../drivers/errors.ts';
import { createPcscSource, type PcscSource } from '../../drivers/pcsc/source.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { CARDS_UNDER_TEST, useToken, type CardUnderTest } from '../cards/token-benches.ts';
import { describeToken, type TokenBench } from '../cards/token-suite.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';

/** In turn: pcscd takes its time to see that a card went. */
const READERS = 6;
const DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 20;
const NAMES = ['of a YubiKey', 'of the eID card of anna', 'of the eID card of cecilia'];

const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let source: PcscSource;
let turn = 0;

beforeAll(async () => {
  pcscd = stack.use(await startPcscd(READERS));
  source = stack.use(createPcscSource());
});
afterAll(async () => {
  await stack.disposeAsync();
});

async function openBehindPcscd({ profile, make }: CardUnderTest): Promise<TokenBench> {
  const reader = pcscd.readers[turn++ % READERS];
  if (!reader) throw new Error('pcscd has no reader');
  const card = make();
  let commands = 0;
  const bridge = new VpcdBridge({ port: reader.port });
  await bridge.insert({
    ...{ kind: card.kind, atr: card.atr, powerUp: () => card.powerUp(), reset: () => card.reset() },
    process: (command) => {
      commands++;
      return card.process(command);
    },
  });
  await seen(reader.name, card.atr);
  return {
    use: (work) => useToken(source, reader.name, profile, work),
    commands: () => commands,
    [Symbol.asyncDispose]: () => bridge.close(),
  };
}

/** Resolves when pcscd has the card. */
async function seen(reader: string, atr: Uint8Array): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      await using connection = await source.connect(reader, { signal: AbortSignal.timeout(DEADLINE_MS) });
      if (equalBytes(connection.atr, atr)) return;
    } catch (error) {
      if (!(error instanceof NoCardError) || performance.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

for (const card of CARDS_UNDER_TEST.filter(({ name }) => NAMES.includes(name)))
  describeToken(`${card.name}, behind pcscd`, { facts: card.facts, open: () => openBehindPcscd(card) });
