/** Changing what is on a card through its module: new objects are made before old ones go, so that a failure leaves what was there. */
import { X509Certificate } from 'node:crypto';
import { equalBytes, parseHex } from '../../apdu/bytes.ts';
import { CardDataError, KeyNotFoundError, NotSupportedByCardError, ObjectNotFoundError } from '../../apdu/errors.ts';
import type { GenerateKeyOptions, PinReference, TokenManagement } from '../../apdu/token.ts';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import * as ck from './constants.ts';
import { CURVES, PRIVATE_KEY_ATTRIBUTES, idOf, readPublicKey, type DirectoryCertificate } from './key-directory.ts';
import type { CardKeys } from './module-token.ts';
import { userPin } from './pins.ts';
import { rename } from './renaming.ts';
import { bytes, no, number, template, yes, type Row } from './template-rows.ts';
import { certificatesOf, requirePin } from './writable.ts';

/** 65537, as everybody's RSA keys have it. */
const PUBLIC_EXPONENT = Uint8Array.of(0x01, 0x00, 0x01);
const TAG_INTEGER = 0x02;

export function createManagement(keys: CardKeys): TokenManagement {
  return {
    pinFor: (keyReference) => pinFor(keys, keyReference),
    generateKey: (options) => generateKey(keys, options),
    writeCertificate: (keyReference, der) => writeCertificate(keys, keyReference, der),
    addCertificate: async (keyReference, der) => {
      await createCertificate(keys, keyReference, der);
    },
    deleteCertificate: (keyReference, der) => deleteCertificate(keys, keyReference, der),
    deleteKey: (keyReference) => deleteKey(keys, keyReference),
    rename: (object, next) => rename(keys, object, next),
  };
}

/** The slot of the key; a new key comes into the first. */
async function slotFor(keys: CardKeys, keyReference: string): Promise<number> {
  return (await keys.find(keyReference))?.slot ?? (await findCertificate(keys, keyReference))?.slot ?? 0;
}

async function pinFor(keys: CardKeys, keyReference: string): Promise<PinReference> {
  idOf(keyReference);
  return userPin(await slotFor(keys, keyReference));
}

async function generateKey(
  keys: CardKeys,
  { keyReference, algorithm, pinPolicy, touchPolicy }: GenerateKeyOptions,
): Promise<Uint8Array> {
  const attempt = `generating key ${keyReference}`;
  if (touchPolicy !== undefined) throw new NotSupportedByCardError(`${attempt}: PKCS #11 has no touch policy`);
  if (pinPolicy === 'never') throw new NotSupportedByCardError(`${attempt}: PKCS #11 has no private keys that want no PIN`);
  const id = idOf(keyReference);
  const slot = await slotFor(keys, keyReference);
  requirePin(keys, attempt, slot);
  const earlier = await objectsOf(keys, slot, id);
  const isRsa = algorithm.startsWith('RSA');
  const kind: readonly Row[] = isRsa
    ? [number(ck.CKA_MODULUS_BITS, Number(algorithm.slice('RSA-'.length))), bytes(ck.CKA_PUBLIC_EXPONENT, PUBLIC_EXPONENT)]
    : [bytes(ck.CKA_EC_PARAMS, CURVES[algorithm === 'P-384' ? 'P-384' : 'P-256'])];
  const common = [yes(ck.CKA_TOKEN), bytes(ck.CKA_ID, id), bytes(ck.CKA_LABEL, Buffer.from(keyReference.toUpperCase()))];
  const publicTemplate = template([...common, no(ck.CKA_PRIVATE), yes(ck.CKA_VERIFY), ...kind]);
  const privateTemplate = template([
    ...common,
    yes(ck.CKA_PRIVATE),
    yes(ck.CKA_SENSITIVE),
    no(ck.CKA_EXTRACTABLE),
    yes(ck.CKA_SIGN),
    ...(pinPolicy === 'always' ? [yes(ck.CKA_ALWAYS_AUTHENTICATE)] : []),
  ]);
  keys.forget();
  const { result } = await keys.session.call(
    attempt,
    'generate',
    {
      session: await keys.session.session(slot),
      mechanism: isRsa ? ck.CKM_RSA_PKCS_KEY_PAIR_GEN : ck.CKM_EC_KEY_PAIR_GEN,
      publicTemplate: publicTemplate.rows,
      privateTemplate: privateTemplate.rows,
    },
    { blobs: [...publicTemplate.blobs, ...privateTemplate.blobs], isLong: true },
  );
  const made = await keys.findObjects(slot, ck.CKO_PUBLIC_KEY, PRIVATE_KEY_ATTRIBUTES, id);
  const object = made.find(({ handle }) => handle === result.publicKey);
  const key = object && readPublicKey(object);
  if (key?.algorithm !== algorithm) throw new CardDataError(`${attempt}: the module does not show the public key that was made`);
  for (const handle of earlier) await destroy(keys, attempt, slot, handle);
  return key.publicKey;
}

