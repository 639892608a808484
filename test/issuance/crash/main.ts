/**
 * `npm run -s test:crash -- [--points N] [--seed S] [--only POINT]`: N crash points drawn by lot, or the one that is named. Prints each that is broken, with how to run
 * it again, and as its last line "N crash points, M broken". Exit status 1 when one is broken, 2 for wrong options.
 */
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../fuzz/seeded.ts';
import { CrashRun, type PointResult } from './run.ts';
import { countAll, drawPoints, parsePoint, type CrashPoint } from './points.ts';

const DEFAULT_POINTS = '300';
const MAX_POINTS = 100_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      points: { type: 'string', default: DEFAULT_POINTS },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  const [amount, seed] = [Number(values.points), Number(values.seed)];
  if (!Number.isInteger(amount) || amount < 1 || amount > MAX_POINTS || !Number.isInteger(seed)) {
    process.stderr.write(`--points is a number from 1 to ${MAX_POINTS}, --seed a number\n`);
    return 2;
  }
  const begun = performance.now();
  await using run = await CrashRun.open();
  const points = values.only.length > 0 ? values.only.map(parsePoint) : await draw(run, amount, seed);
  const results = await run.run(points, tell);
  const broken = results.filter(({ problems }) => problems.length > 0);
  const seconds = (performance.now() - begun) / 1_000;
  const finished = results.filter(({ state }) => state === 'finished').length;
  process.stdout.write(`${finished} ended finished, ${results.length - finished} as before; ${seconds.toFixed(0)} s\n`);
  process.stdout.write(`${results.length} crash points, ${broken.length} broken\n`);
  return broken.length === 0 ? 0 : 1;
}

async function draw(run: CrashRun, amount: number, seed: number): Promise<readonly CrashPoint[]> {
  const counts = await run.countAll();
  for (const [scenario, { exchanges, messages, writes }] of counts) {
    const asked = messages === 0 ? '' : `, ${messages} messages to the authority`;
    process.stdout.write(`${scenario}: ${exchanges} exchanges with the card, ${writes} writes of the journal${asked}\n`);
  }
  process.stdout.write(`${countAll(counts)} crash points in all; ${amount} of them, drawn by seed ${seed}\n`);
  return drawPoints(new SeededRandom(seed), amount, counts);
}

function tell({ name, problems }: PointResult): void {
  if (problems.length === 0) return;
  process.stdout.write(`BROKEN ${name}\n  ${problems.join('\n  ')}\n  again: npm run -s test:crash -- --only ${name}\n`);
}
