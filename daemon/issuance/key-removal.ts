/**
 * A key that is to be on its card no longer: deleted; or its public half forgotten; or, on cards that can do neither (PIV by NIST SP 800-73-4, YubiKeys before 5.7),
 * another key made in its place, whose public half nobody keeps. Then no certificate fits what is on the card, neither one that was issued meanwhile nor one that is
 * in somebody's files. The card still tells of a key there, of use to nobody.
 */
import { equalBytes } from '../../apdu/bytes.ts';
import { NotSupportedByCardError, ObjectNotFoundError } from '../../apdu/errors.ts';
import type { KeyAlgorithm } from '../../apdu/token.ts';
import type { CardAtWork } from './card-job.ts';

export interface KeyToRemove {
  readonly keyReference: string;
  /** Of one for which there may be a certificate somewhere. Left out: it may stay where it cannot be deleted. */
  readonly known?: { readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array };
  /** Another one was about to be made in its place before. */
  readonly isBegun: boolean;
}

export async function removeKey(work: CardAtWork, key: KeyToRemove): Promise<void> {
  if (!(await deleteKey(work, key)) && key.known) await discardKey(work, key, key.known);
}

/** False where the card cannot. */
async function deleteKey(work: CardAtWork, { keyReference }: KeyToRemove): Promise<boolean> {
  const { management } = work;
  if (!management.deleteKey && !management.forgetPublicKey) return false;
  await work.authorize(keyReference, 'key');
  work.note({ type: 'key.removing', keyReference });
  try {
    if (management.deleteKey) await management.deleteKey(keyReference);
    else await management.forgetPublicKey?.(keyReference);
  } catch (error) {
    if (error instanceof NotSupportedByCardError) return false;
    if (!(error instanceof ObjectNotFoundError)) throw error; // it was gone, or had never come
  }
  work.note({ type: 'key.removed', keyReference });
  return true;
}

/** Of the same kind, so that the place stays fit for the next job. When the card tells of another one already, it was made before it broke off. */
async function discardKey(
  work: CardAtWork,
  { keyReference, isBegun }: KeyToRemove,
  { algorithm, publicKey }: NonNullable<KeyToRemove['known']>,
): Promise<void> {
  const told = isBegun ? (await work.token.key(keyReference))?.publicKey : undefined;
  if (!told || equalBytes(told, publicKey)) {
    await work.authorize(keyReference, 'key');
    work.note({ type: 'key.discarding', keyReference });
    try {
      await work.management.generateKey({ keyReference, algorithm });
    } catch (error) {
      // It came from elsewhere, and the card makes none of its kind: it stays.
      if (error instanceof NotSupportedByCardError) return;
      throw error;
    }
  }
  work.note({ type: 'key.discarded', keyReference });
}
