/** Runs attackers in processes of their own, as many as it takes for their connections to fit the system's limit of descriptors for one process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Order } from './attacker.ts';
import type { Tally } from './attacks.ts';

const MAIN = join(import.meta.dirname, 'attacker.ts');
/** Descriptors of a process beside its connections. */
const OWN_DESCRIPTORS = 64;

interface Attacker {
  readonly child: ChildProcess;
  readonly answers: AsyncIterator<string>;
}

export class Attackers implements AsyncDisposable {
  readonly #attackers: Attacker[] = [];

  /** Shares the count out among processes; resolves with all of their tallies added up. */
  async run(order: Order): Promise<Tally> {
    const most = maxDescriptors() - OWN_DESCRIPTORS;
    const processes = Math.ceil(order.count / most);
    while (this.#attackers.length < processes) this.#attackers.push(start());
    const share = Math.ceil(order.count / processes);
    const orders = Array.from({ length: processes }, (_, index) => ({
      ...order,
      seed: order.seed + index,
      count: Math.min(share, order.count - index * share),
    }));
    return sum(await Promise.all(orders.map((one, index) => ask(this.#attackers[index], one))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#attackers) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
}

/** Node raises its own limit to what it may be at most. */
function maxDescriptors(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, hard] = /^Max open files\s+\S+\s+(\d+)/m.exec(limits) ?? [];
  return hard === undefined ? 1_000_000 : Number(hard);
}

function start(): Attacker {
  const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function ask(attacker: Attacker | undefined, order: Order): Promise<Tally> {
  if (!attacker) throw new RangeError('there is no such attacker');
  attacker.child.stdin?.write(`${JSON.stringify(order)}\n`);
  const answer = await attacker.answers.next();
  if (answer.done === true) throw new Error(`the attacker of ${order.attack} ended`);
  return JSON.parse(answer.value) as Tally;
}

function sum(tallies: readonly Tally[]): Tally {
  const total: Record<string, number> = {};
  for (const tally of tallies)
    for (const [outcome, count] of Object.entries(tally)) total[outcome] = (total[outcome] ?? 0) + count;
  return total;
}
