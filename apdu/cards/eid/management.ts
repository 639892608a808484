/**
 * Changing what is on the card: GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8:2016, section 5.1), CREATE FILE and DELETE FILE (ISO/IEC 7816-9:2017, sections
 * 6.1 and 6.2), and the directory files. What a card wants proved first differs from card to card and is nowhere written on it: a PIN is verified before, or the
 * card answers that it wants one. Before anything is changed, `markChange` has EF.CIAInfo say so.
 */
import { concat, equalBytes, formatHex, parseHex } from '../../bytes.ts';
import {
  AlgorithmNotSupportedError,
  CardDataError,
  CardError,
  CardFullError,
  NotSupportedByCardError,
  ObjectNotFoundError,
} from '../../errors.ts';
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import { encodeEllipticPublicKey, encodeRsaPublicKey } from '../../public-key.ts';
import { decodeTlv, encodeTlv, findTlv, requireTlv } from '../../tlv/ber-tlv.ts';
import type { GenerateKeyOptions, KeyAlgorithm } from '../../token.ts';
import type { CardAlgorithm } from './card-information.ts';
import { encodeCertificateEntry, trimCertificate, type CertificateObject } from './certificates.ts';
import { parsing } from './der.ts';
import type { EidDirectory } from './directory.ts';
import { isFilling } from './file-shape.ts';
import { algorithmOf, type KeyObject } from './keys.ts';
import { splitEntries } from './object-directory.ts';
import type { FilePath } from './path.ts';
import { encodePublicKeyFile, openPublicKeyFile } from './public-key-file.ts';
import { enterDirectoryOf, setEnvironment } from './signing.ts';
import { requireSuccess, update } from './update.ts';

const INS_GENERATE_ASYMMETRIC_KEY_PAIR = 0x46;
const INS_CREATE_FILE = 0xe0;
const INS_DELETE_FILE = 0xe4;
/** Generate, and give out the public key (ISO/IEC 7816-8:2016, section 5.1, table 4). Unconfirmed on any Swedish card. */
const P1_GENERATE = 0x80;
/** CKM_RSA_PKCS_KEY_PAIR_GEN and CKM_EC_KEY_PAIR_GEN (PKCS #11 v3.1, sections 6.1.4 and 6.3.5), as EF.CIAInfo names them; bit of Operations. */
const MECHANISM_RSA_KEY_PAIR = 0x0000;
const MECHANISM_EC_KEY_PAIR = 0x1040;
const OPERATION_GENERATE_KEY = 7;
const TAG_PUBLIC_KEY = 0x7f49;
const TAG_MODULUS = 0x81;
const TAG_PUBLIC_EXPONENT = 0x82;
const TAG_POINT = 0x86;
/** File control parameters (ISO/IEC 7816-4:2020, section 7.4.3, table 11). */
const TAG_FCP = 0x62;
const TAG_SIZE = 0x80;
const TAG_DESCRIPTOR = 0x82;
const TAG_FILE_IDENTIFIER = 0x83;
const TAG_LIFE_CYCLE = 0x8a;
const TRANSPARENT_EF = 0x01;
const LIFE_CYCLE_ACTIVATED = 0x05;
const SW_FILE_EXISTS = 0x6a89;
/** Where cards of this kind have certificates; the identifiers of new files are looked for here. */
const FIRST_CERTIFICATE_FILE = 0x4331;
const MAX_FILE_TRIES = 64;
/** Reads 15 bits of offset, as READ BINARY does. */
const MAX_FILE_LENGTH = 0x8000;

/** Makes the key anew in the place that the directory has for it. Resolves with SubjectPublicKeyInfo, DER. */
export async function generateKey(directory: EidDirectory, object: KeyObject, options: GenerateKeyOptions): Promise<Uint8Array> {
  const attempt = `generating an ${options.algorithm} key in ${object.id}`;
  if (options.pinPolicy !== undefined || options.touchPolicy !== undefined)
    throw new NotSupportedByCardError(`${attempt}: on cards of this kind the policy of a key was set with its place`);
  const information = await requireWritable(attempt, directory);
  const algorithm = algorithmOf(object, information?.algorithms ?? []);
  if (algorithm !== undefined && algorithm !== options.algorithm)
    throw new AlgorithmNotSupportedError(`${attempt}: the card has its place for an ${algorithm} key`);
  await directory.markChange();
  const publicKeyFile = await openPublicKeyFile(directory, object);
  await publicKeyFile?.empty();
  try {
    const publicKey = await generate(attempt, directory, object, options.algorithm);
    await publicKeyFile?.write(encodePublicKeyFile(options.algorithm, publicKey));
    return publicKey;
  } catch (error) {
    if (error instanceof CardError) await publicKeyFile?.restore();
    throw error;
  } finally {
    directory.forgetWritten('keys');
  }
}

