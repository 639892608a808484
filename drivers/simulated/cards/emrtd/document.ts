/** A passport out of its description: what is printed on it, and the chip with all its files. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt, concatBytes } from '../../bytes.ts';
import { encodeInteger } from '../../der.ts';
import { SimulationFileError } from '../../errors.ts';
import { chipKey, documentSigner } from './authorities.ts';
import { newSession, type Chip, type ChipAuthenticationKey, type PaceVariant } from './chip.ts';
import { APPLICATION_ID } from './constants.ts';
import { DATA_GROUP_TAGS, EF_COM, EF_SOD, claimMore, encodeCom } from './data-groups.ts';
import type { EmrtdDescription } from './description.ts';
import type { ElementaryFile } from './files.ts';
import { encodeDataGroups, type DataGroup, type FilledDescription } from './document-contents.ts';
import { groupOf } from './groups.ts';
import { writeMrz, type WrittenMrz } from './mrz.ts';
import { describeEmrtdPersona } from './personas.ts';
import { paceOid } from './protocols.ts';
import { encodeSecurityInfos, chipAuthenticationInfos, paceInfos, signCardSecurity } from './security-infos.ts';
import { signSecurityObject } from './security-object.ts';

/** Utopia, as ICAO calls the state of its specimens (9303-3, section 5). */
const ISSUER = 'UTO';
const DEFAULT_PACE: readonly PaceVariant[] = [{ mapping: 'generic', suite: 'AES-128', parameters: 13 }];
const DEFAULT_CHIP_AUTHENTICATION = { suite: 'AES-128', parameters: 12 } as const;
const CARD_NUMBER_OF_CARDS = '123456';
/** Beyond the end of DG2 when its length is wrong. */
const SURPLUS = 4_096;

export interface MadeDocument {
  readonly chip: Chip;
  readonly atr: Uint8Array;
  readonly carriesExtendedLength: boolean;
  readonly printed: { readonly mrz: readonly string[]; readonly mrzInformation: string; readonly can?: string };
}

/** Throws SimulationFileError, naming the field. */
export function makeDocument(
  order: EmrtdDescription,
  random: (lengthBytes: number) => Uint8Array = (lengthBytes) => new Uint8Array(randomBytes(lengthBytes)),
): MadeDocument {
  const description = fillIn(order);
  const mrz = mrzOf(description);
  const { access, can, canTries, extendedLength, activeAuthentication, chipAuthentication } = description;
  const pace = access.includes('PACE') ? description.pace : [];
  const key = chipAuthentication === 'none' ? undefined : { ...chipAuthentication, scalar: scalarOf(description, 'own') };
  requireCoherent(pace, key);
  const chip: Chip = {
    files: [...masterFiles(description, pace, key), ...applicationFiles(description, mrz, key)],
    passwords: { mrz: mrz.information, ...(can === undefined ? {} : { can }) },
    allowsBac: access.includes('BAC'),
    pace,
    ...(key ? { chipAuthentication: key } : {}),
    ...(activeAuthentication === 'none'
      ? {}
      : { activeAuthentication: { privateKey: chipKey(activeAuthentication.key), hash: activeAuthentication.hash } }),
    ...{ isCloned: description.defects.includes('cloned chip'), random, session: newSession() },
    canTries: { total: canTries, remaining: canTries ?? 0 },
  };
  const printed = { mrz: mrz.lines, mrzInformation: mrz.information, ...(can === undefined ? {} : { can }) };
  return { chip, printed, atr: contactlessAtr(extendedLength), carriesExtendedLength: extendedLength };
}

