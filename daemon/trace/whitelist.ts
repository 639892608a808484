/**
 * What a trace keeps: nothing else of a command or an answer reaches the file. Instructions, data objects and application identifiers that are known to carry
 * no secret and nothing of a person. To keep more, add a row and say why it is harmless.
 */
import { parseHex } from '../../apdu/bytes.ts';

/** What is done with a command's data field and with its answer. */
export interface InstructionRule {
  /** As ISO/IEC 7816-4:2020 or the named specification calls it. */
  readonly name: string;
  readonly data: 'hidden' | 'secret' | 'selection' | Template;
  readonly answer: 'hidden' | 'file' | 'kept' | Template;
}

/**
 * A data object by its tag: a number keeps values up to so many bytes; `application`: kept when it is a known application identifier; `der`: an ASN.1 structure
 * of which only the skeleton stays; `point`: a public key, hidden; a template: what is in it. The value of an object without a row is hidden.
 */
export type ObjectRule = number | 'application' | 'der' | 'point' | Template;
export type Template = ReadonlyMap<number, ObjectRule>;

const template = (rows: readonly (readonly [number, ObjectRule])[]): Template => new Map(rows);

/** File control parameters (ISO/IEC 7816-4:2020, section 7.4.3, table 10): sizes, descriptors, identifiers, life cycle, access rules. No proprietary data. */
const FILE_CONTROL: Template = template([
  [0x80, 4],
  [0x81, 4],
  [0x82, 6],
  [0x83, 2],
  [0x84, 'application'],
  [0x88, 1],
  [0x8a, 1],
  [0x8b, 8],
  [0x8c, 8],
  [0x8e, 1],
]);
/** Application property template of PIV (NIST SP 800-73-5 part 2, section 3.1.1, tables 3 to 5). Its label and address are texts, and hidden. */
const APPLICATION_PROPERTIES: Template = template([
  [0x4f, 'application'],
  [0x79, template([[0x4f, 'application']])],
  [
    0xac,
    template([
      [0x80, 1],
      [0x06, 1],
    ]),
  ],
]);
/** Answer to SELECT: FCI, FCP, FMD, or the application property template. */
const SELECTED: Template = template([
  [0x61, APPLICATION_PROPERTIES],
  [0x62, FILE_CONTROL],
  [0x64, FILE_CONTROL],
  [0x6f, FILE_CONTROL],
]);
/** Data objects of PIV (NIST SP 800-73-5 part 1, appendix A): the certificate's skeleton, whether it is compressed, counts of the key history, the PIN policy. */
const PIV_OBJECT: Template = template([
  [0x5c, 3],
  [
    0x53,
    template([
      [0x70, 'der'],
      [0x71, 1],
      [0xc1, 1],
      [0xc2, 1],
      [0xfe, 0],
    ]),
  ],
  [
    0x7e,
    template([
      [0x4f, 'application'],
      [0x5f2f, 2],
    ]),
  ],
]);
/** References of algorithm, key and PIN in MSE SET (ISO/IEC 7816-4:2020, section 10.3.1, table 39). No key that agrees (91), no name. */
const SECURITY_ENVIRONMENT: Template = template([
  [0x80, 12],
  [0x83, 1],
  [0x84, 1],
  [0x95, 1],
]);
/** Dynamic authentication template (ISO/IEC 7816-4:2020, section 11.5.5): which objects, of what length. */
const AUTHENTICATION: Template = template([[0x7c, template([])]]);
const KEY_REQUEST: Template = template([
  [
    0xac,
    template([
      [0x80, 1],
      [0xaa, 1],
      [0xab, 1],
    ]),
  ],
]);
/** Public key of GENERATE ASYMMETRIC KEY PAIR (ISO/IEC 7816-8:2021, table 3): only the exponent is the same for everybody. */
const PUBLIC_KEY: Template = template([
  [
    0x7f49,
    template([
      [0x82, 3],
      [0x86, 'point'],
    ]),
  ],
]);
/** Offset and length of READ and UPDATE BINARY with an odd instruction (ISO/IEC 7816-4:2020, section 11.3.1). */
const OFFSET: Template = template([[0x54, 3]]);
/** A new file's control parameters. */
const NEW_FILE: Template = template([
  [0x62, FILE_CONTROL],
  [0x6f, FILE_CONTROL],
]);
/** Metadata of a key or PIN (Yubico .NET SDK, users-manual/application-piv/apdu/metadata): algorithm, policies, origin, whether it is the factory's, tries. */
const METADATA: Template = template([
  [0x01, 1],
  [0x02, 2],
  [0x03, 1],
  [0x05, 1],
  [0x06, 2],
]);

