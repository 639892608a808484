/**
 * The operations of a card that are watched, by the contract that has them: a method that is added there is missed here by the compiler. What a table names is
 * timed; what belongs to what it hands out is watched as well.
 */
import type { CardApplication } from '../../apdu/card-profile.ts';
import type { OpenDocument } from '../../apdu/icao9303/document.ts';
import type { ManagementKey, Token, TokenManagement } from '../../apdu/token.ts';
import type { CardSession } from '../desk/card-session.ts';

/** Names of those members that answer by a promise. */
type Asynchronous<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends (...values: never) => Promise<unknown> ? K : never;
}[keyof T];
type Table<T> = Readonly<Record<Asynchronous<T>, string>>;

export const SESSION_OPERATIONS = {
  application: 'select',
  find: 'find',
  makeSure: 'make_sure',
  read: 'read',
  recognise: 'recognise',
  remember: 'remember',
  token: 'select',
  transmit: 'transmit',
} as const satisfies Table<CardSession>;

export const APPLICATION_OPERATIONS = {
  changeMarker: 'change_marker',
  openDocument: 'open_document',
  serialNumber: 'serial_number',
} as const satisfies Table<CardApplication>;

export const DOCUMENT_OPERATIONS = {
  agreeWithChip: 'agree_with_chip',
  challengeChip: 'challenge_chip',
  read: 'read_file',
} as const satisfies Table<OpenDocument>;

export const TOKEN_OPERATIONS = {
  agree: 'agree',
  changePin: 'change_pin',
  contents: 'contents',
  decipher: 'decipher',
  decrypt: 'decrypt',
  key: 'key',
  pin: 'pin',
  pins: 'pins',
  sign: 'sign',
  signAll: 'sign_all',
  signBlock: 'sign_block',
  signPadded: 'sign_padded',
  unblockPin: 'unblock_pin',
  verifyPin: 'verify_pin',
} as const satisfies Table<Token>;

export const MANAGEMENT_OPERATIONS = {
  addCertificate: 'add_certificate',
  deleteCertificate: 'delete_certificate',
  deleteKey: 'delete_key',
  forgetPublicKey: 'forget_public_key',
  generateKey: 'generate_key',
  pinFor: 'pin_for',
  rename: 'rename',
  writeCertificate: 'write_certificate',
} as const satisfies Table<TokenManagement>;

export const MANAGEMENT_KEY_OPERATIONS = { authenticate: 'authenticate' } as const satisfies Table<ManagementKey>;

type Values<T> = T[keyof T];
export type CardOperation =
  | Values<typeof SESSION_OPERATIONS>
  | Values<typeof APPLICATION_OPERATIONS>
  | Values<typeof DOCUMENT_OPERATIONS>
  | Values<typeof TOKEN_OPERATIONS>
  | Values<typeof MANAGEMENT_OPERATIONS>
  | Values<typeof MANAGEMENT_KEY_OPERATIONS>;

export const CARD_OPERATIONS: readonly CardOperation[] = [
  ...new Set(
    [
      SESSION_OPERATIONS,
      APPLICATION_OPERATIONS,
      DOCUMENT_OPERATIONS,
      TOKEN_OPERATIONS,
      MANAGEMENT_OPERATIONS,
      MANAGEMENT_KEY_OPERATIONS,
    ].flatMap((table): readonly CardOperation[] => Object.values(table)),
  ),
].sort();
