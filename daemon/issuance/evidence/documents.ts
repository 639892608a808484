/** What a ceremony leaves behind, as files: statements with their signatures, what was recorded and checked, certificates, messages, the journal. Pure. */
import { X509Certificate } from 'node:crypto';
import { encodeRecord } from '../../audit/export.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { CardJob } from '../card-job.ts';
import type { Ceremony, StepDone } from '../ceremony.ts';
import { CHAIN_START, type JournalEntry } from '../entry-chain.ts';
import type { Proof } from '../entry.ts';
import type { RoutineStep } from '../routine.ts';
import { ATTACHMENT_FOLDER, AUDIT_FILE, JOURNAL_FILE, statementCms, statementText, type JournalLine } from './contents.ts';
import type { ListedFile } from './manifest.ts';

/** A picture, a drawn signature, the scan of a receipt. */
export interface Attachment {
  /** ASCII letters, digits, `.`, `-`, `_`. */
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface CeremonyRecord {
  readonly ceremony: Ceremony;
  readonly entries: readonly JournalEntry[];
  /** Records of the audit log that belong to it. */
  readonly audit: readonly AuditRecord[];
  readonly attachments?: readonly Attachment[];
}

const TEXT = 'text/plain;charset=utf-8';
const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';
const SIGNED = 'application/pkcs7-mime';
/** RFC 8551, section 3.2.1. */
const DETACHED = 'application/pkcs7-signature';
const CERTIFICATE = 'application/pkix-cert';

/** Everything but the summary. In the order of the routine. */
export function documentsOf({ ceremony, entries, audit, attachments = [] }: CeremonyRecord): readonly ListedFile[] {
  return [
    ...ceremony.routine.steps.flatMap((step) => filesOfStep(ceremony, step, entries)),
    textFile(
      JOURNAL_FILE,
      LINES,
      linesOf(ceremony.id, entries)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    ),
    textFile(AUDIT_FILE, LINES, audit.map(encodeRecord).join('')),
    ...attachments.map(({ name, mediaType, content }) => ({ name: `${ATTACHMENT_FOLDER}/${name}`, mediaType, content })),
  ];
}

export function textFile(name: string, mediaType: string, text: string): ListedFile {
  return { name, mediaType, content: Buffer.from(text) };
}

export function jsonFile(name: string, value: object): ListedFile {
  return textFile(name, JSON_TYPE, `${JSON.stringify(value, undefined, 2)}\n`);
}

function filesOfStep(ceremony: Ceremony, step: RoutineStep, entries: readonly JournalEntry[]): readonly ListedFile[] {
  const done = ceremony.done.get(step.id);
  const job = ceremony.jobs.get(step.id);
  return [...(done ? filesOfDone(step, done) : []), ...(job ? filesOfJob(step.id, job, entries) : [])];
}

function filesOfDone(
  step: RoutineStep,
  { time, facts, person, statement, cms, messages, proofs = [] }: StepDone,
): readonly ListedFile[] {
  const { id, title } = step;
  if (statement !== undefined && cms !== undefined)
    return [
      textFile(statementText(id), TEXT, statement),
      { name: statementCms(id), mediaType: SIGNED, content: Buffer.from(cms, 'base64') },
      jsonFile(`statements/${id}.json`, { step: id, title, time, signer: person }),
    ];
  if (messages) return [jsonFile(`messages/${id}.json`, { step: id, title, time, messages })];
  if (step.kind === 'enrol') return [];
  const titles =
    step.kind === 'record'
      ? Object.fromEntries(Object.entries(step.fields).map(([name, field]) => [name, field.title]))
      : undefined;
  return [
    jsonFile(`recorded/${id}.json`, { step: id, title, time, ...(person ? { person } : { fields: facts, titles }) }),
    ...proofs.flatMap((proof) => filesOfProof(id, proof)),
  ];
}

/** As it was made, so that its SHA-256 and its seal are good. */
function filesOfProof(step: string, { field, statement, seal, document }: Proof): readonly ListedFile[] {
  const name = `recorded/${step}-${field}`;
  return [
    textFile(`${name}.json`, JSON_TYPE, statement),
    ...(seal === undefined ? [] : [{ name: `${name}.p7s`, mediaType: DETACHED, content: Buffer.from(seal, 'base64') }]),
    ...(document === undefined ? [] : [textFile(`${name}.txt`, TEXT, document)]),
  ];
}

/** The certificates that a job put onto its card, and where they are in the container. */
export function certificatesOf(
  step: string,
  job: CardJob,
): readonly { readonly file: string; readonly certificate: X509Certificate }[] {
  return job.accepted.map(({ keyReference, der }, index) => {
    const usage = job.places.find((place) => place.keyReference === keyReference)?.usage ?? 'other';
    return { file: `cards/${step}/${index + 1}-${usage}.cer`, certificate: new X509Certificate(Buffer.from(der, 'base64')) };
  });
}

function filesOfJob(step: string, job: CardJob, entries: readonly JournalEntry[]): readonly ListedFile[] {
  const taken = entries.flatMap(({ number, time, entry }) =>
    entry.type === 'step.card' && entry.step === step ? [{ number, time, ...entry.entry }] : [],
  );
  const { card, phase } = job;
  return [
    jsonFile(`cards/${step}/job.json`, { step, card, phase, entries: taken }),
    ...certificatesOf(step, job).map(({ file, certificate }) => ({
      name: file,
      mediaType: CERTIFICATE,
      content: new Uint8Array(certificate.raw),
    })),
  ];
}

export function linesOf(ceremony: string, entries: readonly JournalEntry[]): readonly JournalLine[] {
  return entries.map(({ number, time, entry, hash }, index) => ({
    ...{ ceremony, number, time, body: JSON.stringify(entry) },
    ...{ previous: entries[index - 1]?.hash ?? CHAIN_START, hash },
  }));
}
