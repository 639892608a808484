/** Every write of the journal and every exchange with the card is a crash point: after it the job ends finished, or the card is as it was before. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CARD_KINDS, JobBench, type CardKind } from './card-job-bench.ts';

const SPKI = { type: 'spki', format: 'der' } as const;

/** Each key with the certificate that was made for it. */
async function expectFinished(bench: JobBench): Promise<void> {
  expect(bench.job?.phase).toBe('confirmed');
  const { certificates } = await bench.contents();
  for (const { keyReference } of bench.kind.places) {
    const [certificate, ...more] = certificates.filter((candidate) => candidate.keyReference === keyReference);
    expect(more).toEqual([]);
    const certified = certificate && new X509Certificate(certificate.der).publicKey.export(SPKI);
    expect(certified && new Uint8Array(certified)).toEqual(bench.job?.generated.get(keyReference));
  }
}

async function expectAsBefore(bench: JobBench, before: Awaited<ReturnType<JobBench['contents']>>): Promise<void> {
  const after = await bench.contents();
  expect(after.certificates).toEqual(before.certificates);
  if (bench.kind.deletesKeys) expect(after.keys).toEqual(before.keys);
  else await expectDiscarded(bench);
}

/** Where a card cannot delete a key for which a certificate may have been issued, there is another one. */
async function expectDiscarded(bench: JobBench): Promise<void> {
  const told = await bench.told();
  for (const [index, { keyReference }] of bench.kind.places.entries()) {
    const made = bench.job?.generated.get(keyReference);
    if (!made || !bench.job?.requests.has(keyReference)) continue;
    expect(bench.job.discardedKeys).toContain(keyReference);
    expect(told[index]).not.toEqual(made);
  }
}

/** Breaks off at one point, then goes on or back. True while the point was reached. */
async function breakOff(kind: CardKind, crash: (bench: JobBench) => void, direction: 'on' | 'back'): Promise<boolean> {
  const bench = new JobBench(kind);
  const before = await bench.contents();
  crash(bench);
  const wasReached = await bench.goOn().then(
    () => false,
    () => true,
  );
  bench.restart();
  if (direction === 'back') await bench.goBack();
  else await bench.goOn();
  const { job } = bench;
  if (direction === 'on' || job?.phase === 'confirmed') await expectFinished(bench);
  else await expectAsBefore(bench, before);
  if (direction === 'back' && job) expect(['confirmed', 'undone']).toContain(job.phase);
  return wasReached;
}

describe.each(CARD_KINDS.map((kind) => [kind.name, kind] as const))('a job on a %s card', (_, kind) => {
  it('ends with each key and its certificate', async () => {
    const bench = new JobBench(kind);
    await bench.goOn();
    await expectFinished(bench);
  });

  it('that was taken back leaves the places to the next one', async () => {
    const bench = new JobBench(kind);
    bench.crashAt(6, true);
    await expect(bench.goOn()).rejects.toThrow('journal entry 6');
    bench.restart();
    await bench.goBack();
    expect(bench.job?.phase).toBe('undone');
    if (kind.deletesKeys) expect(await bench.told()).toEqual([undefined, undefined]);
    bench.beginAnew();
    await bench.goOn();
    await expectFinished(bench);
  });

  it('leaves a key that another program made in its place meanwhile', async () => {
    const bench = new JobBench(kind);
    bench.crashAt(6, true);
    await expect(bench.goOn()).rejects.toThrow('journal entry 6');
    bench.restart();
    const [first] = kind.places;
    const foreign = await bench.replaceKey(first?.keyReference ?? '');
    const tells = (await bench.told())[0] !== undefined;
    await bench.goBack();
    if (tells) expect((await bench.told())[0]).toEqual(foreign);
    expect(bench.job?.phase).toBe('undone');
  });

  it.each(['on', 'back'] as const)('that breaks off at any write of the journal goes %s', async (direction) => {
    let points = 0;
    for (const isWritten of [false, true])
      for (let at = 1; await breakOff(kind, (bench) => bench.crashAt(at, isWritten), direction); at++) points++;
    expect(points).toBeGreaterThan(20);
  });

  it.each([
    ['before', 'on'],
    ['after', 'on'],
    ['before', 'back'],
    ['after', 'back'],
  ] as const)('whose card is pulled %s any exchange goes %s', async (phase, direction) => {
    let points = 0;
    for (let at = 1; await breakOff(kind, (bench) => bench.arm({ kind: 'pull', at, phase }), direction); at++) points++;
    expect(points).toBeGreaterThan(30);
  });
});
