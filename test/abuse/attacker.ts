/** The attackers, in a process of their own: one line of JSON with an order comes in, one with what became of it goes out; ends with its standard input. */
import { createInterface } from 'node:readline';
import { SeededRandom } from '../fuzz/seeded.ts';
import { ATTACKS, type AttackName } from './attacks.ts';
import type { Target } from './raw-client.ts';

export interface Order {
  readonly attack: AttackName;
  readonly target: Target;
  readonly seed: number;
  readonly count: number;
  readonly durationMs: number;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { attack, target, seed, count, durationMs } = JSON.parse(line) as Order;
  const tally = await ATTACKS[attack]({ target, random: new SeededRandom(seed), count, durationMs });
  process.stdout.write(`${JSON.stringify(tally)}\n`);
}
