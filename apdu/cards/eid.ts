/**
 * Identity cards whose application describes itself: PKCS #15 and ISO/IEC 7816-15, as Swedish eID cards have it. Nothing here knows a layout: EF.DIR, EF.OD
 * and the directory files tell where PINs, keys and certificates are. The parts are in `eid/`: one file a kind of directory file or a group of commands.
 */
import { randomBytes } from 'node:crypto';
import type { CardChannel } from '../card-channel.ts';
import type { CardApplication, CardProfile } from '../card-profile.ts';
import { keyOfCertificate } from '../certificate-key.ts';
import { CardError, KeyNotFoundError } from '../errors.ts';
import { selectApplication } from '../select.ts';
import type {
  ContentsAnew,
  PinReference,
  PinStatus,
  SigningKey,
  Token,
  TokenCertificate,
  TokenContents,
  TokenKey,
  TokenManagement,
} from '../token.ts';
import { PKCS15_APPLICATION_ID, parseApplicationDirectory, type ApplicationPlace } from './eid/application.ts';
import type { PinObject } from './eid/authentication-objects.ts';
import { trimCertificate } from './eid/certificates.ts';
import { EidDirectory, RememberedDirectory } from './eid/directory.ts';
import { isFilling } from './eid/file-shape.ts';
import { CardFiles } from './eid/files.ts';
import { algorithmOf, decodePublicKey, directValue, pinPolicyOf, usageOf, type KeyObject } from './eid/keys.ts';
import { addCertificate, deleteCertificate, forgetPublicKey, generateKey, writeCertificate } from './eid/management.ts';
import { MASTER_FILE } from './eid/path.ts';
import { changePin, findPuk, readPinStatus, unblockPin, verifyPin } from './eid/pin.ts';
import { abilitiesOf, decipher, decrypt, signBlock } from './eid/rsa-blocks.ts';
import { sign, signPadded, signatureAlgorithmsOf, type SigningTools } from './eid/signing.ts';

export interface EidOptions {
  /** PSS salts. */
  readonly randomBytes?: (length: number) => Uint8Array;
  /** What EF.CIAInfo is to give as the time of a change; without it, a second after the time that it gives. */
  readonly now?: () => Date;
}

export function createEidProfile(options: EidOptions = {}): CardProfile {
  const tools: Tools = { random: options.randomBytes ?? randomBytes, now: options.now };
  return {
    id: 'eid',
    specification: 'ISO/IEC 7816-15:2016',
    applicationIds: [PKCS15_APPLICATION_ID],
    directoryText: {
      encode: (directory) => (directory instanceof RememberedDirectory ? directory.encode() : undefined),
      decode: (text) => RememberedDirectory.decode(text),
    },
    find: (channel, remembered) => findEid(channel, tools, rememberedOf(remembered)),
    open: (channel, remembered) => openEid(channel, tools, rememberedOf(remembered) ?? { applicationId: PKCS15_APPLICATION_ID }),
  };
}

export const eidProfile: CardProfile = createEidProfile();

type Random = (length: number) => Uint8Array;

interface Tools {
  readonly random: Random;
  readonly now: (() => Date) | undefined;
}

function rememberedOf(contents: TokenContents | undefined): RememberedDirectory | undefined {
  return contents?.directory instanceof RememberedDirectory ? contents.directory : undefined;
}

/** Where it was last time; by the AID of PKCS #15; or where EF.DIR says. */
async function findEid(
  channel: CardChannel,
  tools: Tools,
  remembered?: RememberedDirectory,
): Promise<CardApplication | undefined> {
  if (remembered && (await selectPlace(channel, remembered.place))) return openEid(channel, tools, remembered);
  if (await selectApplication(channel, PKCS15_APPLICATION_ID))
    return openEid(channel, tools, { applicationId: PKCS15_APPLICATION_ID });
  for (const place of await readApplicationDirectory(channel))
    if (await selectPlace(channel, place)) return openEid(channel, tools, place);
  return undefined;
}

/** A card of another kind answers in ways of its own: then it names no application of this kind. */
async function readApplicationDirectory(channel: CardChannel): Promise<readonly ApplicationPlace[]> {
  try {
    const content = await new CardFiles(channel, {}).read({ file: `${MASTER_FILE}2F00` }, 'objects');
    return content ? parseApplicationDirectory(content) : [];
  } catch (error) {
    if (error instanceof CardError) return [];
    throw error;
  }
}

async function selectPlace(channel: CardChannel, { applicationId, path }: ApplicationPlace): Promise<boolean> {
  if (applicationId && (await selectApplication(channel, applicationId))) return true;
  return path !== undefined && (await new CardFiles(channel, {}).select(path)) !== undefined;
}

