/**
 * Keys and certificates onto a card, so that it cannot break half-way: inspect, plan, do, verify. Every change of the card stands in the journal before it is
 * made and after; whoever comes back, after a pull, a reset, a crash or another day, reads the journal, looks at the card, and goes on or back. Going back leads
 * to what stood there before; what becomes of a key on cards that cannot delete one: key-removal.ts. The next job makes its own in that place.
 */
import { X509Certificate } from 'node:crypto';
import { equalBytes } from '../../apdu/bytes.ts';
import { CardDataError } from '../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../apdu/public-key.ts';
import type { Token, TokenContents, TokenManagement } from '../../apdu/token.ts';
import type { CardBefore, JobCard, JobEntry, KeyPlace, StoredCertificate } from './entry.ts';
import { removeKey, type KeyToRemove } from './key-removal.ts';

/** What an authority issued, as the journal has it. */
export type IssuedToJob = Omit<Extract<JobEntry, { type: 'certificate.issued' }>, 'type'>;

/** How far a job has come. */
export interface CardJob {
  readonly card: JobCard;
  readonly before: CardBefore;
  readonly places: readonly KeyPlace[];
  readonly replaces: readonly StoredCertificate[];
  /** Public halves of the keys that are made, by key reference. */
  readonly generated: ReadonlyMap<string, Uint8Array>;
  /** PKCS #10, PEM. */
  readonly requests: ReadonlyMap<string, string>;
  /**
   * Keys for which an authority was asked, and may have issued or may issue yet what is not here, by key reference. `asking`: nothing is known of its answer. `waits`: it is
   * to be asked again.
   */
  readonly asked: ReadonlyMap<string, 'asking' | 'waits'>;
  /** By an authority that kortd asked. */
  readonly issued: readonly IssuedToJob[];
  /** Checked, to be written; empty until the caller brought them. */
  readonly accepted: readonly StoredCertificate[];
  readonly written: ReadonlySet<string>;
  readonly phase: JobPhase;
  /** Why it goes back. */
  readonly reason?: string;
  readonly isWritingConfirmed: boolean;
  /** Something was begun that changes the card. */
  readonly hasTouched: boolean;
  /** Keys whose making was begun: what stood in their places before is gone, or may be. */
  readonly begunKeys: ReadonlySet<string>;
  /** A key was removed on the way back. */
  readonly removedKeys: ReadonlySet<string>;
  /** Of those, where the card could not delete it: another one that nobody knows is in its place, or is about to be. */
  readonly discardedKeys: ReadonlySet<string>;
}

/**
 * `making`: keys and requests. `waiting`: for the certificates. `writing`: them. `finished`: all stand on the card, and it can still go back.
 * `confirmed`, `undone` and `abandoned` (the card is lost) are ends.
 */
export type JobPhase =
  'making' | 'waiting' | 'writing' | 'finished' | 'confirming' | 'confirmed' | 'undoing' | 'undone' | 'abandoned';

/** Undefined before the first entry. */
export function foldJob(entries: Iterable<JobEntry>): CardJob | undefined {
  let job: CardJob | undefined;
  for (const entry of entries) job = job ? applyToJob(job, entry) : begin(entry);
  return job;
}

function begin(entry: JobEntry): CardJob | undefined {
  if (entry.type !== 'job.begun') return undefined;
  const { card, before, places, replaces } = entry;
  const none = {
    generated: new Map(),
    requests: new Map(),
    asked: new Map(),
    issued: [],
    accepted: [],
    written: new Set<string>(),
    begunKeys: new Set<string>(),
    removedKeys: new Set<string>(),
    discardedKeys: new Set<string>(),
    isWritingConfirmed: false,
    hasTouched: false,
  };
  return { card, before, places, replaces, ...none, phase: 'making' };
}

/** Neither confirmed nor undone: it can still change the card. */
export function isOver({ phase }: CardJob): boolean {
  return phase === 'confirmed' || phase === 'undone' || phase === 'abandoned';
}

