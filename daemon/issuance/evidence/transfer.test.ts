import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ceremony } from '../ceremony.ts';
import type { JournalEntry } from '../entry-chain.ts';
import { standardRoutines } from '../routines.ts';
import { openSeal, type Seal } from './seal.ts';
import { SimulatedOffice } from './testing.ts';
import { ApiError } from '../../errors.ts';
import { exportCeremony, importCeremony, type ImportOptions, type Imported } from './transfer.ts';

let office: SimulatedOffice;
let seal: Seal;
let ceremony: Ceremony;

beforeEach(async () => {
  office = new SimulatedOffice();
  seal = await openSeal({ folder: office.folder, now: () => new Date('2026-03-01T09:00:00Z') });
  ceremony = office.ceremonies.note(await office.highest(2), { type: 'ceremony.exported' });
});
afterEach(() => {
  office[Symbol.dispose]();
});

const entriesOf = (id = ceremony.id): readonly JournalEntry[] => office.journal.entriesOf(id);
const exported = (entries = entriesOf(), of: Pick<Ceremony, 'id' | 'routine'> = ceremony): Promise<Uint8Array> =>
  exportCeremony({ ceremony: of, entries }, seal);
const take = (bytes: Uint8Array, options: Partial<ImportOptions> = {}): Imported =>
  importCeremony(bytes, { seals: [seal.certificate], routines: standardRoutines(), ownEntries: () => [], ...options });

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.code;
  }
}

/** What a desk that is trusted signs, whatever it is. */
const signed = (content: object): Promise<Uint8Array> => seal.sign(Buffer.from(JSON.stringify(content)), 'attached');

describe('a ceremony that goes from one desk to another', () => {
  it('stands there as it stood here', async () => {
    const taken = take(await exported());
    expect(taken.entries).toEqual(entriesOf());
    expect(taken.seal).toBe(seal.fingerprint);
    expect([...taken.ceremony.done.keys()]).toEqual(['order', 'ordered']);
    expect(taken.ceremony.done.get('ordered')?.cms).toBe(ceremony.done.get('ordered')?.cms);
  });

  it('goes into the other journal with the hashes that it has', async () => {
    using other = new SimulatedOffice();
    const taken = take(await exported());
    const { id, routine, startedAt } = taken.ceremony;
    for (const { entry, time, hash } of taken.entries) {
      const summary = {
        id,
        routine: routine.id,
        state: 'open',
        startedAt,
        updatedAt: time,
        isProtected: false,
        search: '',
      } as const;
      expect(other.journal.append(id, { entry, time: new Date(time), summary }).hash).toBe(hash);
    }
    expect(other.journal.entriesOf(id)).toEqual(entriesOf());
  });

  it('comes back with what was added, and only that is taken over', async () => {
    const before = entriesOf();
    const there = office.ceremonies.note(ceremony, { type: 'ceremony.imported', seal: '0'.repeat(64) });
    office.ceremonies.note(there, { type: 'ceremony.exported' });
    const taken = take(await exported(entriesOf(ceremony.id)), { ownEntries: () => before });
    expect(taken.entries.map(({ number }) => number)).toEqual([before.length + 1, before.length + 2]);
  });

  it('is not taken over a second time, nor when it went on here meanwhile', async () => {
    const bytes = await exported();
    office.ceremonies.note(ceremony, { type: 'ceremony.imported', seal: '0'.repeat(64) });
    expect(codeOf(() => take(bytes, { ownEntries: () => entriesOf() }))).toBe('transfer_already_taken');
    const [first, second] = entriesOf();
    if (!first || !second) throw new Error('a ceremony has two entries');
    const diverged = [first, { ...second, hash: '0'.repeat(64) }];
    expect(codeOf(() => take(bytes, { ownEntries: () => diverged }))).toBe('transfer_diverged');
  });
});

it('whoever exported it takes it back, and has nothing new', async () => {
  const taken = take(await exported(), { ownEntries: () => entriesOf() });
  expect(taken.entries).toEqual([]);
  expect(taken.ceremony.id).toBe(ceremony.id);
});

describe('it is refused', () => {
  it('from a desk that is not trusted', async () => {
    expect(codeOf(() => take(new Uint8Array(0)))).toBe('transfer_invalid');
    const bytes = await exported();
    expect(codeOf(() => take(bytes, { seals: [] }))).toBe('transfer_seal_untrusted');
  });

  it('with one byte changed, wherever it is', async () => {
    const bytes = await exported();
    const missed: number[] = [];
    const isDense = (at: number): boolean => at < 200 || at > bytes.length - 1_000;
    for (let at = 0; at < bytes.length; at += isDense(at) ? 2 : 97) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x04;
      if (codeOf(() => take(changed)) === 'done') missed.push(at);
    }
    expect(missed).toEqual([]);
  });

  it('with an entry that is not the one that was written, or with one left out', async () => {
    const entries = entriesOf();
    const changed = entries.map((one, index) => (index === 1 ? { ...one, time: '2026-01-01T00:00:00.000Z' } : one));
    for (const broken of [changed, entries.slice(1), entries.filter((_, index) => index !== 1)]) {
      const bytes = await exported(broken);
      expect(codeOf(() => take(bytes))).toBe('transfer_broken');
    }
  });

  it('when the routine is not the same here', async () => {
    const bytes = await exported();
    const { routine } = ceremony;
    for (const other of [
      { ...routine, version: routine.version + 1 },
      { ...routine, retentionYears: 1 },
    ])
      expect(codeOf(() => take(bytes, { routines: new Map([[other.id, other]]) }))).toBe('transfer_routine_differs');
    expect(codeOf(() => take(bytes, { routines: new Map() }))).toBe('transfer_routine_differs');
  });

  it('when it names another routine than it was begun by', async () => {
    const renewal = standardRoutines().get('renewal');
    if (!renewal) throw new Error('there is a renewal');
    const bytes = await exported(entriesOf(), { id: ceremony.id, routine: renewal });
    expect(codeOf(() => take(bytes))).toBe('transfer_invalid');
  });

  it('when the desk that it comes from did not let it go', async () => {
    const bytes = await exported(entriesOf().slice(0, -1));
    expect(codeOf(() => take(bytes))).toBe('transfer_invalid');
  });

  it('when it has ended', async () => {
    office.ceremonies.note(ceremony, { type: 'ceremony.cancelled', reason: 'no card' });
    const bytes = await exported();
    expect(codeOf(() => take(bytes))).toBe('transfer_invalid');
  });

  it.each([
    ['another format', { format: 'kortd-ceremony-transfer-2' }],
    ['no entries', { entries: [] }],
    ['more than there is', { more: true }],
    ['a name that leads elsewhere', { ceremony: '../../x' }],
  ])('with %s', async (_, change) => {
    const whole = {
      ...{ format: 'kortd-ceremony-transfer-1', ceremony: ceremony.id, entries: entriesOf() },
      routine: { id: 'reserve-card-loa3', version: 1, digest: '0'.repeat(64) },
    };
    const bytes = await signed({ ...whole, ...change });
    expect(codeOf(() => take(bytes))).toBe('transfer_invalid');
    const otherwise = await signed(whole);
    expect(codeOf(() => take(otherwise))).toBe('transfer_routine_differs');
  });

  it('when it is too large', () => {
    expect(codeOf(() => take(new Uint8Array(4 * 1024 * 1024 + 1)))).toBe('transfer_invalid');
  });
});
