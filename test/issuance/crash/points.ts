/** Where a ceremony can be broken off: names of such points, all of them, and some drawn by lot. A name is all that is needed to run one again. */
import type { SeededRandom } from '../../fuzz/seeded.ts';
import type { Fault } from './faults.ts';
import { SCENARIOS, scenarioOf, type Scenario } from './scenarios.ts';

/**
 * What becomes of it then. `on`: to its end. `elsewhere`: to its end, with the card in another reader. `back`: cancelled. `away`: cancelled while the card is away,
 * and taken back when it is in another reader.
 */
export const WAYS = ['on', 'back', 'elsewhere', 'away'] as const;
export type Way = (typeof WAYS)[number];

export interface CrashPoint {
  readonly scenario: Scenario;
  readonly fault: Fault;
  readonly way: Way;
}

/** As a dry run counted them. */
export interface Counts {
  readonly exchanges: number;
  readonly writes: number;
  /** To an authority. */
  readonly messages: number;
}

type FaultType = Omit<Fault, 'number'>;

const FAULT_TYPES: readonly FaultType[] = [
  { kind: 'kill', when: 'before', of: 'exchange' },
  { kind: 'kill', when: 'after', of: 'exchange' },
  { kind: 'kill', when: 'before', of: 'write' },
  { kind: 'kill', when: 'during', of: 'write' },
  { kind: 'kill', when: 'after', of: 'write' },
  { kind: 'pull', when: 'before', of: 'exchange' },
  { kind: 'pull', when: 'after', of: 'exchange' },
  { kind: 'reset', when: 'before', of: 'exchange' },
  { kind: 'reset', when: 'after', of: 'exchange' },
  { kind: 'swap', when: 'before', of: 'exchange' },
  { kind: 'swap', when: 'after', of: 'exchange' },
  { kind: 'full', when: 'before', of: 'write' },
  { kind: 'full', when: 'during', of: 'write' },
  { kind: 'kill', when: 'before', of: 'message' },
  { kind: 'kill', when: 'after', of: 'message' },
  { kind: 'cut', when: 'before', of: 'message' },
  { kind: 'cut', when: 'after', of: 'message' },
];

/** "eid-plain-confirm/kill-after-exchange/37/on". */
export function nameOf({ scenario, fault, way }: CrashPoint): string {
  return [scenario.id, `${fault.kind}-${fault.when}-${fault.of}`, fault.number, way].join('/');
}

/** Throws for what names no point. */
export function parsePoint(name: string): CrashPoint {
  const [scenario = '', type = '', number = '', wanted = ''] = name.split('/');
  const fault = FAULT_TYPES.find(({ kind, when, of }) => `${kind}-${when}-${of}` === type);
  const way = WAYS.find((one) => one === wanted);
  if (!fault || !way || !/^[1-9][0-9]*$/u.test(number)) throw new Error(`${name} names no crash point`);
  return { scenario: scenarioOf(scenario), fault: { ...fault, number: Number(number) }, way };
}

/** How many there are in all. */
export function countAll(counts: ReadonlyMap<string, Counts>): number {
  const each = [...counts.values()].map((one) => FAULT_TYPES.reduce((sum, type) => sum + limitOf(type, one), 0));
  return WAYS.length * each.reduce((sum, one) => sum + one, 0);
}

/** The last number that a point of this type has. */
function limitOf({ of }: FaultType, { exchanges, messages, writes }: Counts): number {
  return of === 'exchange' ? exchanges : of === 'message' ? messages : writes;
}

const MAX_TRIES = 1_000;

/** Each at most once, while there are enough. Every kind of fault and every scenario is as likely as its weight. */
export function drawPoints(random: SeededRandom, amount: number, counts: ReadonlyMap<string, Counts>): readonly CrashPoint[] {
  const drawn = new Map<string, CrashPoint>();
  const lots = SCENARIOS.flatMap((scenario) => Array.from({ length: scenario.weight }, () => scenario));
  for (let tries = 0; drawn.size < amount; tries++) {
    if (tries > amount * MAX_TRIES) throw new Error(`there are no ${amount} crash points`);
    const scenario = lots[random.below(lots.length)];
    const count = scenario && counts.get(scenario.id);
    const types = count ? FAULT_TYPES.filter((type) => limitOf(type, count) > 0) : [];
    const type = types[random.below(types.length)];
    const way = WAYS[random.below(WAYS.length)];
    if (!type || !way || !count) continue;
    const point = { scenario, fault: { ...type, number: 1 + random.below(limitOf(type, count)) }, way };
    drawn.set(nameOf(point), point);
  }
  return [...drawn.values()];
}
