/** What the recorder costs an exchange with a card, off and on: an answer of a word, and a certificate that is looked through. `node test/bench/trace.ts` prints it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { parseHex } from '../../apdu/bytes.ts';
import type { CardRecord } from '../../daemon/desk/records.ts';
import { silentLog } from '../../daemon/log.ts';
import { fillPieces } from '../../daemon/trace/filler.ts';
import { TraceRecorder } from '../../daemon/trace/recorder.ts';
import { parseTrace } from '../../daemon/trace/text.ts';
import { atMost, median, type Figure } from './figure.ts';

const ROUNDS = 21;
const EXCHANGES = 200;
const SELECT = parseHex('00A4040009A0000003080000100000');
const GET_CERTIFICATE = parseHex('00CB3FFF0000055C035FC1050000');

/** Of the trace that is checked in: 629 bytes. */
function certificate(): Uint8Array {
  const { entries } = parseTrace(readFileSync(join(import.meta.dirname, '..', 'trace', 'piv.txt'), 'utf8'));
  const longest = entries.flatMap((entry) => (entry.kind === 'exchange' && entry.response ? [fillPieces(entry.response)] : []));
  return longest.reduce((one, other) => (other.length > one.length ? other : one), new Uint8Array());
}

function connectionWith(answer: Uint8Array): CardConnection {
  return {
    ...{ atr: parseHex('3B00'), supportsExtendedLength: true },
    transmit: () => Promise.resolve(answer),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** As much of a card as a trace looks at. */
const CARD = {
  ...{ id: 'card-1', atr: parseHex('3B00') },
  reader: { id: 'reader-1', name: 'Reader', source: { id: 'simulated' }, role: undefined },
} as unknown as CardRecord;

/** Microseconds an exchange of one transaction, with its end. */
async function microseconds(open: () => CardConnection, command: Uint8Array): Promise<number> {
  const began = performance.now();
  {
    await using connection = open();
    for (let index = 0; index < EXCHANGES; index++) await connection.transmit(command);
  }
  return ((performance.now() - began) * 1_000) / EXCHANGES;
}

export async function measureTrace(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-trace-'));
  try {
    const figures: Figure[] = [];
    for (const [what, command, answer] of [
      ['SELECT', SELECT, parseHex('9000')],
      ['a certificate', GET_CERTIFICATE, certificate()],
    ] as const) {
      const bare: number[] = [];
      const off: number[] = [];
      const on: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        using recorder = new TraceRecorder({ folder, log: silentLog });
        const tapped = (): CardConnection => recorder.tap<CardConnection>(CARD, connectionWith(answer), undefined);
        bare.push(await microseconds(() => connectionWith(answer), command));
        off.push(await microseconds(tapped, command));
        recorder.start({});
        on.push(await microseconds(tapped, command));
      }
      const peer = { peer: 'without a recorder', peerValue: median(bare) };
      figures.push(
        atMost(5, { name: `an exchange (${what}) with the recorder off`, value: median(off), unit: 'µs' }, peer),
        atMost(2_000, { name: `an exchange (${what}) with a trace`, value: median(on), unit: 'µs' }, peer),
      );
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename)
  for (const { name, value, unit, peerValue } of await measureTrace())
    process.stdout.write(`${name}: ${value.toFixed(2)} ${unit} (without: ${peerValue?.toFixed(2) ?? ''})\n`);
