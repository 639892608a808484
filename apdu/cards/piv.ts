/**
 * PIV, the card application of NIST SP 800-73-5, with Yubico's extensions where a card has them.
 * The parts are in `piv/`: one file a group of commands; here they become a profile and a Token.
 */
import { randomBytes } from 'node:crypto';
import { equalBytes } from '../bytes.ts';
import type { CardChannel } from '../card-channel.ts';
import { keyOfCertificate } from '../certificate-key.ts';
import type { CardApplication, CardProfile } from '../card-profile.ts';
import { CardDataError, KeyNotFoundError, ObjectNotFoundError, StatusWordError } from '../errors.ts';
import { Secret } from '../secret.ts';
import type {
  GenerateKeyOptions,
  PinReference,
  PinStatus,
  Token,
  TokenCertificate,
  TokenContents,
  TokenKey,
  TokenManagement,
} from '../token.ts';
import {
  FACTORY_MANAGEMENT_KEY,
  MANAGEMENT_KEY_REFERENCE,
  PIN_REFERENCE,
  PIV_APPLICATION_ID,
  PIV_KEY_SLOTS,
  PIV_MADE_KEYS,
  PIV_RETIRED_KEY_SLOTS,
  PUK_REFERENCE,
  TAG_CHUID,
  TAG_KEY_HISTORY,
  findKeySlot,
  type PivKeySlot,
} from './piv/constants.ts';
import { readDataObject, writeDataObject } from './piv/data.ts';
import { abilitiesOf, agree, decipher, generateKey, sign, signBlock, signPadded } from './piv/keys.ts';
import { authenticateManagementKey } from './piv/management-key.ts';
import {
  decodeCertificateObject,
  decodeChuid,
  decodeKeyHistory,
  encodeCertificateObject,
  encodeKeyHistory,
} from './piv/objects.ts';
import { changePin, describePin, readPinStatus, unblockPin, verifyPin } from './piv/pin.ts';
import { deleteKey, isYubiKey, readMetadata, readSerial, type KeyMetadata } from './piv/yubico.ts';