/** Interindustry instructions (ISO/IEC 7816-4:2020, section 5.4.2, table 5; ISO/IEC 7816-8 and -9). Those that carry a PIN are `secret`: not even the length stays. */
export const INSTRUCTIONS: ReadonlyMap<number, InstructionRule> = new Map<number, InstructionRule>([
  [0x04, { name: 'DEACTIVATE FILE', data: 'hidden', answer: 'hidden' }],
  [0x0e, { name: 'ERASE BINARY', data: 'hidden', answer: 'hidden' }],
  [0x20, { name: 'VERIFY', data: 'secret', answer: 'hidden' }],
  [0x21, { name: 'VERIFY', data: 'secret', answer: 'hidden' }],
  [0x22, { name: 'MANAGE SECURITY ENVIRONMENT', data: SECURITY_ENVIRONMENT, answer: 'hidden' }],
  [0x24, { name: 'CHANGE REFERENCE DATA', data: 'secret', answer: 'hidden' }],
  [0x25, { name: 'CHANGE REFERENCE DATA', data: 'secret', answer: 'hidden' }],
  [0x26, { name: 'DISABLE VERIFICATION REQUIREMENT', data: 'secret', answer: 'hidden' }],
  [0x28, { name: 'ENABLE VERIFICATION REQUIREMENT', data: 'secret', answer: 'hidden' }],
  [0x2a, { name: 'PERFORM SECURITY OPERATION', data: 'hidden', answer: 'hidden' }],
  [0x2c, { name: 'RESET RETRY COUNTER', data: 'secret', answer: 'hidden' }],
  [0x2d, { name: 'RESET RETRY COUNTER', data: 'secret', answer: 'hidden' }],
  [0x44, { name: 'ACTIVATE FILE', data: 'hidden', answer: 'hidden' }],
  [0x46, { name: 'GENERATE ASYMMETRIC KEY PAIR', data: 'hidden', answer: PUBLIC_KEY }],
  [0x47, { name: 'GENERATE ASYMMETRIC KEY PAIR', data: KEY_REQUEST, answer: PUBLIC_KEY }],
  [0x70, { name: 'MANAGE CHANNEL', data: 'hidden', answer: 'hidden' }],
  [0x82, { name: 'EXTERNAL AUTHENTICATE', data: 'hidden', answer: 'hidden' }],
  [0x84, { name: 'GET CHALLENGE', data: 'hidden', answer: 'hidden' }],
  [0x86, { name: 'GENERAL AUTHENTICATE', data: AUTHENTICATION, answer: AUTHENTICATION }],
  [0x87, { name: 'GENERAL AUTHENTICATE', data: AUTHENTICATION, answer: AUTHENTICATION }],
  [0x88, { name: 'INTERNAL AUTHENTICATE', data: 'hidden', answer: 'hidden' }],
  [0xa4, { name: 'SELECT', data: 'selection', answer: SELECTED }],
  [0xb0, { name: 'READ BINARY', data: 'hidden', answer: 'file' }],
  [0xb1, { name: 'READ BINARY', data: OFFSET, answer: 'hidden' }],
  [0xb2, { name: 'READ RECORD', data: 'hidden', answer: 'file' }],
  [0xc0, { name: 'GET RESPONSE', data: 'hidden', answer: 'hidden' }],
  [0xc2, { name: 'ENVELOPE', data: 'hidden', answer: 'hidden' }],
  [0xca, { name: 'GET DATA', data: 'hidden', answer: 'hidden' }],
  [0xcb, { name: 'GET DATA', data: PIV_OBJECT, answer: PIV_OBJECT }],
  [0xd6, { name: 'UPDATE BINARY', data: 'hidden', answer: 'hidden' }],
  [0xd7, { name: 'UPDATE BINARY', data: OFFSET, answer: 'hidden' }],
  [0xda, { name: 'PUT DATA', data: 'hidden', answer: 'hidden' }],
  [0xdb, { name: 'PUT DATA', data: PIV_OBJECT, answer: 'hidden' }],
  [0xdc, { name: 'UPDATE RECORD', data: 'hidden', answer: 'hidden' }],
  [0xe0, { name: 'CREATE FILE', data: NEW_FILE, answer: 'hidden' }],
  [0xe4, { name: 'DELETE FILE', data: 'hidden', answer: 'hidden' }],
]);

/** Yubico's, which mean this while the PIV application is selected (Yubico .NET SDK, users-manual/application-piv/apdu). */
export const PIV_INSTRUCTIONS: ReadonlyMap<number, InstructionRule> = new Map<number, InstructionRule>([
  [0xf6, { name: 'MOVE KEY (Yubico)', data: 'hidden', answer: 'hidden' }],
  [0xf7, { name: 'GET METADATA (Yubico)', data: 'hidden', answer: METADATA }],
  [0xf8, { name: 'GET SERIAL NUMBER (Yubico)', data: 'hidden', answer: 'hidden' }],
  [0xf9, { name: 'ATTEST (Yubico)', data: 'hidden', answer: 'hidden' }],
  [0xfa, { name: 'SET PIN TRIES (Yubico)', data: 'secret', answer: 'hidden' }],
  [0xfb, { name: 'RESET (Yubico)', data: 'hidden', answer: 'hidden' }],
  [0xfd, { name: 'GET VERSION (Yubico)', data: 'hidden', answer: 'kept' }],
  [0xff, { name: 'SET MANAGEMENT KEY (Yubico)', data: 'secret', answer: 'hidden' }],
]);

/** Secure messaging (ISO/IEC 7816-4:2020, section 10.2.1): the protected Le and status word stand in the clear. Cryptograms and checksums are hidden. */
export const SECURE_MESSAGING: Template = template([
  [0x85, 0],
  [0x87, 0],
  [0x8e, 0],
  [0x97, 3],
  [0x99, 2],
]);

/** NIST SP 800-73-5 part 1, section 2.2. Its last bytes, the version, may be left out. */
export const PIV_APPLICATION = parseHex('A00000030800001000');

/** The same on every card of its kind. Whatever else is selected by name is hidden: OpenPGP has its serial number there. */
export const APPLICATIONS: readonly Uint8Array[] = [
  PIV_APPLICATION,
  parseHex('000010000100'), // its own part of the name, as the application property template has it
  parseHex('A000000308'),
  parseHex('A000000308000010000100'),
  parseHex('A000000063504B43532D3135'), // PKCS #15 v1.1, section 5.1
  parseHex('E828BD080F'), // ISO/IEC 7816-15:2016, section 6
  parseHex('A0000002471001'), // eMRTD, ICAO 9303-10, section 3.4
  parseHex('A0000002472001'),
  parseHex('A000000247'),
  parseHex('A000000527471117'), // YubiKey management
  parseHex('A0000006472F0001'), // FIDO
];
