import { randomBytes } from 'node:crypto';
import { DOCUMENT_FILES } from '../../../api-spec/travel-document.ts';
import type { Result } from '../../../api-spec/methods/index.ts';
import { ChipNotGenuineError } from '../../../apdu/errors.ts';
import type { DataGroup } from '../../../apdu/icao9303/document-files.ts';
import { birthDateOf, expiryDateOf } from '../../../apdu/icao9303/mrz-dates.ts';
import type { Mrz } from '../../../apdu/icao9303/mrz.ts';
import type { CardSession } from '../../desk/card-session.ts';
import type { Passport } from '../../documents/passport.ts';
import type { Picture } from '../../documents/pictures.ts';
import type { CertificateFacts } from '../../identity/certificate-facts.ts';
import type { ReadingOptions } from '../../documents/document-reading.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { ownerOf, withCard, type HandlerContext } from './context.ts';

const USUAL_GROUPS: readonly DataGroup[] = ['DG1', 'DG2', 'DG7', 'DG11', 'DG12'];
/** Between two events of one reading. */
const PROGRESS_MS = 100;

export function passportHandlers(context: HandlerContext): Pick<Handlers, 'passport.read'> {
  return { 'passport.read': (params, call) => readPassport(context, params, call) };
}

/** Whatever is told of the document is worked out when the card is free again. The libraries are loaded with the first document. */
async function readPassport(
  context: HandlerContext,
  params: PublicParams<'passport.read'>,
  call: Call,
): Promise<Result<'passport.read'>> {
  const { accessFrom, countryOf, examinePassport, readTravelDocument } = await import('../../documents/index.ts');
  const { access, repairs } = accessFrom(params.access);
  const { dataGroups = USUAL_GROUPS, provesChip = true, includesFiles = false } = params;
  const order = { access, groups: dataGroups, provesChip };
  const { reading, exchanges } = await withCard(context, params, call, {}, async (session) => {
    const application = await session.application();
    const options = { randomBytes: drawn, onProgress: await progressOf(context, session) };
    return { reading: await readTravelDocument(application, order, options), exchanges: session.exchanges };
  });
  const now = new Date();
  const passport = await examinePassport(reading, { signers: await context.countrySigners(), now, signal: call.signal });
  if (params.requiresGenuineChip && passport.verdicts.chip === 'failed')
    throw new ChipNotGenuineError('reading the document: its chip does not prove that it is no copy');
  const { mrz, signer } = passport;
  return {
    reading: keep(context, call, passport, signer && countryOf(signer)),
    ...describePassport(passport),
    access: { protocol: reading.protocol, repairs: [...repairs] },
    ...(mrz ? { mrz: describeMrz(mrz, now) } : {}),
    ...(signer ? { signer: describeSigner(signer, countryOf(signer)) } : {}),
    ...(includesFiles ? { files: [...reading.files].flatMap(([name, file]) => fileOf(name, file)) } : {}),
    exchanges,
  };
}

/** For document.verify: what a verdict needs, and no picture. */
function keep(
  { passportReadings, access }: HandlerContext,
  call: Call,
  { checks, mrz, person }: Passport,
  signerCountry: string | undefined,
): string {
  const reading = passportReadings.newId();
  passportReadings.put(ownerOf(call), reading, { checks, mrz, person, signerCountry }, access.policy.verdicts.keepMs);
  return reading;
}

function drawn(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

/** Sizes alone: nothing of what is read. */
async function progressOf({ events }: HandlerContext, { card }: CardSession): Promise<ReadingOptions['onProgress']> {
  const { ReadingProgress } = await import('../../documents/index.ts');
  const progress = new ReadingProgress();
  let last = -Infinity;
  return (step, planned) => {
    const fraction = progress.fractionAt(step, planned);
    const isOver = step.readBytes === step.totalBytes && step.file === planned.at(-1);
    if (step.file === 'DG3' || step.file === 'DG4') return;
    if (!isOver && performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    events.publish('passport.progress', { card: card.id, reader: card.reader.id, ...step, file: step.file, fraction });
  };
}

function describePassport(passport: Passport) {
  const { verdicts, checks, person, document, portrait, signature } = passport;
  return {
    verdicts: { ...verdicts },
    checks: checks.map((check) => ({ ...check })),
    ...(person ? { person: describePerson(person) } : {}),
    ...(document ? { document: { ...document } } : {}),
    ...(portrait ? { portrait: describePicture(portrait) } : {}),
    ...(signature ? { signature: describePicture(signature) } : {}),
  };
}

function describePerson({ placeOfBirth, address, ...texts }: NonNullable<Passport['person']>) {
  return {
    ...texts,
    ...(placeOfBirth ? { placeOfBirth: [...placeOfBirth] } : {}),
    ...(address ? { address: [...address] } : {}),
  };
}

function describePicture({ bytes, ...facts }: Picture) {
  return { ...facts, data: toBase64(bytes) };
}

function describeMrz(mrz: Mrz, now: Date): NonNullable<Result<'passport.read'>['mrz']> {
  const { format, lines, documentCode, issuer, name, documentNumber, nationality, sex, optionalData, checks, isConsistent } = mrz;
  const birthDate = birthDateOf(mrz.birthDate, now);
  const expiryDate = expiryDateOf(mrz.expiryDate, now);
  return {
    ...{ format, documentCode, issuer, documentNumber, nationality, sex, isConsistent },
    lines: [...lines],
    ...{ surname: name.surname, givenNames: name.givenNames, nameMayBeTruncated: name.mayBeTruncated },
    ...(birthDate === undefined ? {} : { birthDate }),
    ...(expiryDate === undefined ? {} : { expiryDate }),
    optionalData: [...optionalData],
    checkDigits: checks.map((check) => ({ ...check })),
  };
}

function describeSigner(signer: CertificateFacts, country: string): NonNullable<Result<'passport.read'>['signer']> {
  const { x509, subjectText, issuerText, notBefore, notAfter, fingerprint } = signer;
  return {
    ...{ subject: subjectText, issuer: issuerText, country, fingerprint },
    serialNumber: x509.serialNumber,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
  };
}

const FILE_NAMES: readonly (typeof DOCUMENT_FILES)[number][] = DOCUMENT_FILES;

function fileOf(name: string, file: Uint8Array) {
  const known = FILE_NAMES.find((one) => one === name);
  return known === undefined ? [] : [{ name: known, data: toBase64(file) }];
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
