/** Damaged trace files, and any bytes as commands and answers: an error that names the line, or a trace; and never a PIN in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatHex } from '../../apdu/bytes.ts';
import { lengthOf, formatPieces, type Pieces } from '../../daemon/trace/notation.ts';
import { Pseudonyms } from '../../daemon/trace/pseudonyms.ts';
import { Redaction } from '../../daemon/trace/redaction.ts';
import { ReplayCard, recordedCards } from '../../daemon/trace/replay-card.ts';
import { TraceTextError, parseTrace } from '../../daemon/trace/text.ts';
import { viewTrace } from '../../daemon/trace/view.ts';
import { FUZZ_TIMEOUT_MS, forSeeds, type SeededRandom } from './seeded.ts';

const SEEDS = { first: 8_700, rounds: 60 };
const good = readFileSync(join(import.meta.dirname, '..', 'trace', 'eid.txt'));
/** What the commands below carry where a PIN belongs. */
const PIN = Buffer.from('73519286');

it(
  'a damaged trace is refused with a line, or is a trace that can be shown and replayed',
  async () => {
    await forSeeds(SEEDS, (random) => {
      const text = Buffer.from(random.damage(good)).toString('utf8');
      try {
        const trace = parseTrace(text);
        expect([...viewTrace(trace, { bytes: true })].length).toBeGreaterThan(1);
        for (const { atr, transactions } of recordedCards(trace)) {
          const exchanges = transactions.flatMap((transaction) => transaction.exchanges);
          const card = new ReplayCard({ atr, exchanges, isLenient: true, onDeviation: () => undefined });
          for (let count = 0; count < 20; count++) expect(card.process(random.bytes(5)).length).toBeGreaterThanOrEqual(2);
        }
      } catch (error) {
        if (!(error instanceof TraceTextError)) throw error;
        expect(error.message).toMatch(/^line \d+: /);
      }
    });
  },
  FUZZ_TIMEOUT_MS,
);

it(
  'any commands and answers are told in their lengths, each once, and no PIN is',
  async () => {
    await forSeeds(SEEDS, (random) => {
      const told: string[] = [];
      const pseudonyms = new Pseudonyms((length) => random.bytes(length));
      const lengths: number[] = [];
      const redaction = new Redaction({
        ...{ contents: 'redacted', isPiv: random.below(2) === 0 },
        nameOf: (text) => pseudonyms.of(text),
        onExchange: ({ command, response = [] }) => {
          told.push(formatPieces(command), formatPieces(response));
          lengths.push(total(response));
        },
      });
      const expected: number[] = [];
      for (let count = 0; count < 40; count++) {
        const response = Uint8Array.from([
          ...anyAnswer(random),
          ...random.pick([
            [0x90, 0],
            [0x61, 5],
            [0x6a, 0x82],
          ]),
        ]);
        redaction.add({ command: anyCommand(random), response, durationMs: 0, isSensitive: random.below(4) === 0 });
        expected.push(response.length);
      }
      redaction.flush();
      expect(lengths).toEqual(expected);
      expect(told.join('\n')).not.toContain(formatHex(PIN));
    });
  },
  FUZZ_TIMEOUT_MS,
);

function total(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
}

/** A PIN at any place where a command can have one, or anything. */
function anyCommand(random: SeededRandom): Uint8Array {
  const ins = random.pick([
    0x20,
    0x24,
    0x26,
    0x2c,
    0x22,
    0x87,
    0x2a,
    0xa4,
    0xb0,
    0xc0,
    0xcb,
    0xd6,
    0xdb,
    0xe0,
    0xff,
    random.below(256),
  ]);
  const cla = random.pick([0x00, 0x0c, 0x10, 0x80, random.below(256)]);
  const data = random.below(3) === 0 ? [] : [...random.bytes(random.below(9)), ...PIN];
  const isSelectByFile = ins === 0xa4; // a path of eight bytes is kept: nobody puts a PIN there
  const body = isSelectByFile ? [] : data;
  return Uint8Array.from([cla, ins, random.below(256), random.below(256), ...(body.length > 0 ? [body.length, ...body] : []), 0]);
}

function anyAnswer(random: SeededRandom): Uint8Array {
  const starts = [[0x30, 0x82], [0x30, 5], [0x6f, 4], [0x53, 3, 0x70], [0x7c, 2], []] as const;
  const [first, ...others] = starts;
  return Uint8Array.from([...random.pick<readonly number[]>([first, ...others]), ...random.bytes(random.below(40))]);
}
