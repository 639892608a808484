/** Has a token sign a list of digests, in their order, and verifies each signature. Nothing comes out unless all of them are right. */
import { setImmediate as turn } from 'node:timers/promises';
import { CardDataError } from '../../apdu/errors.ts';
import type { SignatureAlgorithm, SigningKey, Token } from '../../apdu/token.ts';
import type { DigestVerifier } from '../../apdu/digest-verifier.ts';

/**
 * Digests handed at once to a token that takes several: while it makes the next ones, those before are verified. As many as it makes in a while, so that a list can
 * be cancelled soon on a slow card, and a fast one is seldom idle between two chunks; and half of what is left, as nothing hides the verification of the last.
 */
const FIRST_CHUNK = 16;
const LEAST_HALF = 32;
const CHUNK_MS = 200;
/** With one more caller who takes a turn between, nobody waits for more than five signatures. */
export const TURN_SIGNATURES = 3;
/** Verification keeps the event loop no longer than this at a time. */
const MAX_TURN_MS = 5;

export interface SigningJob {
  readonly token: Pick<Token, 'sign' | 'signAll'>;
  readonly key: SigningKey;
  readonly algorithm: SignatureAlgorithm;
  readonly digests: readonly Uint8Array[];
  readonly verifier: DigestVerifier;
  /** Looked at between two signatures. */
  readonly signal: AbortSignal;
  /** Before each signature but the first; absent for a key that does not want its PIN each time. */
  readonly beforeEach?: (() => Promise<void>) | undefined;
  /** Somebody waits for the card: what is left is signed in a later turn. */
  readonly isWanted?: () => boolean;
  /** How many the token has made. */
  readonly onSigned: (count: number) => void;
}

/** For as many of the first digests as the turn lets it. Throws CardDataError for a signature that does not verify. */
export async function signAll(job: SigningJob): Promise<readonly Uint8Array[]> {
  const { digests, signal, onSigned, isWanted = () => false } = job;
  const takesSeveral = job.token.signAll !== undefined && !job.beforeEach;
  let size = takesSeveral ? FIRST_CHUNK : 1;
  const signatures: Uint8Array[] = [];
  let checked = 0;
  for (let start = 0; start < digests.length; start = signatures.length) {
    signal.throwIfAborted();
    if (isWanted()) {
      if (start >= TURN_SIGNATURES) break;
      size = Math.min(size, TURN_SIGNATURES);
    }
    const chunk = digests.slice(start, start + size);
    const begin = performance.now();
    // Both have ended before anything is thrown: the token is not left at work.
    const [made, check] = await Promise.allSettled([make(job, chunk, start), requireRight(job, signatures, checked)]);
    if (made.status === 'fulfilled' && made.value.length === chunk.length) onSigned(start + chunk.length);
    if (check.status === 'rejected') throw check.reason;
    if (made.status === 'rejected') throw made.reason;
    if (made.value.length !== chunk.length)
      throw new CardDataError(`signing the documents: ${made.value.length} signatures came for ${chunk.length} digests`);
    checked = signatures.length;
    signatures.push(...made.value);
    if (takesSeveral) size = nextSize(chunk.length / (performance.now() - begin), digests.length - signatures.length);
  }
  await requireRight(job, signatures, checked);
  return signatures;
}

/** For a token that signs so many in a millisecond. */
function nextSize(rate: number, left: number): number {
  return Math.max(1, Math.min(Math.floor(rate * CHUNK_MS), Math.max(LEAST_HALF, left >> 1)));
}

async function make(
  { token, key, algorithm, signal, beforeEach, onSigned }: SigningJob,
  chunk: readonly Uint8Array[],
  start: number,
): Promise<readonly Uint8Array[]> {
  if (token.signAll && !beforeEach)
    return await token.signAll(key, algorithm, chunk, { signal, onSigned: (count) => onSigned(start + count) });
  if (start > 0) await beforeEach?.();
  return await Promise.all(chunk.map((digest) => token.sign(key, algorithm, digest)));
}

/** Of the signatures made so far, those from `from` on; after a turn of the event loop, so that the token is at work meanwhile. */
async function requireRight({ digests, verifier }: SigningJob, signatures: readonly Uint8Array[], from: number): Promise<void> {
  let begin = -Infinity;
  for (let index = from; index < signatures.length; index++) {
    if (performance.now() - begin > MAX_TURN_MS) {
      await turn();
      begin = performance.now();
    }
    const [digest, signature] = [digests[index], signatures[index]];
    if (!digest || !signature || !verifier(digest, signature))
      throw new CardDataError(`signing document ${index + 1}: the signature does not verify with the public key`);
  }
}