async function writeCertificate(keys: CardKeys, keyReference: string, der: Uint8Array): Promise<void> {
  const earlier = await certificatesOf(keys, keyReference);
  await createCertificate(keys, keyReference, der);
  for (const { slot, handle } of earlier) await destroy(keys, `writing a certificate to ${keyReference}`, slot, handle);
}

async function createCertificate(keys: CardKeys, keyReference: string, der: Uint8Array): Promise<void> {
  const attempt = `writing a certificate to ${keyReference}`;
  const key = await keys.find(keyReference);
  const slot = key?.slot ?? (await slotFor(keys, keyReference));
  requirePin(keys, attempt, slot);
  const { subject, issuer, serialNumber } = namesOf(attempt, der);
  const { rows, blobs } = template([
    number(ck.CKA_CLASS, ck.CKO_CERTIFICATE),
    number(ck.CKA_CERTIFICATE_TYPE, ck.CKC_X_509),
    yes(ck.CKA_TOKEN),
    no(ck.CKA_PRIVATE),
    bytes(ck.CKA_ID, key?.id ?? idOf(keyReference)),
    bytes(ck.CKA_LABEL, Buffer.from(key?.label ?? keyReference.toUpperCase())),
    bytes(ck.CKA_SUBJECT, subject),
    bytes(ck.CKA_ISSUER, issuer),
    bytes(ck.CKA_SERIAL_NUMBER, serialNumber),
    bytes(ck.CKA_VALUE, der),
  ]);
  keys.forget();
  await keys.session.call(
    attempt,
    'create',
    { session: await keys.session.session(slot), template: rows },
    { blobs, isLong: true },
  );
}

async function deleteCertificate(keys: CardKeys, keyReference: string, der?: Uint8Array): Promise<void> {
  const attempt = `deleting the certificate of ${keyReference}`;
  const all = await certificatesOf(keys, keyReference);
  const wanted = all.filter((certificate) => !der || equalBytes(certificate.der, der));
  if (wanted.length === 0) throw new ObjectNotFoundError(`${attempt}: the card has none`);
  for (const { slot } of wanted) requirePin(keys, attempt, slot);
  keys.forget();
  for (const { slot, handle } of wanted) await destroy(keys, attempt, slot, handle);
}

async function deleteKey(keys: CardKeys, keyReference: string): Promise<void> {
  const attempt = `deleting key ${keyReference}`;
  const key = await keys.require(keyReference);
  requirePin(keys, attempt, key.slot);
  const handles = await objectsOf(keys, key.slot, key.id);
  if (handles.length === 0) throw new KeyNotFoundError(`${attempt}: the card shows no key of this CKA_ID`);
  keys.forget();
  for (const handle of handles) await destroy(keys, attempt, key.slot, handle);
}

async function destroy(keys: CardKeys, attempt: string, slot: number, object: string): Promise<void> {
  await keys.session.call(attempt, 'destroy', { session: await keys.session.session(slot), object });
}

/** Handles of both halves of a key, the private one first. */
async function objectsOf(keys: CardKeys, slot: number, id: Uint8Array): Promise<readonly string[]> {
  const halves = [
    ...(await keys.findObjects(slot, ck.CKO_PRIVATE_KEY, [], id)),
    ...(await keys.findObjects(slot, ck.CKO_PUBLIC_KEY, [], id)),
  ];
  return halves.map(({ handle }) => handle);
}

async function findCertificate(keys: CardKeys, keyReference: string): Promise<DirectoryCertificate | undefined> {
  const { certificates } = await keys.directory();
  return certificates.find((certificate) => certificate.keyReference === keyReference.toUpperCase());
}

/** DER of subject, issuer and serial number, as CKA_SUBJECT and the others want them (Base Specification, section 4.6.3). */
function namesOf(
  attempt: string,
  der: Uint8Array,
): { readonly subject: Uint8Array; readonly issuer: Uint8Array; readonly serialNumber: Uint8Array } {
  try {
    const { serialNumber } = new X509Certificate(der);
    const [tbsCertificate] = decodeTlv(decodeFirstTlv(der).object.value);
    const fields = decodeTlv(tbsCertificate?.value ?? new Uint8Array());
    // TBSCertificate (RFC 5280, section 4.1): a version, which has a tag of its own, then serial number, algorithm, issuer, validity, subject.
    const from = fields[0]?.tag === TAG_INTEGER ? 0 : 1;
    const [issuer, subject] = [fields[from + 2], fields[from + 4]].map((name) => name && encodeTlv(name.tag, name.value));
    if (!issuer || !subject) throw new RangeError('no names');
    const digits = parseHex(serialNumber);
    const integer = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
    return { subject, issuer, serialNumber: encodeTlv(TAG_INTEGER, integer) };
  } catch (error) {
    throw new CardDataError(`${attempt}: it does not parse as a certificate`, {}, { cause: error });
  }
}