/** Where the card has no file for it, or does not let it be written, it tells what it tells. */
export async function forgetPublicKey(directory: EidDirectory, object: KeyObject): Promise<void> {
  const attempt = `clearing the public key of ${object.id}`;
  await requireWritable(attempt, directory);
  await directory.markChange();
  const file = await openPublicKeyFile(directory, object);
  await file?.empty();
  directory.forgetWritten('keys');
}

async function generate(
  attempt: string,
  directory: EidDirectory,
  object: KeyObject,
  algorithm: KeyAlgorithm,
): Promise<Uint8Array> {
  const { files } = directory;
  const information = await directory.information();
  await enterDirectoryOf(files, object);
  const algorithmReference = generatorOf(algorithm, information?.algorithms ?? []);
  await setEnvironment(attempt, files.channel, { object, algorithmReference });
  const response = await files.channel.exchange({
    cla: 0x00,
    ins: INS_GENERATE_ASYMMETRIC_KEY_PAIR,
    p1: P1_GENERATE,
    p2: 0x00,
    ne: files.channel.supportsExtendedLength ? MAX_EXTENDED_NE : MAX_SHORT_NE,
  });
  requireSuccess(attempt, INS_GENERATE_ASYMMETRIC_KEY_PAIR, response);
  return decodeGenerated(attempt, algorithm, response.data);
}

/** The number by which the card makes such keys, where EF.CIAInfo names it. */
function generatorOf(algorithm: KeyAlgorithm, algorithms: readonly CardAlgorithm[]): number | undefined {
  const mechanism = algorithm.startsWith('RSA-') ? MECHANISM_RSA_KEY_PAIR : MECHANISM_EC_KEY_PAIR;
  return algorithms.find(
    (named) =>
      named.mechanism === mechanism &&
      named.operations.has(OPERATION_GENERATE_KEY) &&
      (named.curve === undefined || named.curve === algorithm),
  )?.algorithmReference;
}

function decodeGenerated(attempt: string, algorithm: KeyAlgorithm, data: Uint8Array): Uint8Array {
  return parsing(`the public key, ${attempt}`, () => {
    const objects = decodeTlv(data);
    const template = findTlv(objects, TAG_PUBLIC_KEY);
    const content = template ? decodeTlv(template) : objects;
    return algorithm === 'P-256' || algorithm === 'P-384'
      ? encodeEllipticPublicKey(algorithm, requireTlv(content, TAG_POINT))
      : encodeRsaPublicKey(requireTlv(content, TAG_MODULUS), requireTlv(content, TAG_PUBLIC_EXPONENT));
  });
}

/** In place of the key's certificate, in its file where it fits; else in a new file. */
export async function writeCertificate(directory: EidDirectory, key: KeyObject, der: Uint8Array): Promise<void> {
  const attempt = `writing the certificate of ${key.id}`;
  directory.readForChange();
  await requireWritable(attempt, directory);
  const earlier = (await directory.ownCertificates()).find(({ id }) => id === key.id);
  const file = earlier && wholeFile(earlier);
  const selected = file === undefined ? undefined : await directory.files.select(file);
  if (file !== undefined && selected && der.length <= (selected.lengthBytes ?? 0)) {
    await directory.markChange();
    await overwriteFile(attempt, directory, file, der);
    directory.forgetWritten('certificates');
    return;
  }
  await addToNewFile(attempt, directory, key, { der, instead: earlier });
}

/** Beside the certificates that the key has. */
export async function addCertificate(directory: EidDirectory, key: KeyObject, der: Uint8Array): Promise<void> {
  const attempt = `adding a certificate of ${key.id}`;
  directory.readForChange();
  await requireWritable(attempt, directory);
  await addToNewFile(attempt, directory, key, { der, instead: undefined });
}

