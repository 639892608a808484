import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { concat, formatHex } from '../../apdu/bytes.ts';
import { openChannel } from '../../apdu/card-channel.ts';
import { CardError } from '../../apdu/errors.ts';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { DeviceError } from '../../drivers/errors.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { FLOWS, FLOW_CARD, YUBICO_FLOWS, type Flow } from '../cards/piv-flows.ts';
import { FUZZ_TIMEOUT_MS, forSeeds, type SeededRandom } from './seeded.ts';

const ROUNDS = 400;
/** A long response has at most 300 parts; what comes before and after it is little. */
const MAX_EXCHANGES = 400;
const MAX_MILLISECONDS = 5_000;
const ALL_FLOWS: readonly [Flow, ...Flow[]] = [...nonEmpty(FLOWS), ...YUBICO_FLOWS];

type Answer = (command: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Poses as a YubiKey, so that Yubico's commands are tried on it too. */
function hostileCard(answer: Answer, atr = createPivCard({ state: FLOW_CARD.yubikey }).atr): SimulatedCard {
  return { kind: 'hostile', atr, powerUp: () => undefined, reset: () => undefined, process: answer };
}

interface Run {
  readonly error: unknown;
  readonly exchanges: number;
  /** What the card was asked and gave, as transcripts have it: keys are new in each run, so that a seed alone does not bring it back. */
  readonly log: readonly string[];
  readonly milliseconds: number;
}

async function run(flow: Flow, card: SimulatedCard, supportsExtendedLength: boolean): Promise<Run> {
  const reader = new SimulatedReader({ name: 'Simulated Holder 00 00', supportsExtendedLength, muteTimeoutMs: 1 });
  const log: string[] = [];
  reader.insert({ ...card, process: (command) => note(log, command, card.process(command)) });
  const start = performance.now();
  let exchanges = 0;
  let error: unknown;
  {
    await using connection = await reader.connect(AbortSignal.timeout(1000));
    const stop = new AbortController();
    const onExchange = (): void => {
      if (++exchanges > 10 * MAX_EXCHANGES) stop.abort(new RangeError('asked without end'));
    };
    error = await flow.run(openChannel(connection, { onExchange, signal: stop.signal })).then(
      () => undefined,
      (reason: unknown) => reason ?? new TypeError('rejected with nothing'),
    );
  }
  await using next = await reader.connect(AbortSignal.timeout(1000));
  expect(next.atr).toEqual(card.atr);
  return { error, exchanges, log, milliseconds: performance.now() - start };
}

async function note(log: string[], command: Uint8Array, answer: Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  const response = await answer;
  log.push(`> ${formatHex(command.subarray(0, 300))}`, `< ${formatHex(response.subarray(0, 300))}`);
  return response;
}

function expectOrderly({ error, exchanges, log, milliseconds }: Run): void {
  const whatHappened = log.slice(-20).join('\n');
  if (error !== undefined && !(error instanceof CardError) && !(error instanceof DeviceError))
    throw new TypeError(`an error that is none of ours: ${inspect(error)}\n${whatHappened}`, { cause: error });
  expect(exchanges, whatHappened).toBeLessThanOrEqual(MAX_EXCHANGES);
  expect(milliseconds, whatHappened).toBeLessThan(MAX_MILLISECONDS);
}

/** As honest as a real card for some exchanges, so that what comes after SELECT, VERIFY and authentication is reached too. */
function honestAtFirst(random: SeededRandom, hostile: Answer): Answer {
  const honest = createPivCard({ state: FLOW_CARD.yubikey });
  let honestExchanges = random.below(10);
  return (command) => (honestExchanges-- > 0 ? honest.process(command) : hostile(command));
}

/** Status words that lead on, and some that do not. */
function randomStatusWord(random: SeededRandom): Uint8Array {
  const choices = [0x9000, 0x9000, 0x9000, 0x9000, 0x6100, 0x6110, 0x6c08, 0x6c00, 0x63c2, 0x6983, 0x6700, 0x6a82] as const;
  const statusWord = random.below(8) === 0 ? random.below(0x1_0000) : random.pick(choices);
  return Uint8Array.of(statusWord >> 8, statusWord & 0xff);
}

function randomTlv(random: SeededRandom, depth: number): Uint8Array {
  const tag = random.pick([0x53, 0x7c, 0x7f49, 0x70, 0x71, 0x80, 0x81, 0x82, 0x86, 0x5f2f, 0x01, 0x04, 0x30, 0x02]);
  const parts = Array.from({ length: random.below(4) }, () =>
    depth > 0 && random.below(2) === 0 ? randomTlv(random, depth - 1) : random.bytes(random.below(40)),
  );
  return encodeTlv(tag, ...parts);
}

const KINDS: readonly [string, (random: SeededRandom) => Answer][] = [
  ['random bytes', (random) => () => random.bytes(random.below(64))],
  ['random bytes and a status word', (random) => () => concat(random.bytes(random.below(300)), randomStatusWord(random))],
  ['nested TLV', (random) => () => concat(randomTlv(random, 6), randomStatusWord(random))],
  [
    'nested TLV in the template that was asked for',
    (random) => (command) => {
      const template = new Map([[0xcb, 0x53], [0x87, 0x7c], [0x47, 0x7f49]]).get(command[1] ?? 0) ?? 0x61; // prettier-ignore
      return concat(encodeTlv(template, randomTlv(random, 3), randomTlv(random, 3)), randomStatusWord(random));
    },
  ],
  [
    'TLV cut short',
    (random) => () => {
      const tlv = randomTlv(random, 4);
      return concat(tlv.subarray(0, random.below(tlv.length + 1)), Uint8Array.of(0x90, 0x00));
    },
  ],
  [
    'huge answers',
    (random) => () =>
      concat(
        new Uint8Array(random.pick([256, 30_000, 65_535, 65_536, 70_000])).fill(random.below(256)),
        randomStatusWord(random),
      ),
  ],
  [
    'lengths that lie',
    (random) => () =>
      concat(Uint8Array.of(0x53, 0x84, ...random.bytes(4)), random.bytes(random.below(20)), Uint8Array.of(0x90, 0x00)),
  ],
  [
    'right answers, damaged at times',
    (random) => {
      const honest = createPivCard({ state: FLOW_CARD.yubikey });
      return async (command) => {
        const response = await honest.process(command);
        return random.below(4) === 0 ? random.damage(response) : response;
      };
    },
  ],
];

describe.each(KINDS)('a card that gives %s', (_, makeAnswer) => {
  it('gets one of our errors, or an end, from every flow, within bounds', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await forSeeds({ first: 1, rounds: ROUNDS }, async (random) => {
      const flow = random.pick(ALL_FLOWS);
      const answer = honestAtFirst(random, makeAnswer(random));
      expectOrderly(await run(flow, hostileCard(answer), random.below(2) === 0));
    });
  });
});