function openEid(channel: CardChannel, tools: Tools, found: ApplicationPlace | RememberedDirectory): CardApplication {
  const remembered = found instanceof RememberedDirectory ? found : undefined;
  const place = found instanceof RememberedDirectory ? found.place : found;
  const directory = new EidDirectory(new CardFiles(channel, place, remembered?.habits), tools.now, remembered);
  return {
    serialNumber: () => directory.serialNumberNow(),
    changeMarker: () => directory.lastUpdateNow(),
    token: createEidToken(directory, tools.random),
  };
}

function createEidToken(directory: EidDirectory, random: Random): Token {
  const { files } = directory;
  return {
    contents: (anew) => readContents(directory, anew),
    key: (keyReference) => readKey(directory, keyReference),
    pins: () => readPins(directory),
    pin: async (reference) => {
      const pin = await directory.pin(reference);
      return await readPinStatus(files, pin, findPuk(await directory.pins(), pin));
    },
    verifyPin: async (reference, entry) => verifyPin(files, await directory.pin(reference), entry),
    changePin: async (reference, current, next) => changePin(files, await directory.pin(reference), current, next),
    unblockPin: async (reference, puk, next) => {
      const pin = await directory.pin(reference);
      await unblockPin(files, pin, findPuk(await directory.pins(), pin), { puk, next });
    },
    sign: async (key, algorithm, digest) => {
      const tools = await toolsFor(directory, random, key);
      return await sign(tools, { keyReference: tools.object.id, algorithm: key.algorithm }, algorithm, digest);
    },
    signPadded: async (keyReference, algorithm, content) => {
      const tools = await toolsFor(directory, random, { keyReference, algorithm });
      return await signPadded(tools, tools.object.id, algorithm, content);
    },
    signBlock: async (keyReference, algorithm, block) =>
      await signBlock(await toolsFor(directory, random, { keyReference, algorithm }), algorithm, block),
    decipher: async (keyReference, algorithm, cryptogram) =>
      await decipher(await toolsFor(directory, random, { keyReference, algorithm }), algorithm, cryptogram),
    decrypt: async (keyReference, algorithm, cryptogram) =>
      await decrypt(await toolsFor(directory, random, { keyReference, algorithm }), algorithm, cryptogram),
    management: createManagement(directory),
  };
}

async function toolsFor(directory: EidDirectory, random: Random, key: SigningKey): Promise<SigningTools> {
  const object = await requireKey(directory, key.keyReference);
  const algorithms = (await directory.information())?.algorithms ?? [];
  const kind = algorithmOf(object, algorithms);
  if (kind !== undefined && kind !== key.algorithm)
    throw new KeyNotFoundError(`using key ${object.id}: card has no ${key.algorithm} key there`);
  return { files: directory.files, object, algorithms, randomBytes: random };
}

/** Throws KeyNotFoundError, naming what there is. */
async function requireKey(directory: EidDirectory, keyReference: string): Promise<KeyObject> {
  const keys = await directory.keys();
  const found = keys.find(({ id }) => id === keyReference.toUpperCase());
  if (found) return found;
  const known = keys.map(({ id }) => id).join(', ');
  throw new KeyNotFoundError(`looking up key ${keyReference}: the card has ${known === '' ? 'none' : known}`);
}

/** PINs of persons and administrators; a PUK is asked for its state only by name. */
async function readPins(directory: EidDirectory): Promise<readonly PinStatus[]> {
  const pins = await directory.pins();
  const statuses: PinStatus[] = [];
  for (const pin of pins) if (pin.kind === 'pin') statuses.push(await readPinStatus(directory.files, pin, findPuk(pins, pin)));
  return statuses;
}

/** From the card: EF.CIAInfo, the directory files, and each certificate once. */
async function readContents(directory: EidDirectory, anew: ContentsAnew = 'everything'): Promise<TokenContents> {
  directory.readAnew(anew);
  await directory.information();
  await directory.pins();
  const objects = await directory.keys();
  const certificates: TokenCertificate[] = [];
  for (const certificate of [...(await directory.ownCertificates()), ...(await directory.otherCertificates())]) {
    const value = await directory.valueOf(certificate);
    const der = value && trimCertificate(value);
    const isAuthority = !objects.some(({ id }) => id === certificate.id) && certificate.isAuthority;
    if (der) certificates.push({ keyReference: certificate.id, ...(isAuthority ? { isAuthority } : {}), der });
  }
  const keys: TokenKey[] = [];
  for (const object of objects) {
    if (keys.some(({ keyReference }) => keyReference === object.id)) continue; // an iD is one key's
    keys.push(await describeKey(directory, object, certificates.find(({ keyReference }) => keyReference === object.id)?.der));
  }
  return { keys, certificates, directory: directory.remember() };
}