/** Of intentions only that there were any: what became of them, the card tells. */
export function applyToJob(job: CardJob, entry: JobEntry): CardJob {
  switch (entry.type) {
    case 'key.generated':
      return { ...job, generated: new Map([...job.generated, [entry.keyReference, decode(entry.publicKey)]]) };
    case 'key.requested': {
      const requests = new Map([...job.requests, [entry.keyReference, entry.request]]);
      return { ...job, requests, phase: requests.size === job.places.length ? 'waiting' : 'making' };
    }
    case 'certificate.asking':
      return { ...job, asked: new Map([...job.asked, [entry.keyReference, 'asking']]) };
    case 'certificate.answered': {
      const others = withoutQuestion(job.asked, entry.keyReference);
      return { ...job, asked: entry.answer === 'waits' ? new Map([...others, [entry.keyReference, 'waits']]) : others };
    }
    case 'certificate.issued':
      return { ...job, asked: withoutQuestion(job.asked, entry.keyReference), issued: [...job.issued, entry] };
    case 'certificate.confirmed':
      return { ...job, issued: job.issued.map((one) => (one.keyReference === entry.keyReference ? confirmed(one) : one)) };
    case 'certificates.refused':
      return { ...job, issued: entry.keyReference === undefined ? [] : withoutKey(job.issued, entry.keyReference) };
    case 'certificates.accepted':
      return { ...job, accepted: entry.certificates, phase: 'writing' };
    case 'certificate.written':
      return { ...job, written: new Set([...job.written, entry.keyReference]) };
    case 'job.finished':
      return { ...job, phase: 'finished' };
    case 'job.undoing':
      return { ...job, phase: 'undoing', reason: entry.reason };
    case 'key.discarding':
      return { ...job, hasTouched: true, discardedKeys: new Set([...job.discardedKeys, entry.keyReference]) };
    case 'key.discarded':
    case 'key.removed':
      return { ...job, removedKeys: new Set([...job.removedKeys, entry.keyReference]) };
    case 'writing.confirmed':
      return { ...job, isWritingConfirmed: true };
    case 'job.undone':
      return { ...job, phase: 'undone' };
    case 'job.abandoned':
      return { ...job, phase: 'abandoned', reason: entry.reason };
    case 'job.confirming':
      return { ...job, phase: 'confirming' };
    case 'job.confirmed':
      return { ...job, phase: 'confirmed' };
    case 'key.generating':
      return { ...job, hasTouched: true, begunKeys: new Set([...job.begunKeys, entry.keyReference]) };
    case 'certificate.writing':
    case 'certificate.removing':
    case 'key.removing':
      return { ...job, hasTouched: true };
    case 'job.begun':
    case 'certificate.removed':
      return job;
  }
}

function withoutQuestion(asked: CardJob['asked'], keyReference: string): CardJob['asked'] {
  return new Map([...asked].filter(([key]) => key !== keyReference));
}

function withoutKey(issued: readonly IssuedToJob[], keyReference: string): readonly IssuedToJob[] {
  return issued.filter((one) => one.keyReference !== keyReference);
}

function confirmed({ unconfirmed: _, ...issued }: IssuedToJob): IssuedToJob {
  return issued;
}

/** By this entry the job goes on without the answer of an authority, which may have issued or may issue a certificate that never comes here. */
export function losesCertificate({ asked }: CardJob, entry: JobEntry): boolean {
  if (entry.type === 'certificate.asking') return asked.get(entry.keyReference) === 'asking';
  return asked.size > 0 && ['certificates.accepted', 'job.undoing', 'job.abandoned'].includes(entry.type);
}

/** An authority issued all that the card waits for, and knows that it is taken. */
export function isAllIssued({ phase, places, issued }: CardJob): boolean {
  const isIssued = (keyReference: string): boolean =>
    issued.some((one) => one.keyReference === keyReference && one.unconfirmed === undefined);
  return phase === 'waiting' && places.every(({ keyReference }) => isIssued(keyReference));
}

/** The card in one transaction, and what lets it be changed. */
export interface CardAtWork {
  readonly token: Token;
  readonly management: TokenManagement;
  /** Gets the right to change this key, or its certificates; a person may be asked. */
  authorize(keyReference: string, what: 'key' | 'certificate'): Promise<void>;
  /** The PKCS #10 request for a key that was made, signed by it, PEM. */
  request(place: KeyPlace, publicKey: Uint8Array): Promise<string>;
  /** The holder of the signature key gives its PIN, and the key signs something. */
  confirmWriting(): Promise<void>;
  /** Writes to the journal: on the disk when it returns. */
  note(entry: JobEntry): void;
}