/** No end to be seen in any of these. */
const ENDLESS: readonly [string, Answer][] = [
  ['61 00 and 256 bytes', () => concat(new Uint8Array(256), Uint8Array.of(0x61, 0x00))],
  ['61 01 and one byte', () => Uint8Array.of(0x53, 0x61, 0x01)],
  ['61 00 and nothing', () => Uint8Array.of(0x61, 0x00)],
  ['61 00 and 65,536 bytes', () => concat(new Uint8Array(65_536), Uint8Array.of(0x61, 0x00))],
  ['6C 01', () => Uint8Array.of(0x6c, 0x01)],
  ['67 00', () => Uint8Array.of(0x67, 0x00)],
  ['90 00 and nothing', () => Uint8Array.of(0x90, 0x00)],
  ['63 C1', () => Uint8Array.of(0x63, 0xc1)],
  ['nothing at all', () => new Uint8Array()],
  [
    'twenty retired certificates',
    (command) => (command[1] === 0xcb ? Uint8Array.of(0x53, 0x03, 0xc1, 0x01, 0x14, 0x90, 0x00) : Uint8Array.of(0x90, 0x00)),
  ],
];

describe.each(ENDLESS)('a card that answers everything by %s', (_, answer) => {
  it.each(ALL_FLOWS)('ends the flow to $name in few exchanges', async (flow) => {
    for (const supportsExtendedLength of [true, false])
      expectOrderly(await run(flow, hostileCard(answer), supportsExtendedLength));
  });
});

describe('a card with a hostile ATR', () => {
  it('is spoken to by short commands, and every flow ends', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await forSeeds({ first: 500_000, rounds: ROUNDS }, async (random) => {
      const atr = concat(Uint8Array.of(0x3b), random.bytes(random.below(33)));
      const answer: Answer = () => concat(randomTlv(random, 3), randomStatusWord(random));
      expectOrderly(await run(random.pick(ALL_FLOWS), hostileCard(answer, atr), true));
    });
  });
});

function nonEmpty<T>([first, ...rest]: readonly T[]): readonly [T, ...T[]] {
  if (first === undefined) throw new RangeError('there are no flows');
  return [first, ...rest];
}