/** First out of the directory, then the file: whenever it breaks off, no entry leads to a file that is gone. */
export async function deleteCertificate(directory: EidDirectory, id: string, der?: Uint8Array): Promise<void> {
  const attempt = `deleting the certificate of ${id}`;
  directory.readForChange();
  await requireWritable(attempt, directory);
  const doomed: CertificateObject[] = [];
  for (const certificate of await directory.ownCertificates()) {
    if (certificate.id !== id) continue;
    const value = der && (await directory.valueOf(certificate));
    const stored = value && trimCertificate(value);
    if (!der || (stored && equalBytes(stored, der))) doomed.push(certificate);
  }
  if (doomed.length === 0) throw new ObjectNotFoundError(`${attempt}: card has none`);
  await directory.markChange();
  const plan = await planEntries(attempt, directory, (entries) =>
    entries.filter((entry) => !doomed.some(({ bytes }) => equalBytes(bytes, entry))),
  );
  await writeEntries(attempt, directory, plan);
  for (const certificate of doomed) {
    const file = wholeFile(certificate);
    if (file !== undefined) await deleteFile(directory, file);
  }
  directory.forgetWritten('certificates');
}

/** The file first, then its entry: whenever it breaks off, the directory leads to whole certificates only. */
async function addToNewFile(
  attempt: string,
  directory: EidDirectory,
  key: KeyObject,
  { der, instead }: { readonly der: Uint8Array; readonly instead: CertificateObject | undefined },
): Promise<void> {
  // Every identifier is as long as any other.
  const entry = (file: string): Uint8Array =>
    encodeCertificateEntry(instead?.label ?? key.label, parseHex(key.id), parseHex(file));
  const stays = (other: Uint8Array): boolean => !instead || !equalBytes(other, instead.bytes);
  const plan = await planEntries(attempt, directory, (entries) => [
    ...entries.filter(stays),
    entry(pathInApplication(directory, FIRST_CERTIFICATE_FILE)),
  ]);
  const file = await createFile(attempt, directory, der.length);
  try {
    await directory.markChange();
    await writeFile(attempt, directory, file, der);
    await writeEntries(attempt, directory, { ...plan, entries: [...plan.entries.slice(0, -1), entry(file)] });
  } catch (error) {
    if (error instanceof CardError) await deleteFile(directory, file);
    throw error;
  }
  const old = instead && wholeFile(instead);
  if (old !== undefined) await deleteFile(directory, old);
  directory.forgetWritten('certificates');
}

function wholeFile({ path }: CertificateObject): string | undefined {
  return path && path.offset === undefined && path.lengthBytes === undefined && path.file.length >= 4 ? path.file : undefined;
}

async function requireWritable(attempt: string, directory: EidDirectory): ReturnType<EidDirectory['information']> {
  const information = await directory.information();
  if (information?.isReadOnly) throw new NotSupportedByCardError(`${attempt}: the card says that nothing on it can be changed`);
  return information;
}

type EntriesChange = (entries: readonly Uint8Array[]) => readonly Uint8Array[];

interface EntriesPlan {
  readonly path: FilePath;
  /** Bytes of the directory file that hold anything. */
  readonly usedLength: number;
  readonly entries: readonly Uint8Array[];
}

/** What the directory file of own certificates is to hold. Throws CardFullError. */
async function planEntries(attempt: string, directory: EidDirectory, change: EntriesChange): Promise<EntriesPlan> {
  const { files } = directory;
  const path = await ownDirectoryFile(attempt, directory);
  const before = await files.read(path, 'objects');
  if (!before) throw new CardDataError(`${attempt}: the card does not give its directory of certificates`);
  const entries = change(parsing('EF.CD', () => splitEntries(before)));
  const after = concat(...entries);
  const room = files.lengthOf(path.file) ?? before.length;
  if (after.length > room)
    throw new CardFullError(`${attempt}: ${after.length} bytes of directory, the card has room for ${room}`);
  return { path, usedLength: before.findLastIndex((byte) => !isFilling(byte)) + 1, entries };
}