/** What the card holds, before anything is done: its state to go back to. */
export function stateOf({ keys, certificates }: TokenContents): CardBefore {
  return {
    keys: keys.map(({ keyReference, publicKey }) => ({ keyReference, ...(publicKey ? { publicKey: encode(publicKey) } : {}) })),
    certificates: certificates.map(({ keyReference, der }) => ({ keyReference, der: encode(der) })),
  };
}

/**
 * Makes the keys that are not made, and requests their certificates, one after the other. A place whose making broke off is made anew: nothing was requested
 * for the key that may be there.
 */
export async function makeKeys(job: CardJob, work: CardAtWork): Promise<void> {
  for (const place of job.places) {
    const { keyReference } = place;
    if (job.requests.has(keyReference)) continue;
    const publicKey = job.generated.get(keyReference) ?? (await makeKey(place, work));
    work.note({ type: 'key.requested', keyReference, request: await work.request(place, publicKey) });
  }
}

async function makeKey({ keyReference, algorithm }: KeyPlace, work: CardAtWork): Promise<Uint8Array> {
  await work.authorize(keyReference, 'key');
  work.note({ type: 'key.generating', keyReference });
  const publicKey = await work.management.generateKey({ keyReference, algorithm });
  work.note({ type: 'key.generated', keyReference, publicKey: encode(publicKey) });
  return publicKey;
}

/** Of the keys that the job made, those in whose place the card now tells of another one. */
export async function replacedKeys(job: CardJob, token: Token): Promise<readonly string[]> {
  const replaced: string[] = [];
  for (const [keyReference, publicKey] of job.generated) {
    const told = (await token.key(keyReference))?.publicKey;
    if (told && !equalBytes(told, publicKey)) replaced.push(keyReference);
  }
  return replaced;
}

export interface WriteOptions {
  /** The signature PIN is wanted once more before the first is written. */
  readonly confirms: boolean;
}

/**
 * Writes the accepted certificates, reads them back, and finishes. One that stands there already, from a run that broke off, is left as it is. Resolves with what
 * the card holds then.
 */
export async function writeCertificates(job: CardJob, work: CardAtWork, { confirms }: WriteOptions): Promise<TokenContents> {
  if (confirms && !job.isWritingConfirmed) {
    await work.confirmWriting();
    work.note({ type: 'writing.confirmed' });
  }
  const standing = (await work.token.contents('certificates')).certificates;
  for (const { keyReference, der } of job.accepted) {
    const bytes = decode(der);
    if (!holds(standing, keyReference, bytes)) {
      await work.authorize(keyReference, 'certificate');
      work.note({ type: 'certificate.writing', keyReference });
      await work.management.writeCertificate(keyReference, bytes);
    }
    if (!job.written.has(keyReference)) work.note({ type: 'certificate.written', keyReference });
  }
  const contents = await work.token.contents('certificates');
  const missing = job.accepted.find(({ keyReference, der }) => !holds(contents.certificates, keyReference, decode(der)));
  if (missing) throw new CardDataError(`writing the certificates: the card does not give the one of ${missing.keyReference}`);
  work.note({ type: 'job.finished' });
  return contents;
}

/** Takes off the card what the job put there, and puts back what it took off. Safe to begin again at any point. */
export async function undo(job: CardJob, work: CardAtWork): Promise<void> {
  const { certificates } = await work.token.contents('certificates');
  for (const { keyReference } of job.places) {
    const of = (stored: readonly StoredCertificate[]): readonly Uint8Array[] =>
      stored.filter((certificate) => certificate.keyReference === keyReference).map(({ der }) => decode(der));
    const earlier = of(job.before.certificates);
    const told = await toldKey(job, work, keyReference);
    const isForeign = told === 'foreign';
    // In the place of a key that another program made, only what the job wrote is taken away.
    const keeps = (der: Uint8Array): boolean =>
      [...earlier, ...(isForeign ? [der] : [])].some((bytes) => equalBytes(bytes, der)) &&
      !of(job.accepted).some((bytes) => equalBytes(bytes, der));
    for (const { der } of certificates.filter((certificate) => certificate.keyReference === keyReference))
      if (!keeps(der)) await removeCertificate(work, keyReference, der);
    for (const der of earlier) if (!holds(certificates, keyReference, der)) await restoreCertificate(work, keyReference, der);
    if (told === 'ours' && !job.removedKeys.has(keyReference)) await removeKey(work, keyOfPlace(job, keyReference));
  }
  work.note({ type: 'job.undone' });
}

