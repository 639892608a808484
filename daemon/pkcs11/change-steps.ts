/** The changes themselves: each finds out, from the card as it is now, whether it can be, before anything is sent that changes it; and reads back what it did. */
import { X509Certificate } from 'node:crypto';
import { equalBytes } from '../../apdu/bytes.ts';
import { CardDataError, NotSupportedByCardError, ObjectNotFoundError } from '../../apdu/errors.ts';
import type { Token, TokenManagement } from '../../apdu/token.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { TokenChange } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { hasCertificate, isTaken } from '../../pkcs11-module/places.ts';
import { contentsOf, keyOf, type CardSession } from '../desk/card-session.ts';
import { keyToProve, proveKey, type ProvableKey } from '../management/certificate-fit.ts';
import { makeKey } from '../management/key-making.ts';
import type { Authority } from './change-authority.ts';

type CertificateChange = Extract<TokenChange, { readonly der: Uint8Array }>;

export interface Prepared {
  readonly session: CardSession;
  readonly token: Token;
  readonly management: TokenManagement;
  readonly authority: Authority;
}

/** Resolves with what does it; undefined when all is as wanted. */
export async function prepare(change: TokenChange, work: Prepared): Promise<(() => Promise<void>) | undefined> {
  switch (change.act) {
    case 'pkcs11.generateKey':
      return await prepareKey(change, work);
    case 'pkcs11.deleteKey':
      return prepareKeyDeletion(change, work);
    case 'pkcs11.writeCertificate':
      return await prepareCertificate(change, work);
    case 'pkcs11.deleteCertificate':
      return await prepareCertificateDeletion(change, work);
    case 'pkcs11.rename':
      return prepareRenaming(change, work);
  }
}

async function prepareKey(
  { keyReference, algorithm }: Extract<TokenChange, { act: 'pkcs11.generateKey' }>,
  { session, token, management }: Prepared,
): Promise<() => Promise<void>> {
  session.card.contents = undefined;
  const contents = await contentsOf(session, token);
  if (isTaken(contents, { deletesKeys: management.deleteKey !== undefined }, keyReference))
    throw new CkError(ck.CKR_DEVICE_MEMORY, `generating key ${keyReference}: what stands there must be deleted first`);
  const place = await keyOf(session, token, keyReference);
  return async () => {
    await makeKey(session, token, { management, place, keyReference, algorithm });
  };
}

function prepareKeyDeletion({ keyReference }: TokenChange, { session, management }: Prepared): () => Promise<void> {
  if (!management.deleteKey) throw new NotSupportedByCardError(`deleting key ${keyReference}: the card cannot delete keys`);
  return async () => {
    await management.deleteKey?.(keyReference);
    session.card.generated.delete(keyReference);
    session.card.contents = undefined;
  };
}

/** Beside those that the key has, where the card holds several; else in place of the one that it has. */
async function prepareCertificate(
  { keyReference, der }: CertificateChange,
  { session, token, management, authority }: Prepared,
): Promise<(() => Promise<void>) | undefined> {
  const certificate = new X509Certificate(der);
  const { certificates } = await token.contents('certificates');
  if (certificates.some((one) => one.keyReference === keyReference && equalBytes(one.der, der))) return undefined;
  const key = await keyToProve(session, token, keyReference, certificate);
  if (key) await prove(key, certificate, { token, authority });
  const isFurther = management.addCertificate !== undefined && hasCertificate({ certificates, keys: [] }, keyReference);
  return async () => {
    if (isFurther) await management.addCertificate?.(keyReference, der);
    else await management.writeCertificate(keyReference, der);
    session.card.contents = undefined;
  };
}

async function prove(
  key: ProvableKey,
  certificate: X509Certificate,
  { token, authority }: Pick<Prepared, 'authority' | 'token'>,
): Promise<void> {
  if (key.pinPolicy !== 'never') await authority.verify(key.pin);
  await proveKey(token, key, certificate);
}

async function prepareCertificateDeletion(
  { keyReference, der }: CertificateChange,
  { session, token, management }: Prepared,
): Promise<() => Promise<void>> {
  const attempt = `deleting a certificate of ${keyReference}`;
  const { certificates } = await token.contents('certificates');
  const isDoomed = (one: (typeof certificates)[number]): boolean => one.keyReference === keyReference && equalBytes(one.der, der);
  if (!certificates.some(isDoomed)) throw new ObjectNotFoundError(`${attempt}: the card has it not`);
  return async () => {
    await management.deleteCertificate(keyReference, der);
    session.card.contents = undefined;
    const after = await token.contents('certificates');
    if (after.certificates.some(isDoomed)) throw new CardDataError(`${attempt}: the card still gives it`);
  };
}

function prepareRenaming(
  { keyReference, der, next }: Extract<TokenChange, { act: 'pkcs11.rename' }>,
  { session, token, management }: Prepared,
): () => Promise<void> {
  const attempt = `renaming ${der ? 'a certificate of ' : ''}${keyReference}`;
  if (!management.rename) throw new NotSupportedByCardError(`${attempt}: names are the card's own`);
  return async () => {
    await management.rename?.({ keyReference, ...(der ? { der } : {}) }, next);
    session.card.contents = undefined;
    if (!der) session.card.generated.delete(keyReference);
    const named = next.keyReference ?? keyReference;
    const { keys, certificates } = await token.contents('certificates');
    const isIt = (one: { readonly keyReference: string }): boolean => one.keyReference === named;
    const labels = der
      ? certificates.filter((one) => isIt(one) && equalBytes(one.der, der)).map(({ label }) => label)
      : keys.filter(isIt).map(({ label }) => label);
    const isDone = labels.length > 0 && (next.label === undefined || labels.every((label) => label === next.label));
    if (!isDone) throw new CardDataError(`${attempt}: the card does not show it`);
  };
}
