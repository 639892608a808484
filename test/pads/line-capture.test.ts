/** pad.capture on pads of lines and of a service: the same call, the same result. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { errorOf, openBench, resultOf, type Bench } from '../api/support.ts';

const signal = AbortSignal.timeout(60_000);
const content = { data: Buffer.from('Receipt of a card').toString('base64') };
const TOPAZ = { line: 'topaz', model: 'siglite-1x5', serialNumber: 'BENCHTOPAZ' } as const;
const SIGNOTEC = { line: 'signotec', type: 15, serialNumber: '1000001' } as const;

async function use(bench: Bench, serialNumber: string, act: 'write' | 'accept' | 'cancel' | 'pull'): Promise<void> {
  expect(await bench.pads.use(serialNumber, { act, seed: 1, samples: 120, signal })).toBe(true);
}

it('a Topaz pad, which has no buttons, is accepted when nothing more is written', async () => {
  await using bench = await openBench({ pads: [], linePads: [TOPAZ] });
  const api = await bench.socket();
  const answer = api.call('pad.capture', { content, acceptAfterMs: 1000 });
  await wait(1500);
  await use(bench, 'BENCHTOPAZ', 'write');
  const result = resultOf(await answer);
  expect(result).toMatchObject({ lostSamples: 0, isComplete: true });
  expect(JSON.parse(result.evidence.statement)).toMatchObject({ pad: { model: 'SigLite 1x5', serialNumber: 'BENCHTOPAZ' } });
});

it('a signotec pad is accepted at its own button', async () => {
  await using bench = await openBench({ pads: [], linePads: [SIGNOTEC] });
  const api = await bench.socket();
  const answer = api.call('pad.capture', { content, text: 'Jag har fått kortet.' });
  await wait(2000);
  await use(bench, '1000001', 'write');
  await use(bench, '1000001', 'accept');
  expect(resultOf(await answer)).toMatchObject({ lostSamples: 0, isComplete: true });
});

it.each(['cancel', 'pull'] as const)('a signotec pad tells a %s', async (act) => {
  await using bench = await openBench({ pads: [], linePads: [SIGNOTEC] });
  const api = await bench.socket();
  const answer = api.call('pad.capture', { content, text: 'Jag har fått kortet.' });
  await wait(2000);
  await use(bench, '1000001', act);
  expect(errorOf(await answer).code).toBe(act === 'cancel' ? 'pad_cancelled' : 'pad_removed');
});
