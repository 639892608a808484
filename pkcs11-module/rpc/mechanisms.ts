/**
 * Mechanisms on the wire (p11-kit/rpc-message.c, p11_rpc_buffer_get_mechanism; which are known: p11_rpc_mechanism_is_supported). A client lets nobody use one that it
 * does not know, and the parameters of each have a layout of their own.
 */
import type { Dialect } from './calls.ts';
import { RpcProtocolError, type RpcReader } from './reader.ts';

/** PKCS #11 v3.0, sections 2.1.8 and 2.1.10. */
export interface PssParameters {
  readonly kind: 'pss';
  readonly hash: number;
  readonly mgf: number;
  readonly saltLength: number;
}

export interface OaepParameters {
  readonly kind: 'oaep';
  readonly hash: number;
  readonly mgf: number;
  readonly source: number;
  readonly sourceData: Uint8Array;
}

/** PKCS #11 v3.0, section 2.3.17. */
export interface EcdhParameters {
  readonly kind: 'ecdh';
  readonly kdf: number;
  readonly sharedData: Uint8Array;
  readonly publicData: Uint8Array;
}

/** Of a mechanism that no card does: read for what comes after it. */
export interface OtherParameters {
  readonly kind: 'other';
}

export type MechanismParameters = EcdhParameters | OaepParameters | OtherParameters | PssParameters;

export interface Mechanism {
  readonly type: number;
  readonly parameters?: MechanismParameters;
}

/** In place of a mechanism: the operation is to be ended (PKCS #11 v3.0, section 5.8). */
const NULL_MECHANISM = 0xff_ff_ff_ff;
const NO_PARAMETERS = 0xff_ff_ff_ff;

/** Those without parameters in dialect 0 (p11-kit 0.24.1), hexadecimal as in pkcs11t.h. */
const PLAIN = parse(
  `0 1 2 3 4 5 6 7 8 a b c 10 11 12 20 30 40 41 42 100 101 103 110 111 120 121 123 130 131 132 134 140 141 143 200 201 210 211 220
   221 230 231 240 241 250 251 260 261 270 271 300 301 303 310 311 313 320 321 330 331 333 340 341 343 350 370 374 380 381 400
   1000 1008 1010 1020 1030 1036 1040 1041 1042 1060 1065 1070 1080 1081 1083 2000 2001 2002`,
);
/** And those that dialects 1 and 2 have besides. */
const PLAIN_LATER = parse(
  `46 48 49 4b 4c 4d 4f 50 51 53 138 255 256 392 393 394 395 396 1043 1044 1045 1046 108a
   80010001 80010002 80010003 80010004 80010007 8001001c 8001001f 80010023 80010025 80010026 80010027 80010028`,
);

type Layout = (reader: RpcReader) => MechanismParameters;

const pss: Layout = (reader) => ({
  kind: 'pss',
  hash: reader.ulong(),
  mgf: reader.ulong(),
  saltLength: reader.ulong(),
});
const oaep: Layout = (reader) => ({
  kind: 'oaep',
  hash: reader.ulong(),
  mgf: reader.ulong(),
  source: reader.ulong(),
  sourceData: reader.sized() ?? new Uint8Array(),
});
const ecdh: Layout = (reader) => ({
  kind: 'ecdh',
  kdf: reader.ulong(),
  sharedData: reader.sized() ?? new Uint8Array(),
  publicData: reader.sized() ?? new Uint8Array(),
});
const sized: Layout = (reader) => {
  reader.sized();
  return { kind: 'other' };
};
const counter: Layout = (reader) => {
  reader.ulong();
  return sized(reader);
};
const gcm: Layout = (reader) => {
  reader.sized();
  reader.ulong();
  reader.sized();
  reader.ulong();
  return { kind: 'other' };
};
const number: Layout = (reader) => {
  reader.ulong();
  return { kind: 'other' };
};

const LAYOUTS: ReadonlyMap<number, Layout> = new Map([...parse('d')].map((type) => [type, pss] as const).concat([[0x9, oaep]]));
const LAYOUTS_LATER: ReadonlyMap<number, Layout> = new Map([
  ...LAYOUTS,
  ...rows('e 43 44 45 47', pss),
  ...rows('1050 8001001b 8001001e', ecdh),
  ...rows('1082 1085 2104 2105 2106 2107 2108 1089 122 125 133 136 150 152 153 21', sized),
  ...rows('1086', counter),
  ...rows('1087', gcm),
  ...rows('222 252 257 262 272 4a 4e 1084 108b 135 137 80020004', number),
]);

function parse(text: string): ReadonlySet<number> {
  return new Set(text.split(/\s+/).map((digits) => Number.parseInt(digits, 16)));
}

function rows(types: string, layout: Layout): readonly (readonly [number, Layout])[] {
  return [...parse(types)].map((type) => [type, layout]);
}

function isPlain(type: number, dialect: Dialect): boolean {
  return PLAIN.has(type) || (dialect > 0 && PLAIN_LATER.has(type));
}

function layoutOf(type: number, dialect: Dialect): Layout | undefined {
  return (dialect === 0 ? LAYOUTS : LAYOUTS_LATER).get(type);
}

/** Whether a client of this dialect lets it through: 0.24.1 reads past its list when it strikes out one that it does not know. */
export function isKnownMechanism(type: number, dialect: Dialect): boolean {
  return isPlain(type, dialect) || layoutOf(type, dialect) !== undefined;
}

/**
 * Undefined for the NULL mechanism. `bytesAfter`: of what must follow in the call, when that has a fixed length: clients 0.25.0 to 0.25.2 send type 0 alone for
 * the NULL mechanism, which is CKM_RSA_PKCS_KEY_PAIR_GEN too.
 */
export function readMechanism(reader: RpcReader, dialect: Dialect, bytesAfter: number | undefined): Mechanism | undefined {
  const type = reader.uint32();
  if (type === NULL_MECHANISM && dialect > 0) return undefined;
  if (type === 0 && dialect === 1 && reader.remaining === bytesAfter) return undefined;
  const layout = isPlain(type, dialect) ? undefined : layoutOf(type, dialect);
  if (!layout && !isPlain(type, dialect)) throw new RpcProtocolError(`reading a mechanism: clients do not know ${type}`);
  if (dialect === 2) return layout && reader.byte() !== 0 ? { type, parameters: layout(reader) } : { type };
  if (!layout) {
    if (reader.uint32() !== NO_PARAMETERS) throw new RpcProtocolError(`reading mechanism ${type}: it has parameters`);
    return { type };
  }
  return { type, parameters: layout(reader) };
}
