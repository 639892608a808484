import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { foldCeremony, type Ceremony } from '../ceremony.ts';
import { standardRoutines } from '../routines.ts';
import { EVIDENCE_FOLDER, EvidenceStore } from './store.ts';

let folder = '';
let store: EvidenceStore;
const CONTAINER = Buffer.from('a container');
const still = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-evidence-store-'));
  store = new EvidenceStore({ folder, recipients: () => [] });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function ceremony(id: string, endedAt: string): Ceremony {
  const routine = standardRoutines().get('reserve-card-vouched');
  if (!routine) throw new Error('there is such a routine');
  const entry = { type: 'ceremony.begun', routine: { id: routine.id, version: 1 }, isProtected: false } as const;
  return foldCeremony(id, [{ number: 1, time: endedAt, entry, hash: '' }], routine);
}

const day = (year: number): string => `${year}-03-01T12:00:00.000Z`;

describe('kept evidence', () => {
  it('is found again, byte for byte, and read by its owner alone', async () => {
    const stored = await store.put(ceremony('ceremony-1', day(2026)), CONTAINER);
    expect(stored).toEqual({ ceremony: 'ceremony-1', keepUntil: '2036-03-01', isEncrypted: false, lengthBytes: 11 });
    expect(await store.read('ceremony-1')).toEqual({ ...stored, content: new Uint8Array(CONTAINER) });
    const file = join(folder, EVIDENCE_FOLDER, '2036-03-01', 'ceremony-1.asice');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, EVIDENCE_FOLDER)).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, EVIDENCE_FOLDER, '2036-03-01')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, EVIDENCE_FOLDER, '2036-03-01'))).toEqual(['ceremony-1.asice']);
  });

  it('is never written again', async () => {
    await store.put(ceremony('ceremony-1', day(2026)), CONTAINER);
    await store.put(ceremony('ceremony-1', day(2026)), Buffer.from('another'));
    expect((await store.read('ceremony-1'))?.content).toEqual(new Uint8Array(CONTAINER));
    expect(await store.list({ limit: 10 })).toHaveLength(1);
  });

  it('is not there for a ceremony that has none, nor for a name that leads elsewhere', async () => {
    await store.put(ceremony('ceremony-1', day(2026)), CONTAINER);
    writeFileSync(join(folder, 'secret.asice'), 'x');
    for (const id of ['ceremony-2', '../../secret', '../2036-03-01/ceremony-1', '', '.'])
      expect(await store.read(id)).toBeUndefined();
  });

  it('is listed in pages, by its last day', async () => {
    for (const [id, year] of [
      ['c', 2028],
      ['b', 2026],
      ['a', 2027],
      ['d', 2026],
    ] as const)
      await store.put(ceremony(id, day(year)), CONTAINER);
    const first = await store.list({ limit: 3 });
    expect(first.map((each) => each.ceremony)).toEqual(['b', 'd', 'a']);
    const [, , last] = first;
    if (!last) throw new Error('three were listed');
    expect((await store.list({ limit: 3, after: last })).map((each) => each.ceremony)).toEqual(['c']);
  });
});

describe('evidence over its time', () => {
  it('goes on the day after its last one, and nothing else', async () => {
    await store.put(ceremony('old', day(2016)), CONTAINER);
    await store.put(ceremony('new', day(2017)), CONTAINER);
    const stranger = join(folder, EVIDENCE_FOLDER, 'notes');
    mkdirSync(stranger);
    expect(await store.purge(new Date('2026-03-01T23:59:59Z'), still)).toBe(0);
    expect(await store.purge(new Date('2026-03-02T00:00:00Z'), still)).toBe(1);
    expect((await store.list({ limit: 10 })).map((each) => each.ceremony)).toEqual(['new']);
    expect(readdirSync(join(folder, EVIDENCE_FOLDER)).sort()).toEqual(['2027-03-01', 'notes']);
  });

  it('leaves nothing of what a run that was cut short had begun', async () => {
    await store.put(ceremony('new', day(2026)), CONTAINER);
    const unfinished = join(folder, EVIDENCE_FOLDER, '2036-03-01', '.unfinished-1-other.asice');
    writeFileSync(unfinished, 'half');
    expect((await store.list({ limit: 10 })).map((each) => each.ceremony)).toEqual(['new']);
    await store.purge(new Date(day(2026)), still);
    expect(readdirSync(join(folder, EVIDENCE_FOLDER, '2036-03-01'))).toEqual(['new.asice']);
  });
});

it('evidence that cannot be encrypted as the policy says is not kept at all', async () => {
  const refusing = new EvidenceStore({
    folder,
    recipients: () => {
      throw new Error('reading /etc/kortd/archive.pem: no such file');
    },
  });
  await expect(refusing.put(ceremony('ceremony-1', day(2026)), CONTAINER)).rejects.toThrow(/archive\.pem/);
  expect(await store.list({ limit: 10 })).toEqual([]);
});
