/** A card job in one transaction: the PINs it wants, the requests it signs, and its entries in the journal. */
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import type { KeyAlgorithm, PinReference, Token } from '../../../apdu/token.ts';
import { keyOf, managementOf, withGenerated, type CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import {
  confirm,
  makeKeys,
  replacedKeys,
  undo,
  writeCertificates,
  type CardAtWork,
  type CardJob,
} from '../../issuance/card-job.ts';
import { subjectOf } from '../../issuance/order.ts';
import { valueAt, type Ceremony } from '../../issuance/ceremony.ts';
import type { JobEntry, KeyPlace } from '../../issuance/entry.ts';
import type { JobStep } from '../../issuance/routine.ts';
import { createCertificateRequest, preferredAlgorithm } from '../../signing/certificate-request.ts';
import { verifyOptions } from '../../signing/verify-options.ts';
import type { Call } from '../call.ts';
import { verifyFor, type CardParams, type HandlerContext } from './context.ts';
import { authorize, beginChange } from './management.ts';

/** The one PIN that a call may ask for: what a person types for one is sent to no other. The caller may say which it is. Lives as long as the call. */
export interface PinOfCall {
  reference?: PinReference;
  /** It was verified in this transaction, and nothing was done since that a card may want it anew for. */
  isFresh?: boolean;
  /** The management key was proven in this transaction. */
  isManaging?: boolean;
  /** The call goes on with what an earlier one began, and so may come twice: a PIN that it brings says which one it is. */
  readonly isRepeatable?: boolean;
}

export interface JobRun {
  readonly context: HandlerContext;
  readonly session: CardSession;
  readonly token: Token;
  readonly params: CardParams;
  readonly call: Call;
  readonly pin: PinOfCall;
  readonly ceremonyId: string;
  readonly step: JobStep;
}

/** Another PIN is wanted than the one that the call asks for: it is the next call's. */
class NextPinError extends Error {
  override readonly name = 'NextPinError';
}

/** As far as the call's PIN allows. What was done stands in the journal. Throws card_other. */
export async function runJob(run: JobRun): Promise<void> {
  const { session, token, context } = run;
  requireJobCard(run);
  await turnBackIfReplaced(run, token);
  const work = cardAtWork(run, token);
  try {
    await takePart(jobOf(run), work, run);
  } catch (error) {
    if (!(error instanceof NextPinError)) throw error;
  } finally {
    context.desk.announce(session.card);
  }
}

/** What is known of the card afterwards is what was read of it, or nothing. */
async function takePart(job: CardJob, work: CardAtWork, run: JobRun): Promise<void> {
  const { step, session } = run;
  session.forget();
  const { contents } = session.card;
  session.card.contents = undefined;
  switch (job.phase) {
    case 'making':
      // Keys without certificates: of the rest of the card, everything is as it was.
      session.card.contents = contents;
      await makeKeys(job, work).finally(() => noteMade(run));
      return;
    case 'writing':
      await session.remember(
        await writeCertificates(job, work, { confirms: step.kind === 'enrol' && step.confirmsWriting === true }),
      );
      return;
    case 'undoing':
      await undo(job, work).finally(() => (session.card.contents = undefined));
      return;
    case 'confirming':
      await confirm(job, work).finally(() => (session.card.contents = undefined));
      return;
    case 'waiting':
    case 'finished':
    case 'confirmed':
    case 'undone':
    case 'abandoned':
      session.card.contents = contents;
      return;
  }
}

/** Keys that were made, on cards that do not tell of them. */
function noteMade(run: JobRun): void {
  const { card } = run.session;
  const { places, generated } = jobOf(run);
  for (const { keyReference, algorithm } of places) {
    const publicKey = generated.get(keyReference);
    if (publicKey) card.generated.set(keyReference, { algorithm, publicKey });
  }
  if (card.contents) card.contents = withGenerated(card, card.contents);
}

function ceremonyOf({ context, ceremonyId }: JobRun): Ceremony {
  return context.issuance.get(ceremonyId);
}

function jobOf(run: JobRun): CardJob {
  const job = ceremonyOf(run).jobs.get(run.step.id);
  if (!job) throw new Error(`working on ${run.ceremonyId}: the job of ${run.step.id} was not begun`);
  return job;
}

/** By its serial number, whatever reader it is in. */
function requireJobCard(run: JobRun): void {
  const { kind, serialNumber } = run.session.card;
  const { card } = jobOf(run);
  if (kind?.id === card.profile && serialNumber === card.serialNumber) return;
  throw new ApiError('card_other', `working on ${run.ceremonyId}: card ${serialNumber ?? 'without a number'} is another one`, {
    expected: card.serialNumber,
  });
}

/**
 * A key that another program has put in the place of ours is not certified: what was begun is taken back. Looked at before a request is signed by a key that an
 * earlier call made, and before certificates are written.
 */
async function turnBackIfReplaced(run: JobRun, token: Token): Promise<void> {
  const job = jobOf(run);
  const isUnrequested = [...job.generated.keys()].some((keyReference) => !job.requests.has(keyReference));
  if (job.phase !== 'writing' && !(job.phase === 'making' && isUnrequested)) return;
  if ((await replacedKeys(job, token)).length === 0) return;
  note(run, { type: 'job.undoing', reason: 'key_replaced' });
}

function note({ context, ceremonyId, step }: JobRun, entry: JobEntry): void {
  context.issuance.noteJob(context.issuance.get(ceremonyId), step, entry);
}

function cardAtWork(run: JobRun, token: Token): CardAtWork {
  const { context, session, call } = run;
  const { pinReference, ...params } = run.params;
  const management = managementOf(token);
  return {
    token,
    management,
    note: (entry) => note(run, entry),
    authorize: async (keyReference, what) => {
      const change = await beginChange({ context, session, token, call, what, params: { ...params, keyReference } });
      await claimPin(run, token, change.pin);
      if (change.pin === undefined ? run.pin.isManaging : run.pin.isFresh && !management.managementKey) return;
      await authorize(change);
      if (change.pin === undefined) run.pin.isManaging = true;
      else run.pin.isFresh = true;
    },
    request: (place, publicKey) => requestFor(run, token, place, publicKey),
    confirmWriting: () => confirmWriting(run, token),
  };
}

/** Throws NextPinError when the call asks for another one; ObjectNotFoundError when the card has none of the name that the caller gave; invalid_params. */
async function claimPin(run: JobRun, token: Token, reference: PinReference | undefined): Promise<void> {
  const { pin, params } = run;
  if (reference === undefined) return;
  if (pin.reference !== undefined && pin.reference !== reference) {
    if (params.pinReference !== undefined) await token.pin(pin.reference);
    throw new NextPinError(`${reference} is wanted next`);
  }
  if (pin.reference === undefined) await requireNamed(run, token, reference);
  pin.reference = reference;
}

/** Sent again with the same PIN, such a call would spend a try of the next one. Nothing was sent to the card then. */
async function requireNamed({ pin, call, ceremonyId }: JobRun, token: Token, reference: PinReference): Promise<void> {
  if (!pin.isRepeatable || !call.secret('pin')) return;
  const several = (await token.pins()).filter(({ kind }) => kind === 'pin').length > 1;
  if (!several) return;
  const problem = `pinReference is missing: the card has several PINs, and ${reference} is wanted next`;
  throw new ApiError('invalid_params', `working on ${ceremonyId}: ${problem}`, { problem });
}

async function requestFor(run: JobRun, token: Token, place: KeyPlace, publicKey: Uint8Array): Promise<string> {
  const { step } = run;
  if (step.kind !== 'enrol') throw new Error(`requesting a certificate for ${run.ceremonyId}: ${step.id} makes no keys`);
  const ceremony = ceremonyOf(run);
  const { keyReference, algorithm: kind, usage } = place;
  const cardNumber = valueAt(ceremony, step.cardNumber);
  const key = { algorithm: kind, publicKey };
  const algorithm = preferredAlgorithm(kind);
  const { request } = await createCertificateRequest(
    {
      subject: subjectOf(ceremony, step),
      key,
      algorithm,
      extensions: {
        keyUsage: usage === 'signature' ? 'signature' : 'authentication',
        ...(cardNumber === undefined ? {} : { cardNumber }),
      },
    },
    (digest) => signWith(run, token, keyReference, kind, digest),
  );
  return request;
}

async function signWith(
  run: JobRun,
  token: Token,
  keyReference: string,
  kind: KeyAlgorithm,
  digest: Uint8Array,
): Promise<Uint8Array> {
  const { context, session, params, call } = run;
  const key = await keyOf(session, token, keyReference);
  if (key.pinPolicy !== 'never') await claimPin(run, token, key.pin);
  if (key.pinPolicy !== 'once' || !run.pin.isFresh) await verifyFor(context, session, token, key, params, call);
  run.pin.isFresh = key.pinPolicy === 'once';
  return await token.sign({ ...key, algorithm: kind }, preferredAlgorithm(kind), digest);
}

/** By a signature with the new signature key: a PIN alone proves that somebody knows it, not that the key is the one. */
async function confirmWriting(run: JobRun, token: Token): Promise<void> {
  const { places, generated } = jobOf(run);
  const place = places.find(({ usage }) => usage === 'signature') ?? places[0];
  const publicKey = place && generated.get(place.keyReference);
  if (!publicKey) return;
  const message = randomBytes(32);
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const { hash, ...options } = verifyOptions(preferredAlgorithm(place.algorithm), key);
  const digest = createHash(hash).update(message).digest();
  const signature = await signWith(run, token, place.keyReference, place.algorithm, digest);
  if (verify(hash, message, options, signature)) return;
  throw new ApiError('public_key_mismatch', `confirming the writing for ${run.ceremonyId}: the card signed with another key`);
}
