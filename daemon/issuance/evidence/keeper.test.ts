import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHAIN_START, chainRecord, type AuditRecord } from '../../audit/record.ts';
import type { Ceremony } from '../ceremony.ts';
import { standardRoutines } from '../routines.ts';
import { auditExcerpt } from './audit-excerpt.ts';
import { EvidenceKeeper, type EvidenceKeeperOptions } from './keeper.ts';
import { SEAL_CERTIFICATE_FILE, SEAL_FILE } from './seal.ts';
import { EVIDENCE_FOLDER } from './store.ts';
import { SimulatedOffice } from './testing.ts';

let office: SimulatedOffice;
let keeper: EvidenceKeeper | undefined;
let problems: string[] = [];
const SOON = { timeout: 10_000 };

beforeEach(() => {
  office = new SimulatedOffice();
  problems = [];
});
afterEach(async () => {
  await keeper?.[Symbol.asyncDispose]();
  keeper = undefined;
  office[Symbol.dispose]();
});

function open(options: Partial<EvidenceKeeperOptions> = {}): EvidenceKeeper {
  const log = pino({ level: 'error' }, { write: (line: string) => problems.push(line) });
  keeper = new EvidenceKeeper({
    ...{ folder: office.folder, journal: office.journal, routines: standardRoutines(), log, settleMs: 0 },
    ceremony: (id) => office.ceremonies.get(id),
    forget: (ids) => office.ceremonies.forget(ids),
    audit: auditOf([]),
    policy: () => ({ evidenceRecipients: [], trustedDesks: [] }),
    now: () => new Date('2026-03-01T09:00:00Z'),
    ...options,
  });
  return keeper;
}

function auditOf(records: readonly AuditRecord[]): EvidenceKeeperOptions['audit'] {
  return {
    head: records.at(-1) ?? CHAIN_START,
    list: ({ since, limit }) => records.filter(({ sequence }) => sequence > since).slice(0, limit),
  };
}

/** `looked`: for finished ceremonies, which comes after what is over its time was dropped. */
function watchedJournal(): { readonly journal: EvidenceKeeperOptions['journal']; readonly looked: Promise<undefined> } {
  const looked = Promise.withResolvers<undefined>();
  const list: EvidenceKeeperOptions['journal']['list'] = (filter) => {
    if (filter.state === 'finished') looked.resolve(undefined);
    return office.journal.list(filter);
  };
  return { journal: { list, entriesOf: (id) => office.journal.entriesOf(id) }, looked: looked.promise };
}

const kept = async (of: EvidenceKeeper): Promise<readonly string[]> => [...(await of.store.ceremonies())];

