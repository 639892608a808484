/**
 * A passport of today with a portrait of 20 kB, read over the API: commands that reach the card, and the processor time of the daemon for one reading; and how many
 * machine-readable zones one core parses and checks.
 */
import { parseMrz } from '../../apdu/icao9303/mrz.ts';
import { createEmrtdCard, type EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { atLeast, atMost, median, type Figure } from './figure.ts';
import { startCounted } from './in-process.ts';

const PORTRAIT_BYTES = 20_000;
const READINGS = 15;
const ZONES = 200_000;

export async function measurePassport(): Promise<readonly Figure[]> {
  const extended = await read({});
  const short = await read({ extendedLength: false });
  return [
    atMost(60, { name: 'APDUs: passport, portrait of 20 kB, extended length', value: extended.exchanges, unit: 'APDUs' }),
    atMost(Math.ceil(short.bytes / 223) + 40, {
      name: 'APDUs: passport, portrait of 20 kB, short lengths',
      value: short.exchanges,
      unit: 'APDUs',
    }),
    atMost(150, { name: 'passport, portrait of 20 kB: our own processor time', value: extended.ownMs, unit: 'ms' }),
    measureZones(),
  ];
}

interface Reading {
  readonly exchanges: number;
  readonly bytes: number;
  /** Without what the simulated chip computes. */
  readonly ownMs: number;
}

async function read(options: EmrtdCardOptions): Promise<Reading> {
  await using stack = new AsyncDisposableStack();
  const card = new TimedCard(createEmrtdCard({ portraitBytes: PORTRAIT_BYTES, ...options }));
  const reader = new SimulatedReader({ name: 'Bench' });
  const { client, nextCard } = await startCounted(stack, createSimulatedSource([reader]));
  const identified = nextCard();
  reader.insert(card);
  const id = await identified;
  const params = { card: id, access: { mrz: card.printed.mrz.join('\n') } };
  const whole = await client.call('passport.read', { ...params, includesFiles: true });
  const times: number[] = [];
  for (let count = 0; count < READINGS; count++) {
    card.chipMs = 0;
    const before = process.cpuUsage();
    await client.call('passport.read', params);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000 - card.chipMs);
  }
  const bytes = (whole.files ?? []).reduce((sum, { data }) => sum + Buffer.from(data, 'base64').length, 0);
  return { exchanges: whole.exchanges, bytes, ownMs: median(times) };
}

/** What the chip computes is not ours. */
class TimedCard implements SimulatedCard {
  readonly #inner: ReturnType<typeof createEmrtdCard>;
  chipMs = 0;

  constructor(inner: ReturnType<typeof createEmrtdCard>) {
    this.#inner = inner;
  }

  get kind(): string {
    return this.#inner.kind;
  }

  get atr(): Uint8Array {
    return this.#inner.atr;
  }

  get printed(): ReturnType<typeof createEmrtdCard>['printed'] {
    return this.#inner.printed;
  }

  powerUp(): void {
    this.#inner.powerUp();
  }

  reset(): void {
    this.#inner.reset();
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const { user, system } = process.cpuUsage();
    try {
      return this.#inner.process(command);
    } finally {
      const spent = process.cpuUsage({ user, system });
      this.chipMs += (spent.user + spent.system) / 1_000;
    }
  }
}

function measureZones(): Figure {
  const zone = createEmrtdCard().printed.mrz.join('\n');
  let consistent = 0;
  for (let count = 0; count < ZONES / 10; count++) if (parseMrz(zone).isConsistent) consistent++;
  // Of one core, whoever else is on it.
  const start = process.cpuUsage();
  for (let count = 0; count < ZONES; count++) if (parseMrz(zone).isConsistent) consistent++;
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1_000_000;
  if (consistent !== ZONES + ZONES / 10) throw new Error('a zone of a simulated passport does not agree with itself');
  return atLeast(200_000, { name: 'machine-readable zones, parsed and checked', value: ZONES / seconds, unit: 'documents/s' });
}
