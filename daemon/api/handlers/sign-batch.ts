/**
 * sign.batch: one list, seen once, one PIN entry; every signature verified before any is given out. One transaction, unless others wait for the card: then they have
 * their turns in between, and the PIN of the one entry is verified anew. One that was typed on the keypad is not there for that: they wait.
 */
import { X509Certificate } from 'node:crypto';
import { CardDataError } from '../../../apdu/errors.ts';
import type { SigningKey, Token, TokenKey } from '../../../apdu/token.ts';
import { contentsOf, type CardSession } from '../../desk/card-session.ts';
import type { CardRecord } from '../../desk/records.ts';
import { DeviceRemovedError } from '../../../drivers/errors.ts';
import { ApiError } from '../../errors.ts';
import { requireLook } from '../../pin/entry.ts';
import type { Params, Result } from '../../../api-spec/methods/index.ts';
import { Batch } from '../../signing/batch.ts';
import { createDigestVerifier, type DigestVerifier } from '../../../apdu/digest-verifier.ts';
import { signAll } from '../../signing/sign-all.ts';
import type { Call, CallSubject, PublicParams } from '../call.ts';
import { pinCaller, verifyFor, withCard, type HandlerContext, type Shown } from './context.ts';
import { forgetMissingKey, keyForSigning } from './signing-key.ts';

type BatchParams = PublicParams<'sign.batch'>;
type SignedDocument = Result<'sign.batch'>['signatures'][number];

/** Between two events of one batch. */
const PROGRESS_MS = 200;

export async function signBatch(context: HandlerContext, params: BatchParams, call: Call): Promise<Result<'sign.batch'>> {
  const batch = new Batch(params.algorithm, params.documents);
  const work: BatchWork = { context, params, call, batch, signatures: [] };
  let subject: CallSubject | undefined;
  for (;;) {
    const isLater = work.signatures.length > 0;
    const options = isLater ? { isSame: true, waitsForLease: params.lease === undefined } : {};
    const key = await withCard(context, params, call, options, async (session) => {
      subject ??= call.subject;
      call.subject = subjectOf(batch, subject);
      return await batch.run((note) => signPart(work, session, note));
    });
    if (work.signatures.length === batch.documents.length) return resultOf(work, key);
  }
}

interface BatchWork {
  readonly context: HandlerContext;
  readonly params: BatchParams;
  readonly call: Call;
  readonly batch: Batch;
  /** Made so far. */
  readonly signatures: Uint8Array[];
  /** That made them. */
  card?: CardRecord;
  onSigned?: (made: number) => void;
}

/** What one turn lets it make, at least one. The key that makes them. */
async function signPart(work: BatchWork, session: CardSession, note: (made: number) => void): Promise<TokenKey> {
  const { context, params, call, batch, signatures } = work;
  work.card ??= session.card;
  if (session.card !== work.card)
    throw new DeviceRemovedError('signing the documents: another card has taken the place of theirs');
  const token = await session.token();
  const { key } = await keyForSigning(session, token, params.keyReference, call, () => params.algorithm);
  const verifier = await verifierOf(session, token, key, params);
  const beforeEach = await enterPin(context, session, token, { key, batch, params, call });
  work.onSigned ??= progressOf(context, session, batch, note);
  const { onSigned } = work;
  const done = signatures.length;
  const { queue } = session.card.reader;
  const canGiveWay = key.pinPolicy === 'never' || call.secret('pin') !== undefined;
  const job = {
    token,
    key,
    algorithm: params.algorithm,
    digests: batch.documents.slice(done).map(({ digest }) => digest),
    verifier,
    signal: AbortSignal.any([call.signal, session.card.removal.signal]),
    beforeEach,
    isWanted: () => canGiveWay && queue.isWanted,
    onSigned: (count: number) => onSigned(done + count),
  };
  const made = await signAll(job).catch((error: unknown) => {
    forgetMissingKey(session, error);
    // Or the key is another than was remembered.
    if (error instanceof CardDataError) session.card.contents = undefined;
    throw error;
  });
  signatures.push(...made);
  return key;
}