async function writeEntries(attempt: string, directory: EidDirectory, { path, usedLength, entries }: EntriesPlan): Promise<void> {
  const { files } = directory;
  const after = concat(...entries);
  const selected = await files.select(path.file);
  if (!selected) throw new CardDataError(`${attempt}: the card does not find its directory of certificates`);
  await update(attempt, files, concat(after, new Uint8Array(Math.max(usedLength - after.length, 0))));
  files.forget(path.file);
  const stored = await files.readSelected(path, 'objects', selected);
  if (!stored || !equalBytes(stored.subarray(0, after.length), after))
    throw new CardDataError(`${attempt}: card gave back another directory than was written`);
  files.learn(path, 'objects', stored);
}

async function ownDirectoryFile(attempt: string, directory: EidDirectory): Promise<FilePath> {
  for (const pointer of await directory.pointers())
    if (pointer.kind === 'certificates' && 'path' in pointer && pointer.path.offset === undefined) return pointer.path;
  throw new NotSupportedByCardError(`${attempt}: the card has no directory of its own certificates`);
}

/** Over what the file holds, to its end. */
async function overwriteFile(attempt: string, directory: EidDirectory, file: string, content: Uint8Array): Promise<void> {
  const before = await directory.files.read({ file }, 'object');
  const rest = Math.max((before?.length ?? 0) - content.length, 0);
  await writeFile(attempt, directory, file, concat(content, new Uint8Array(rest)));
}

/** From its beginning, and reads it back. */
async function writeFile(attempt: string, { files }: EidDirectory, file: string, content: Uint8Array): Promise<void> {
  const selected = await files.select(file);
  if (!selected) throw new CardDataError(`${attempt}: card does not find file ${file}`);
  await update(attempt, files, content);
  files.forget(file);
  const stored = await files.readSelected({ file, offset: 0, lengthBytes: content.length }, 'bytes', selected);
  if (!stored || !equalBytes(stored, content)) throw new CardDataError(`${attempt}: card gave back something else`);
  files.learn({ file }, 'object', stored);
}

/** A transparent file in the application's DF; resolves with its path. Access rules are left to the card. */
async function createFile(attempt: string, directory: EidDirectory, lengthBytes: number): Promise<string> {
  const { files } = directory;
  if (lengthBytes > MAX_FILE_LENGTH) throw new CardFullError(`${attempt}: ${lengthBytes} bytes are more than a file can hold`);
  const { files: unused } = await directory.unusedSpace();
  const certificates = [...(await directory.ownCertificates()), ...(await directory.otherCertificates())];
  const used = new Set([...unused, ...certificates.map(({ path }) => path?.file)].map((file) => file?.slice(-4)));
  await files.enter('');
  for (let identifier = FIRST_CERTIFICATE_FILE; identifier < FIRST_CERTIFICATE_FILE + MAX_FILE_TRIES; identifier++) {
    const name = Uint8Array.of(identifier >> 8, identifier & 0xff);
    if (used.has(formatHex(name)) || directory.takenFiles.has(formatHex(name))) continue;
    const parameters = encodeTlv(
      TAG_FCP,
      encodeTlv(TAG_SIZE, Uint8Array.of(lengthBytes >> 8, lengthBytes & 0xff)),
      encodeTlv(TAG_DESCRIPTOR, Uint8Array.of(TRANSPARENT_EF)),
      encodeTlv(TAG_FILE_IDENTIFIER, name),
      encodeTlv(TAG_LIFE_CYCLE, Uint8Array.of(LIFE_CYCLE_ACTIVATED)),
    );
    const response = await files.channel.exchange({ cla: 0x00, ins: INS_CREATE_FILE, p1: 0x00, p2: 0x00, data: parameters });
    directory.takenFiles.add(formatHex(name));
    if (response.statusWord === SW_FILE_EXISTS) continue;
    requireSuccess(attempt, INS_CREATE_FILE, response);
    return pathInApplication(directory, identifier);
  }
  throw new CardFullError(`${attempt}: the card has no file identifier left for a certificate`);
}

/** From the MF where the application's place is known, else from the application. */
function pathInApplication({ files }: EidDirectory, identifier: number): string {
  return `${files.applicationPath ?? ''}${identifier.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** A card that keeps the file keeps it without an entry: nobody finds it, and only its room is lost. */
async function deleteFile({ files }: EidDirectory, file: string): Promise<void> {
  files.forget(file);
  if (!(await files.select(file))) return;
  await files.channel.exchange({ cla: 0x00, ins: INS_DELETE_FILE, p1: 0x00, p2: 0x00, data: parseHex(file.slice(-4)) });
}