function fillIn(order: EmrtdDescription): FilledDescription {
  const description = describeEmrtdPersona(order);
  const { holder, documentNumber, issueDate, expiryDate, format = 'TD3', can } = description;
  if (!holder || documentNumber === undefined || issueDate === undefined || expiryDate === undefined)
    throw new SimulationFileError('holder: a passport is somebody’s', { field: 'holder' });
  const number = can ?? (format === 'TD1' ? CARD_NUMBER_OF_CARDS : undefined);
  return {
    ...{ holder, documentNumber, issueDate, expiryDate, format },
    ...(number === undefined ? {} : { can: number }),
    access: description.access ?? ['BAC', 'PACE'],
    pace: description.pace ?? DEFAULT_PACE,
    chipAuthentication: description.chipAuthentication ?? DEFAULT_CHIP_AUTHENTICATION,
    activeAuthentication: description.activeAuthentication ?? 'none',
    signer: description.signer ?? 'ECDSA',
    hash: description.hash ?? 'SHA-256',
    portrait: description.portrait ?? 'JPEG',
    portraitBytes: description.portraitBytes ?? 0,
    dataGroups: description.dataGroups ?? [7, 11, 12],
    ldsVersion: description.ldsVersion ?? '0107',
    extendedLength: description.extendedLength ?? true,
    canTries: description.canTries,
    defects: description.defects ?? [],
  };
}

function mrzOf({ format, documentNumber, expiryDate, holder }: FilledDescription): WrittenMrz {
  const optionalData = holder.personalNumber ?? '';
  return writeMrz({ format, issuer: ISSUER, nationality: ISSUER, documentNumber, expiryDate, optionalData, holder });
}

function requireCoherent(pace: readonly PaceVariant[], key: ChipAuthenticationKey | undefined): void {
  for (const [index, variant] of pace.entries()) {
    const field = `pace[${index}]`;
    try {
      paceOid(variant);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new SimulationFileError(`${field}: ${message}`, { field }, { cause: error });
    }
    if (variant.mapping === 'integrated' && !groupOf(variant.parameters).mapToElement)
      throw new SimulationFileError(`${field}: there is no integrated mapping to P-224 here`, { field });
    if (variant.mapping === 'chip authentication' && variant.parameters !== key?.parameters)
      throw new SimulationFileError(`${field}: its parameters are not those of chipAuthentication`, { field });
  }
}

/** Each document its own key, the same whenever it is made. */
function scalarOf({ chipAuthentication, documentNumber }: FilledDescription, whose: 'another' | 'own'): bigint {
  const { order } = groupOf(chipAuthentication === 'none' ? 0 : chipAuthentication.parameters);
  return (bytesToBigInt(Buffer.from(`${whose} ${documentNumber}`.repeat(8))) % (order - 2n)) + 1n;
}

function masterFiles(
  description: FilledDescription,
  pace: readonly PaceVariant[],
  key: ChipAuthenticationKey | undefined,
): readonly ElementaryFile[] {
  const directory = encodeTlv(0x61, encodeTlv(0x4f, APPLICATION_ID));
  const files: ElementaryFile[] = [
    masterFile(0x2f00, 0x1e, directory),
    masterFile(0x2f01, 0x01, transportInformation(description.extendedLength)),
  ];
  if (pace.length > 0) files.push(masterFile(0x011c, 0x1c, encodeSecurityInfos(paceInfos(pace))));
  const { defects, signer, hash } = description;
  if (!key || !pace.some(({ mapping }) => mapping === 'chip authentication') || defects.includes('no card security'))
    return files;
  const told = defects.includes('wrong card security') ? { ...key, scalar: scalarOf(description, 'another') } : key;
  const infos = [...paceInfos(pace), ...chipAuthenticationInfos(told)];
  const content = signCardSecurity(infos, documentSigner(signer, hash));
  return [...files, { ...masterFile(0x011d, 0x1d, content), readers: 'by PACE' }];
}

function masterFile(id: number, shortId: number, content: Uint8Array): ElementaryFile {
  return { id, shortId, content, isInApplication: false, readers: 'anybody' };
}