export interface PivOptions {
  /** Challenges and PSS salts. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

export function createPivProfile(options: PivOptions = {}): CardProfile {
  return {
    id: 'piv',
    specification: 'NIST SP 800-73-5',
    applicationIds: [PIV_APPLICATION_ID],
    open: (channel) => openPiv(channel, options.randomBytes ?? randomBytes),
  };
}

export const pivProfile: CardProfile = createPivProfile();

function openPiv(channel: CardChannel, random: (length: number) => Uint8Array): CardApplication {
  return {
    serialNumber: () => readSerialNumber(channel),
    token: createPivToken(channel, random),
  };
}

/** The number printed on a YubiKey; else the card UUID of the CHUID, else its FASC-N. */
async function readSerialNumber(channel: CardChannel): Promise<string | undefined> {
  const serial = isYubiKey(channel) ? await readSerial(channel) : undefined;
  if (serial !== undefined) return serial;
  const content = await readDataObject(channel, TAG_CHUID);
  if (!content) return undefined;
  const chuid = decodeChuid(content);
  return chuid.cardUuid ?? chuid.fascN;
}

/** `async` throughout, so that an impossible reference rejects too and never throws at once. */
function createPivToken(channel: CardChannel, random: (length: number) => Uint8Array): Token {
  return {
    contents: () => readContents(channel),
    pins: async () => [await readPinStatus(channel, PIN_REFERENCE), await readPinStatus(channel, PUK_REFERENCE)],
    key: async (keyReference) => readKey(channel, requireSlot(keyReference)),
    pin: (reference) => readOnePin(channel, reference),
    verifyPin: (reference, entry) => verifyPin(channel, reference, entry),
    changePin: (reference, current, next) => changePin(channel, reference, current, next),
    unblockPin: (reference, puk, next) => unblockPin(channel, reference, puk, next),
    sign: async (key, algorithm, digest) =>
      sign(channel, { ...key, keyReference: requireSlot(key.keyReference).keyReference }, algorithm, digest, random),
    signPadded: async (keyReference, algorithm, content) =>
      signPadded(channel, requireSlot(keyReference).keyReference, algorithm, content),
    signBlock: async (keyReference, algorithm, block) =>
      signBlock(channel, requireSlot(keyReference).keyReference, algorithm, block),
    agree: async (keyReference, algorithm, peer) => agree(channel, requireSlot(keyReference).keyReference, algorithm, peer),
    decipher: async (keyReference, algorithm, cryptogram) =>
      decipher(channel, requireSlot(keyReference).keyReference, algorithm, cryptogram),
    management: createManagement(channel, random),
  };
}

/** As the card tells it now; the PUK's tries only where it has metadata. */
async function readOnePin(channel: CardChannel, reference: PinReference): Promise<PinStatus> {
  if (describePin(reference).kind === 'pin' || !isYubiKey(channel)) return readPinStatus(channel, reference);
  const metadata = await readMetadata(channel, Number.parseInt(reference, 16));
  return {
    ...(await readPinStatus(channel, reference)),
    ...(metadata?.attemptsRemaining === undefined ? {} : { attemptsRemaining: metadata.attemptsRemaining }),
    ...(metadata?.attemptsTotal === undefined ? {} : { attemptsTotal: metadata.attemptsTotal }),
    ...(metadata?.isDefault === undefined ? {} : { isDefault: metadata.isDefault }),
  };
}

/** Four certificates, the key history, retired certificates that it announces, and metadata of the keys that have no certificate. */
async function readContents(channel: CardChannel): Promise<TokenContents> {
  const certificates = new Map<string, Uint8Array>();
  const readCertificate = async (slot: PivKeySlot): Promise<void> => {
    const content = await readDataObject(channel, slot.certificateTag);
    const der = content && decodeCertificateObject(content);
    if (der) certificates.set(slot.keyReference, der);
  };
  for (const slot of PIV_KEY_SLOTS) await readCertificate(slot);
  const history = await readDataObject(channel, TAG_KEY_HISTORY);
  const retired = PIV_RETIRED_KEY_SLOTS.slice(0, history ? decodeKeyHistory(history) : 0);
  for (const slot of retired) await readCertificate(slot);
  const keys: TokenKey[] = [];
  for (const slot of [...PIV_KEY_SLOTS, ...retired])
    keys.push(await describeKey(channel, slot, certificates.get(slot.keyReference)));
  return {
    keys,
    certificates: [...certificates].map(([keyReference, der]): TokenCertificate => ({ keyReference, der })),
    ...(isYubiKey(channel) ? {} : { makes: PIV_MADE_KEYS }), // its firmware would say: an exchange more for each reading
  };
}

async function describeKey(channel: CardChannel, slot: PivKeySlot, certificate: Uint8Array | undefined): Promise<TokenKey> {
  const description: TokenKey = {
    keyReference: slot.keyReference,
    label: slot.label,
    usage: slot.usage,
    pin: PIN_REFERENCE,
    pinPolicy: slot.pinPolicy,
  };
  if (certificate) return withAbilities({ ...description, ...keyOfCertificate(certificate) });
  const metadata = isYubiKey(channel) ? await readMetadata(channel, Number.parseInt(slot.keyReference, 16)) : undefined;
  return withAbilities(metadata ? { ...description, ...keyFieldsOf(metadata) } : description);
}

function withAbilities(key: TokenKey): TokenKey {
  const abilities = key.algorithm ? abilitiesOf(key.usage, key.algorithm) : [];
  return abilities.length > 0 ? { ...key, abilities } : key;
}

/** As the card itself tells; nothing is concluded from a certificate, which may be older than the key. */
async function readKey(channel: CardChannel, slot: PivKeySlot): Promise<TokenKey | undefined> {
  const metadata = isYubiKey(channel) ? await readMetadata(channel, Number.parseInt(slot.keyReference, 16)) : undefined;
  return (
    metadata &&
    withAbilities({
      keyReference: slot.keyReference,
      label: slot.label,
      usage: slot.usage,
      pin: PIN_REFERENCE,
      pinPolicy: slot.pinPolicy,
      ...keyFieldsOf(metadata),
    })
  );
}

function keyFieldsOf(metadata: KeyMetadata): Partial<TokenKey> {
  const { algorithm, pinPolicy, touchPolicy, origin, publicKey } = metadata;
  return {
    ...(algorithm ? { algorithm } : {}),
    ...(pinPolicy ? { pinPolicy } : {}),
    ...(touchPolicy ? { touchPolicy } : {}),
    ...(origin ? { origin } : {}),
    ...(publicKey ? { publicKey } : {}),
  };
}

function createManagement(channel: CardChannel, random: (length: number) => Uint8Array): TokenManagement {
  return {
    managementKey: {
      factoryKey: () => Secret.take(FACTORY_MANAGEMENT_KEY.slice()),
      authenticate: (managementKey) => authenticate(channel, managementKey, random),
    },
    generateKey: async (options: GenerateKeyOptions) =>
      generateKey(channel, { ...options, keyReference: requireSlot(options.keyReference).keyReference }),
    writeCertificate: async (keyReference, der) => writeCertificate(channel, requireSlot(keyReference), der),
    deleteCertificate: async (keyReference) => deleteCertificate(channel, requireSlot(keyReference)),
    ...(isYubiKey(channel)
      ? { deleteKey: async (keyReference: string) => deleteKey(channel, requireSlot(keyReference).keyReference) }
      : {}),
  };
}

async function authenticate(channel: CardChannel, managementKey: Secret, random: (length: number) => Uint8Array): Promise<void> {
  const metadata = isYubiKey(channel) ? await readMetadata(channel, MANAGEMENT_KEY_REFERENCE).catch(ignoreRefusal) : undefined;
  await authenticateManagementKey(channel, {
    managementKey,
    randomBytes: random,
    ...(metadata?.algorithmId === undefined ? {} : { algorithmId: metadata.algorithmId }),
  });
}

/** Metadata is a help, not a need: a card that refuses it is asked by trial. */
function ignoreRefusal(error: unknown): undefined {
  if (error instanceof StatusWordError) return undefined;
  throw error;
}

async function writeCertificate(channel: CardChannel, slot: PivKeySlot, der: Uint8Array): Promise<void> {
  await writeDataObject(channel, slot.certificateTag, encodeCertificateObject(der));
  const content = await readDataObject(channel, slot.certificateTag);
  const stored = content && decodeCertificateObject(content);
  if (!stored || !equalBytes(stored, der))
    throw new CardDataError(`writing the certificate of ${slot.keyReference}: card gave back something else`);
  const retired = PIV_RETIRED_KEY_SLOTS.indexOf(slot) + 1;
  if (retired > 0) await announceRetired(channel, retired);
}

/** Whoever reads the card looks for retired certificates as far as the key history says that there are any. */
async function announceRetired(channel: CardChannel, number: number): Promise<void> {
  const history = await readDataObject(channel, TAG_KEY_HISTORY);
  if (history && decodeKeyHistory(history) >= number) return;
  await writeDataObject(channel, TAG_KEY_HISTORY, encodeKeyHistory(history, number));
  const stored = await readDataObject(channel, TAG_KEY_HISTORY);
  if (!stored || decodeKeyHistory(stored) < number)
    throw new CardDataError('writing the key history: card gave back something else');
}

async function deleteCertificate(channel: CardChannel, slot: PivKeySlot): Promise<void> {
  const attempt = `deleting the certificate of ${slot.keyReference}`;
  if (!(await readDataObject(channel, slot.certificateTag))) throw new ObjectNotFoundError(`${attempt}: card has none`);
  await writeDataObject(channel, slot.certificateTag, new Uint8Array());
  if (await readDataObject(channel, slot.certificateTag)) throw new CardDataError(`${attempt}: card still gives it`);
}

function requireSlot(keyReference: string): PivKeySlot {
  const slot = findKeySlot(keyReference);
  if (!slot) throw new KeyNotFoundError(`looking up key ${keyReference}: PIV has 9A, 9C, 9D, 9E and 82 to 95`);
  return slot;
}
