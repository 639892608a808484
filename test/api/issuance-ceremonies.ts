/**
 * Ceremonies in any state, written into the journal beside the daemon, which reads them when it is asked for them. The job is always on one key: that of
 * `testKey('P-256')`, on a PIV card or an e-ID card of the number that was ordered.
 */
import { X509Certificate } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Ceremonies } from '../../daemon/issuance/ceremonies.ts';
import type { CeremonyEntry, JobCard, JobEntry, PersonSeen, StoredCertificate } from '../../daemon/issuance/entry.ts';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { standardRoutines } from '../../daemon/issuance/routines.ts';
import { HOLDER, RESERVE_NUMBER, issueTo, orderFields, type IssueOptions } from '../issuance/office.ts';
import { SERIAL_NUMBER } from './provocation.ts';
import { spkiOf, testKey, type Bench } from './support.ts';

export interface WrittenCeremony {
  readonly routine?:
    | 'additional-certificate-removed'
    | 'kiosk'
    | 'ordinary-card-handed-out'
    | 'puk-used'
    | 'renewal'
    | 'reserve-card-loa3'
    | 'reserve-card-vouched';
  readonly entries?: readonly CeremonyEntry[];
  /** Of all entries. */
  readonly time?: Date;
}

/** Its id. */
export function writeCeremony({ dataFolder }: Pick<Bench, 'dataFolder'>, written: WrittenCeremony): string {
  const { routine = 'reserve-card-loa3', entries = [], time = new Date() } = written;
  using journal = new Journal(join(dataFolder, ISSUANCE_JOURNAL_FILE));
  const ceremonies = new Ceremonies({
    journal,
    routines: standardRoutines(),
    isAdministrator: () => true,
    now: () => time,
    monotonicMs: () => 0,
    onChange: () => undefined,
  });
  const { id } = ceremonies.start(routine, { isProtected: false });
  for (const entry of entries) ceremonies.note(ceremonies.get(id), entry);
  return id;
}

/** From then on the disk takes nothing more. */
export function failDisk({ dataFolder }: Pick<Bench, 'dataFolder'>): void {
  const database = new DatabaseSync(join(dataFolder, ISSUANCE_JOURNAL_FILE));
  database.exec("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
  database.close();
}

export const ANNA: PersonSeen = { name: 'Anna Lindqvist', hsaId: 'SE2321000016-BENCH1', assuranceLevel: 'LoA3' };
export const BJORN: PersonSeen = { name: 'Björn Sandström', hsaId: 'SE2321000016-BENCH2', assuranceLevel: 'LoA3' };
const OWNER: PersonSeen = { ...HOLDER, cardNumber: RESERVE_NUMBER };

const signed = (step: string, person: PersonSeen): CeremonyEntry => ({
  ...{ type: 'step.signed', step, person, statement: 'I order a card.', cms: 'MAA=' },
});

/** Until the card is to be had: reserve-card-loa3. */
export function ordered(fields: Readonly<Record<string, string>> = {}): readonly CeremonyEntry[] {
  return [
    { type: 'step.recorded', step: 'order', fields: { ...orderFields(new Date()), ...fields } },
    signed('ordered', ANNA),
    signed('reviewed', BJORN),
    { type: 'step.recorded', step: 'terms', fields: { accepted: 'yes' } },
  ];
}

/** The same: renewal. */
export function renewing(cardNumber = RESERVE_NUMBER): readonly CeremonyEntry[] {
  return [
    { type: 'step.read', step: 'card', person: { ...OWNER, cardNumber }, validDays: 20 },
    { type: 'step.recorded', step: 'terms', fields: { accepted: 'yes' } },
  ];
}

export const receipt: CeremonyEntry = signed('receipt', OWNER);

export const ON_PIV: JobCard = { profile: 'piv', serialNumber: String(SERIAL_NUMBER) };
export const ON_EID: JobCard = { profile: 'eid', serialNumber: RESERVE_NUMBER };

/** For the key of the job. */
export function certificateOfJob(options: IssueOptions = {}): string {
  const pem = issueTo(testKey('P-256').publicKey, 'authentication', { validTo: inDays(20), ...options });
  return new X509Certificate(pem).raw.toString('base64');
}

export function inDays(days: number): Date {
  return new Date(Date.now() + days * 86_400_000);
}

export interface WrittenJob {
  readonly before?: readonly StoredCertificate[];
  readonly replaces?: readonly StoredCertificate[];
  readonly algorithm?: 'P-256' | 'RSA-4096';
}

export type Reached = 'making' | 'generated' | 'waiting' | 'writing' | 'finished' | 'confirming';

/** What a job has come to. */
export function job(card: JobCard, reached: Reached, options: WrittenJob = {}): readonly CeremonyEntry[] {
  const { before = [], replaces = [], algorithm = 'P-256' } = options;
  const keyReference = keyOn(card);
  const begun = {
    type: 'job.begun',
    ...{ card, before: { keys: [], certificates: before }, replaces },
    places: [{ keyReference, usage: 'authentication', algorithm }],
  } as const;
  const steps: readonly (readonly [Reached, readonly JobEntry[]])[] = [
    ['making', [begun]],
    [
      'generated',
      [
        { type: 'key.generating', keyReference },
        { type: 'key.generated', keyReference, publicKey: spkiOf(testKey('P-256').publicKey) },
      ],
    ],
    ['waiting', [{ type: 'key.requested', keyReference, request: 'PKCS #10' }]],
    ['writing', [{ type: 'certificates.accepted', certificates: [{ keyReference, der: certificateOfJob() }] }]],
    [
      'finished',
      [{ type: 'certificate.writing', keyReference }, { type: 'certificate.written', keyReference }, { type: 'job.finished' }],
    ],
    ['confirming', [{ type: 'job.confirming' }]],
  ];
  const last = steps.findIndex(([name]) => name === reached);
  return steps
    .slice(0, last + 1)
    .flatMap(([, entries]) => entries)
    .map((entry) => ({ type: 'step.card', step: 'download', entry, cardNumber: RESERVE_NUMBER }));
}

/** By an authority that was asked; base64 of DER. */
export function issued(card: JobCard, der = certificateOfJob()): CeremonyEntry {
  const entry = { type: 'certificate.issued', keyReference: keyOn(card), der, authority: 'office' } as const;
  return { type: 'step.card', step: 'download', entry, cardNumber: RESERVE_NUMBER };
}

export function keyOn({ profile }: JobCard): string {
  return profile === 'piv' ? '9A' : '45';
}