/** EF.ATR/INFO: card capabilities, and with extended length the longest command and response (ISO/IEC 7816-4:2020, sections 12.1.1.9 and 12.7.1). */
function transportInformation(extendedLength: boolean): Uint8Array {
  const limit = encodeInteger(0xffffn);
  const capabilities = encodeTlv(0x47, Uint8Array.from(capabilityBytes(extendedLength)));
  return extendedLength ? concatBytes(capabilities, encodeTlv(0x7f66, limit, limit)) : capabilities;
}

function applicationFiles(
  description: FilledDescription,
  { lines }: WrittenMrz,
  key: ChipAuthenticationKey | undefined,
): readonly ElementaryFile[] {
  const { defects, activeAuthentication } = description;
  const publicKey = activeAuthentication === 'none' ? undefined : createPublicKey(chipKey(activeAuthentication.key));
  const groups = encodeDataGroups(description, {
    lines,
    ...(key ? { chipAuthentication: key } : {}),
    ...(publicKey ? { activeAuthentication: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) } : {}),
  });
  const inApplication = { isInApplication: true, readers: 'authenticated' } as const;
  const asStored = groups.map((group) => spoil(group, defects));
  return [
    { ...inApplication, ...EF_COM, content: encodeCom(description.ldsVersion, listedTags(groups, defects)) },
    { ...inApplication, ...EF_SOD, content: securityObject(groups, description) },
    ...asStored.map(({ number, content }): ElementaryFile => {
      const needsTerminalAuthentication = number === 3 || number === 4;
      return {
        ...inApplication,
        ...fileNumbers(number),
        content,
        readers: needsTerminalAuthentication ? 'nobody' : 'authenticated',
      };
    }),
  ];
}

function fileNumbers(number: number): { readonly id: number; readonly shortId: number } {
  return { id: 0x0100 + number, shortId: number };
}

function listedTags(groups: readonly DataGroup[], defects: FilledDescription['defects']): readonly number[] {
  const tags = groups.map(({ number }) => DATA_GROUP_TAGS[number] ?? 0);
  return defects.includes('other list') ? [...tags.slice(0, -1), DATA_GROUP_TAGS[16] ?? 0] : tags;
}

function securityObject(groups: readonly DataGroup[], { defects, signer, hash, ldsVersion }: FilledDescription): Uint8Array {
  const isWrong = (number: number): boolean => number === 1 && defects.includes('wrong hash');
  const hashed = groups.map(({ number, content }) => ({ number, content: isWrong(number) ? content.slice(1) : content }));
  const signed = signSecurityObject({ groups: hashed, hash, ldsVersion }, documentSigner(signer, hash));
  // The last bytes are the signature's.
  if (defects.includes('wrong signature')) signed[signed.length - 1] = (signed[signed.length - 1] ?? 0) ^ 0x01;
  return signed;
}

/** What became of a data group after it was signed. */
function spoil(group: DataGroup, defects: FilledDescription['defects']): DataGroup {
  if (group.number !== 2) return group;
  let { content } = group;
  if (defects.includes('tampered portrait'))
    content = content.map((byte, index) => (index === content.length - 3 ? byte ^ 0x01 : byte));
  return { ...group, content: defects.includes('length over file') ? claimMore(content, SURPLUS) : content };
}

/**
 * Of a contactless card (PC/SC part 3, section 3.1.3.2.3.1): its historical bytes between a fixed head and a check byte. They say what the card can: selection by full
 * name, file identifier and short identifier, chaining, and extended length (ISO/IEC 7816-4:2020, section 12.1.1.9).
 */
function contactlessAtr(extendedLength: boolean): Uint8Array {
  const historical = [0x80, 0x73, ...capabilityBytes(extendedLength)];
  const bytes = [0x3b, 0x80 | historical.length, 0x80, 0x01, ...historical];
  return Uint8Array.from([...bytes, bytes.slice(1).reduce((xor, byte) => xor ^ byte, 0)]);
}

function capabilityBytes(extendedLength: boolean): readonly number[] {
  return [0x94, 0x01, extendedLength ? 0xc0 : 0x80];
}
