/** EF.AOD: the PINs and PUKs of the card, and how each is written into a command (ISO/IEC 7816-15:2016, section 8.9). */
import { TlvError } from '../../tlv/ber-tlv.ts';
import {
  Elements,
  TAG_BIT_STRING,
  TAG_ENUMERATED,
  TAG_GENERALIZED_TIME,
  TAG_INTEGER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  parseBits,
  parseIdentifier,
  parseInteger,
  parseReference,
  parseSize,
  parsing,
} from './der.ts';
import { parseEntries, type DirectoryEntry } from './object-directory.ts';
import { parsePath } from './path.ts';

export type PinEncoding = 'bcd' | 'ascii' | 'utf-8' | 'half-nibble bcd' | 'iso 9564-1';

export interface PinObject {
  /** How this PIN is called in the Token contract; no two of a card are the same. */
  readonly reference: string;
  /** P2 of VERIFY. */
  readonly verifyReference: number;
  /** What keys name it by. */
  readonly authenticationId: string;
  readonly label: string;
  readonly kind: 'pin' | 'puk';
  /** Of the PUK that unblocks this PIN. */
  readonly pukAuthenticationId?: string;
  readonly encoding: PinEncoding;
  /** In characters. */
  readonly minLength: number;
  readonly maxLength: number;
  /** Bytes of a padded block; absent for a PIN that goes as it is. */
  readonly blockLengthBytes?: number;
  readonly pad: number;
  readonly canChange: boolean;
  readonly canUnblock: boolean;
  /** Goes only inside secure messaging. */
  readonly needsSecureMessaging: boolean;
  readonly isAdministrator: boolean;
  /** The DF in which its reference holds; absent: the application. */
  readonly directory?: string;
}

/** PasswordFlags (section 8.9.2). */
const FLAG_LOCAL = 1;
const FLAG_CHANGE_DISABLED = 2;
const FLAG_UNBLOCK_DISABLED = 3;
const FLAG_NEEDS_PADDING = 5;
const FLAG_UNBLOCKING = 6;
const FLAG_ADMINISTRATOR = 7;
const FLAG_INTEGRITY_PROTECTED = 9;
const FLAG_CONFIDENTIALITY_PROTECTED = 10;

/** PasswordType, by its number. */
const ENCODINGS: readonly PinEncoding[] = ['bcd', 'ascii', 'utf-8', 'half-nibble bcd', 'iso 9564-1'];
const TAG_REFERENCE = 0x80;
/** No card stores a longer one; a bound on what is sent because a card said so. */
const MAX_STORED_LENGTH = 64;
/** ISO 9564-1, format 2: control and length, up to 14 digits. */
const ISO_9564_BLOCK_LENGTH = 8;
const MAX_ISO_9564_DIGITS = 12;

export function parseAuthenticationObjects(content: Uint8Array): readonly PinObject[] {
  const entries = parseEntries('EF.AOD', content);
  return parsing('EF.AOD', () => entries.filter(({ tag }) => tag === TAG_SEQUENCE).map(parsePin));
}

function parsePin(entry: DirectoryEntry): PinObject {
  const authenticationId = parseIdentifier(new Elements(entry.classAttributes).require(TAG_OCTET_STRING, 'authId'), 'authId');
  const elements = new Elements(entry.typeAttributes);
  const flags = parseBits(elements.require(TAG_BIT_STRING, 'flags of a PIN'), 'flags of a PIN');
  const type = parseInteger(elements.require(TAG_ENUMERATED, 'type of a PIN'), 'type of a PIN');
  const lengths = parseLengths(elements);
  const reference = elements.take(TAG_REFERENCE);
  const padCharacter = elements.take(TAG_OCTET_STRING);
  elements.take(TAG_GENERALIZED_TIME);
  const path = elements.take(TAG_SEQUENCE);
  // A global reference holds everywhere, wherever its path leads.
  const directory = path && flags.has(FLAG_LOCAL) ? parsePath(path)?.file : undefined;
  const encoding = ENCODINGS[type];
  if (!encoding) throw new TlvError(`decoding DER: type ${type} of a PIN is none of 0 to ${ENCODINGS.length - 1}`);
  const verifyReference = reference ? parseReference(reference, 'reference of a PIN') : 0;
  const { authenticationId: pukAuthenticationId } = entry;
  return {
    reference: verifyReference.toString(16).toUpperCase().padStart(2, '0'),
    verifyReference,
    authenticationId,
    label: entry.label,
    kind: flags.has(FLAG_UNBLOCKING) ? 'puk' : 'pin',
    ...(pukAuthenticationId === undefined ? {} : { pukAuthenticationId }),
    encoding,
    ...blockOf(encoding, lengths, flags.has(FLAG_NEEDS_PADDING)),
    pad: padCharacter?.[0] ?? (encoding === 'ascii' || encoding === 'utf-8' ? 0x00 : 0xff),
    canChange: !flags.has(FLAG_CHANGE_DISABLED),
    canUnblock: !flags.has(FLAG_UNBLOCK_DISABLED),
    needsSecureMessaging: flags.has(FLAG_INTEGRITY_PROTECTED) || flags.has(FLAG_CONFIDENTIALITY_PROTECTED),
    isAdministrator: flags.has(FLAG_ADMINISTRATOR),
    ...(directory === undefined ? {} : { directory }),
  };
}

interface Lengths {
  readonly min: number;
  readonly stored: number;
  readonly max: number | undefined;
}

function parseLengths(elements: Elements): Lengths {
  const size = (value: Uint8Array, name: string): number => {
    const length = parseSize(value, name);
    if (length > MAX_STORED_LENGTH) throw new TlvError(`decoding DER: ${name} of a PIN is ${length}`);
    return length;
  };
  const min = size(elements.require(TAG_INTEGER, 'least length'), 'least length');
  const stored = size(elements.require(TAG_INTEGER, 'stored length'), 'stored length');
  const max = elements.take(TAG_INTEGER);
  return { min, stored, max: max && size(max, 'greatest length') };
}

/** Lengths in characters against the block that must hold them: what the card claims beyond it cannot be sent. */
function blockOf(
  encoding: PinEncoding,
  { min, stored, max }: Lengths,
  isPadded: boolean,
): Pick<PinObject, 'minLength' | 'maxLength' | 'blockLengthBytes'> {
  const blockLengthBytes = encoding === 'iso 9564-1' ? ISO_9564_BLOCK_LENGTH : isPadded && stored > 0 ? stored : undefined;
  const perByte = encoding === 'bcd' ? 2 : 1;
  const room = encoding === 'iso 9564-1' ? MAX_ISO_9564_DIGITS : stored > 0 ? stored * perByte : MAX_STORED_LENGTH;
  const maxLength = Math.min(max ?? room, room);
  if (min > maxLength || maxLength === 0) throw new TlvError(`decoding DER: a PIN of ${min} to ${maxLength} characters`);
  return { minLength: min, maxLength, ...(blockLengthBytes === undefined ? {} : { blockLengthBytes }) };
}

/** Gives PINs that share a reference, in different DFs, names of their own. */
export function withDistinctReferences(pins: readonly PinObject[]): readonly PinObject[] {
  const seen = new Set<string>();
  return pins.map((pin) => {
    const reference = seen.has(pin.reference) ? `${pin.reference}-${pin.authenticationId}` : pin.reference;
    seen.add(reference);
    return { ...pin, reference };
  });
}