/** The public half as the certificate has it, when that is of the kind that the card tells. */
async function describeKey(directory: EidDirectory, object: KeyObject, certificate: Uint8Array | undefined): Promise<TokenKey> {
  const certified = certificate && keyOfCertificate(certificate);
  const description = await describeObject(directory, object);
  const told = description.algorithm;
  if (certified && (told === undefined || told === certified.algorithm)) return { ...description, ...certified };
  if (told !== undefined || object.family === 'rsa') return description;
  return { ...description, ...(await readPublicKey(directory, object)) };
}

async function describeObject(directory: EidDirectory, object: KeyObject): Promise<TokenKey> {
  const algorithms = (await directory.information())?.algorithms ?? [];
  const algorithm = algorithmOf(object, algorithms);
  const signatureAlgorithms = algorithm && signatureAlgorithmsOf({ object, algorithms }, algorithm);
  const abilities = abilitiesOf({ object, algorithms });
  return {
    keyReference: object.id,
    label: object.label === '' ? object.id : object.label,
    usage: usageOf(object),
    pin: pinReferenceOf(object, await directory.pins()),
    pinPolicy: pinPolicyOf(object),
    ...(algorithm ? { algorithm } : {}),
    ...(signatureAlgorithms ? { signatureAlgorithms } : {}),
    ...(abilities.length > 0 ? { abilities } : {}),
  };
}

/** The PIN that the key names; a card that names none has one. */
function pinReferenceOf({ authenticationId }: KeyObject, pins: readonly PinObject[]): PinReference {
  const named = pins.find((pin) => pin.authenticationId === authenticationId);
  const first = pins.find(({ kind, isAdministrator }) => kind === 'pin' && !isAdministrator);
  return (named ?? first)?.reference ?? '00';
}

/** As the card itself tells; nothing is concluded from a certificate, which may be older than the key. */
async function readKey(directory: EidDirectory, keyReference: string): Promise<TokenKey> {
  const object = await requireKey(directory, keyReference);
  return { ...(await describeObject(directory, object)), ...(await readPublicKey(directory, object)) };
}

/** Out of the public key's file; nothing on cards that have none. */
async function readPublicKey(directory: EidDirectory, object: KeyObject): Promise<Pick<TokenKey, 'algorithm' | 'publicKey'>> {
  const algorithms = (await directory.information())?.algorithms ?? [];
  const twin = (await directory.publicKeys()).find(({ id, family }) => id === object.id && family === object.family);
  const algorithm = algorithmOf(object, algorithms) ?? (twin && algorithmOf(twin, algorithms));
  if (!twin || !algorithm) return algorithm ? { algorithm } : {};
  const content = twin.value ? directValue(twin.value) : twin.path && (await directory.files.read(twin.path, 'object'));
  if (!content || content.length === 0 || isFilling(content[0])) return { algorithm };
  return { algorithm, publicKey: decodePublicKey(`the public key of ${object.id}`, algorithm, content) };
}

function createManagement(directory: EidDirectory): TokenManagement {
  return {
    pinFor: (keyReference, what) => pinFor(directory, keyReference, what),
    generateKey: async (options) => generateKey(directory, await requireKey(directory, options.keyReference), options),
    writeCertificate: async (keyReference, der) => writeCertificate(directory, await requireKey(directory, keyReference), der),
    addCertificate: async (keyReference, der) => addCertificate(directory, await requireKey(directory, keyReference), der),
    deleteCertificate: async (keyReference, der) => deleteCertificate(directory, keyReference.toUpperCase(), der),
    forgetPublicKey: async (keyReference) => forgetPublicKey(directory, await requireKey(directory, keyReference)),
  };
}

/**
 * Which PIN gives the right is the card's own affair. A key has its own PIN; certificates have the one that EF.UnusedSpace names for what is still to be
 * written (ISO/IEC 7816-15:2016, section 8.11), or the first of a person's: a PIN for signatures is for signatures.
 */
async function pinFor(directory: EidDirectory, keyReference: string, what: 'key' | 'certificate'): Promise<PinReference> {
  const key = await requireKey(directory, keyReference);
  const pins = await directory.pins();
  if (what === 'key') return pinReferenceOf(key, pins);
  const named = (await directory.unusedSpace()).authenticationId;
  const writer = pins.find(({ kind, authenticationId }) => kind === 'pin' && named !== undefined && authenticationId === named);
  const first = pins.find(({ kind, isAdministrator }) => kind === 'pin' && !isAdministrator);
  return (writer ?? first)?.reference ?? pinReferenceOf(key, pins);
}