describe('the evidence of a ceremony', () => {
  it('is kept when it finishes, and not before', async () => {
    const open2 = open();
    const half = await office.highest(3);
    open2.changed(half);
    const ceremony = await office.highest();
    open2.changed(ceremony);
    open2.changed(ceremony);
    await expect.poll(() => kept(open2), SOON).toEqual([ceremony.id]);
    const { content, isEncrypted } = await open2.evidenceOf(ceremony);
    expect(isEncrypted).toBe(false);
    expect((await open2.verify(content)).problems).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('is put together at the next start when a crash came before', async () => {
    const [one, two] = [await office.highest(), await office.vouched()];
    await office.highest(3);
    const after = open();
    await expect.poll(async () => (await kept(after)).toSorted(), SOON).toEqual([one.id, two.id].toSorted());
  });

  it('is not put together again when its time is over', async () => {
    await office.highest();
    const { journal, looked } = watchedJournal();
    const late = open({ journal, now: () => new Date('2037-01-01T00:00:00Z') });
    await looked;
    await late[Symbol.asyncDispose]();
    expect(await kept(late)).toEqual([]);
  });

  it('is dropped when its time is over, and ceremonies since then prove it', async () => {
    const old = await office.highest();
    const before = open();
    await before.evidenceOf(old);
    await before[Symbol.asyncDispose]();
    const clock = { now: () => new Date('2036-03-02T00:00:00Z') };
    const { journal, looked } = watchedJournal();
    const jumped = open({ ...clock, journal });
    await looked;
    await jumped[Symbol.asyncDispose]();
    expect(await kept(jumped)).toEqual([old.id]);
    office.skipTo('2036-03-01T12:00:00Z');
    office.ceremonies.start('renewal', { isProtected: false });
    const later = open(clock);
    await expect.poll(() => kept(later), SOON).toEqual([]);
  });

  it('goes with all that the journal has of the ceremony, and of cancelled ones; what is open or younger stays', async () => {
    const [finished, open1] = [await office.highest(), await office.highest(2)];
    const reason = 'the holder did not come';
    const cancelled = office.ceremonies.note(await office.highest(2), { type: 'ceremony.cancelled', reason });
    office.skipTo('2030-05-01T12:00:00Z');
    const younger = await office.vouched();
    office.skipTo('2036-03-01T12:00:00Z');
    const { id: latest } = office.ceremonies.start('renewal', { isProtected: false });
    const all = [finished, cancelled, open1, younger].map(({ id }) => id);
    const known = (): readonly string[] => all.filter((id) => office.journal.entriesOf(id).length > 0);
    const early = open({ now: () => new Date('2036-03-01T13:00:00Z') });
    await expect.poll(() => kept(early), SOON).toContain(finished.id);
    await early[Symbol.asyncDispose]();
    expect(known()).toEqual(all);
    const later = open({ now: () => new Date('2036-03-02T00:00:00Z') });
    await expect.poll(known, SOON).toEqual([open1.id, younger.id]);
    expect(await kept(later)).not.toContain(finished.id);
    expect(() => office.ceremonies.get(finished.id)).toThrow(expect.objectContaining({ code: 'ceremony_unknown' }));
    expect(office.ceremonies.get(latest).state).toBe('open');
    expect(problems).toEqual([]);
  });

  it('is made once, whoever asks for it at the same time', async () => {
    const ceremony = await office.highest();
    const of = open();
    const [one, other] = await Promise.all([of.evidenceOf(ceremony), of.evidenceOf(ceremony)]);
    expect(Buffer.compare(one.content, other.content)).toBe(0);
    expect(readdirSync(join(office.folder, EVIDENCE_FOLDER, '2036-03-01'))).toEqual([`${ceremony.id}.asice`]);
  });

  it('waits for the administrator when it cannot be encrypted as the policy says', async () => {
    const ceremony = await office.highest();
    const file = join(office.folder, 'archive.pem');
    const of = open({ policy: () => ({ evidenceRecipients: [file], trustedDesks: [] }) });
    await expect(of.evidenceOf(ceremony)).rejects.toThrow(/archive\.pem, which the policy names/);
    await expect.poll(() => problems.length, SOON).toBeGreaterThan(0);
    expect(await kept(of)).toEqual([]);
    writeFileSync(file, readFileSync(join(office.folder, SEAL_CERTIFICATE_FILE)), { mode: 0o666 });
    chmodSync(file, 0o666);
    await expect(of.evidenceOf(ceremony)).rejects.toThrow(/others than its owner can write it/);
    chmodSync(file, 0o600);
    expect((await of.evidenceOf(ceremony)).isEncrypted).toBe(true);
  });

  it('needs no seal before it is there to be sealed', () => {
    open();
    expect(existsSync(join(office.folder, SEAL_FILE))).toBe(false);
  });
});

it('a ceremony goes to another desk that trusts this one', async () => {
  const here = open();
  const ceremony = office.ceremonies.note(await office.highest(2), { type: 'ceremony.exported' });
  const bytes = await here.exportCeremony(ceremony, office.journal.entriesOf(ceremony.id));
  using there = new SimulatedOffice();
  const trusted = join(there.folder, 'first-desk.pem');
  const policy = { evidenceRecipients: [], trustedDesks: [] as readonly string[] };
  const options = { folder: there.folder, journal: there.journal, policy: () => policy };
  await using other = new EvidenceKeeper({
    ...{ ...options, routines: standardRoutines(), settleMs: 0, audit: auditOf([]), now: () => new Date() },
    ...{ ceremony: (id) => there.ceremonies.get(id), forget: () => undefined, log: pino({ level: 'silent' }) },
  });
  await expect(other.importCeremony(bytes)).rejects.toMatchObject({ code: 'transfer_seal_untrusted' });
  policy.trustedDesks = [trusted];
  await expect(other.importCeremony(bytes)).rejects.toThrow(/first-desk\.pem, which the policy names/);
  writeFileSync(trusted, readFileSync(join(office.folder, SEAL_CERTIFICATE_FILE)), { mode: 0o600 });
  expect((await other.importCeremony(bytes)).entries).toEqual(office.journal.entriesOf(ceremony.id));
  expect((await here.importCeremony(bytes)).entries).toEqual([]);
});

describe('the excerpt of the audit log', () => {
  const acts = (ceremony: Ceremony, count: number): readonly AuditRecord[] => {
    const start = Date.parse(ceremony.startedAt);
    const records: AuditRecord[] = [];
    for (let index = 0; index < count; index++) {
      const time = new Date(start + (index - count / 2) * 100).toISOString();
      const ours =
        index % 2 === 0
          ? { cardSerial: 'BENCH-102' }
          : index % 3 === 0
            ? { purpose: `${ceremony.id} step` }
            : { cardSerial: 'OTHER' };
      const act = { callerKind: 'native', caller: randomUUID(), method: 'sign.cms', outcome: 'ok', time, ...ours } as const;
      records.push(chainRecord(act, records.at(-1) ?? CHAIN_START));
    }
    return records;
  };

  it('has the acts with its cards and those that name it, of its time, wherever in the log', async () => {
    const ceremony = await office.highest();
    const records = acts(ceremony, 1_500);
    const until = Date.parse(ceremony.updatedAt) + 10_000;
    const expected = records.filter(
      ({ cardSerial, purpose, time }) =>
        cardSerial !== 'OTHER' && (cardSerial ?? purpose) && time >= ceremony.startedAt && Date.parse(time) <= until,
    );
    expect(expected.length).toBeGreaterThan(50);
    const { signal } = new AbortController();
    for (const cut of [0, 749, 751, 1_400]) {
      const rest = records.slice(cut);
      const wanted = expected.filter(({ sequence }) => sequence > cut);
      expect(await auditExcerpt(auditOf(rest), ceremony, { signal })).toEqual(wanted);
    }
    expect(await auditExcerpt(auditOf([]), ceremony, { signal })).toEqual([]);
  });
});