function resultOf({ params, batch, signatures }: BatchWork, { keyReference }: TokenKey): Result<'sign.batch'> {
  return {
    signatures: params.documents.map((document, index) => withSignature(document, signatures[index])),
    manifest: { hash: 'SHA-256', value: batch.manifest },
    algorithm: params.algorithm,
    keyReference,
  };
}

/** The record of the act is written when it is over, or given up: it says how many were made by then. */
function subjectOf(batch: Batch, { card, purpose }: CallSubject = {}): CallSubject {
  return {
    ...(card ? { card } : {}),
    get purpose() {
      return purpose === undefined ? batch.summary : `${batch.summary}, for: ${purpose}`;
    },
  };
}

/** By the key itself, or its certificate. Throws public_key_unknown: nothing would be given out that was not verified. */
async function verifierOf(
  session: CardSession,
  token: Token,
  key: TokenKey & SigningKey,
  { algorithm }: Pick<Params<'sign.batch'>, 'algorithm'>,
): Promise<DigestVerifier> {
  const publicKey = key.publicKey ?? (await publicKeyFromCertificate(session, token, key));
  const verifier = publicKey && createDigestVerifier(publicKey, algorithm);
  if (verifier) return verifier;
  throw new ApiError('public_key_unknown', `signing with key ${key.keyReference}: the card does not tell its public key`);
}

async function publicKeyFromCertificate(
  session: CardSession,
  token: Token,
  { keyReference }: TokenKey,
): Promise<Uint8Array | undefined> {
  const { certificates } = await contentsOf(session, token);
  const certificate = certificates.find((one) => one.keyReference === keyReference);
  if (!certificate) return undefined;
  try {
    return new X509Certificate(certificate.der).publicKey.export({ type: 'spki', format: 'der' });
  } catch {
    return undefined; // what the card holds need not parse
  }
}

interface Entry {
  readonly key: TokenKey & SigningKey;
  readonly batch: Batch;
  readonly params: BatchParams;
  readonly call: Call;
}

/** Resolves when the card may sign; with what must be done before each further signature, for a key that wants its PIN each time. */
async function enterPin(
  context: HandlerContext,
  session: CardSession,
  token: Token,
  { key, batch, params, call }: Entry,
): Promise<(() => Promise<void>) | undefined> {
  const shown: Shown = { documents: { names: batch.documents.map(({ name }) => name), checksum: batch.checksum } };
  const isEachTime = key.pinPolicy === 'always' && batch.documents.length > 1;
  if (isEachTime && session.hasKeypad && !call.secret('pin'))
    throw new ApiError(
      'pin_each_time',
      `signing with key ${key.keyReference}: it wants its PIN for each signature, on the keypad`,
    );
  if (key.pinPolicy === 'never')
    requireLook(session, pinCaller(context, session, params, call, shown), { reference: key.pin, keypadFollows: false });
  const verifyPin = (): Promise<void> => verifyFor(context, session, token, key, params, call, shown);
  await verifyPin();
  return isEachTime ? verifyPin : undefined;
}

function progressOf(
  { events }: HandlerContext,
  { card }: CardSession,
  { documents }: Batch,
  note: (made: number) => void,
): (made: number) => void {
  let last = -Infinity;
  const tell = (done: number): void => {
    note(done);
    const isOver = done === documents.length;
    if (!isOver && performance.now() - last < PROGRESS_MS) return;
    last = isOver ? Infinity : performance.now();
    events.publish('sign.progress', { card: card.id, reader: card.reader.id, done, total: documents.length });
  };
  tell(0);
  return tell;
}

function withSignature({ name, digest }: BatchParams['documents'][number], signature: Uint8Array | undefined): SignedDocument {
  return { name, digest, signature: Buffer.from(signature ?? []).toString('base64') };
}