/** After this there is no way back: the certificates that were replaced go, and each key that has no other certificate. */
export async function confirm(job: CardJob, work: CardAtWork): Promise<void> {
  if (job.replaces.length > 0) {
    const { certificates } = await work.token.contents('certificates');
    const replaced = job.replaces.map(({ keyReference, der }) => ({ keyReference, der: decode(der) }));
    for (const { keyReference, der } of job.replaces) {
      const bytes = decode(der);
      if (holds(certificates, keyReference, bytes)) await removeCertificate(work, keyReference, bytes);
      const isNeeded = certificates.some((one) => one.keyReference === keyReference && !holds(replaced, keyReference, one.der));
      // The PIN of one that is done is not asked for again, when the next one wants another.
      if (!isNeeded && !job.removedKeys.has(keyReference)) await removeKey(work, replacedKey(job, keyReference, bytes));
    }
  }
  work.note({ type: 'job.confirmed' });
}

async function removeCertificate(work: CardAtWork, keyReference: string, der: Uint8Array): Promise<void> {
  await work.authorize(keyReference, 'certificate');
  work.note({ type: 'certificate.removing', keyReference, der: encode(der) });
  await work.management.deleteCertificate(keyReference, der);
  work.note({ type: 'certificate.removed', keyReference, der: encode(der) });
}

async function restoreCertificate(work: CardAtWork, keyReference: string, der: Uint8Array): Promise<void> {
  await work.authorize(keyReference, 'certificate');
  work.note({ type: 'certificate.writing', keyReference });
  await work.management.writeCertificate(keyReference, der);
  work.note({ type: 'certificate.written', keyReference });
}

/**
 * Whose key is in a place of the job. `before`: the one that stood there before, or whatever did when nothing was made. `foreign`: another program's, made after the
 * job's own. `ours`: what the job made or had begun to make, as far as the card tells.
 */
async function toldKey(job: CardJob, { token }: CardAtWork, keyReference: string): Promise<'before' | 'foreign' | 'ours'> {
  if (!job.begunKeys.has(keyReference)) return 'before';
  const told = (await token.key(keyReference))?.publicKey;
  const before = job.before.keys.find((key) => key.keyReference === keyReference)?.publicKey;
  if (told && before !== undefined && equalBytes(told, decode(before))) return 'before';
  // What took the place of ours is not known, and is not another program's.
  if (job.discardedKeys.has(keyReference)) return 'ours';
  const made = job.generated.get(keyReference);
  return told && made && !equalBytes(told, made) ? 'foreign' : 'ours';
}

/** One for which no certificate was requested is of no use to anybody. */
function keyOfPlace(job: CardJob, keyReference: string): KeyToRemove {
  const place = job.places.find((one) => one.keyReference === keyReference);
  const publicKey = job.generated.get(keyReference);
  const isKnown = place && publicKey && job.requests.has(keyReference);
  const isBegun = job.discardedKeys.has(keyReference);
  return { keyReference, isBegun, ...(isKnown ? { known: { algorithm: place.algorithm, publicKey } } : {}) };
}

function replacedKey(job: CardJob, keyReference: string, der: Uint8Array): KeyToRemove {
  const { publicKey } = new X509Certificate(der);
  const algorithm = keyAlgorithmOf(publicKey);
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const isBegun = job.discardedKeys.has(keyReference);
  return { keyReference, isBegun, ...(algorithm ? { known: { algorithm, publicKey: spki } } : {}) };
}

function holds(
  certificates: readonly { readonly keyReference: string; readonly der: Uint8Array }[],
  keyReference: string,
  der: Uint8Array,
): boolean {
  return certificates.some((certificate) => certificate.keyReference === keyReference && equalBytes(certificate.der, der));
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function decode(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
