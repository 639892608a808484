/** SecurityInfos of EF.CardAccess, EF.CardSecurity and DG14 (ICAO Doc 9303-11, section 9.2): which protocols a chip speaks, and with which parameters. */
import { formatHex } from '../bytes.ts';
import { CardDataError } from '../errors.ts';
import type { CipherSuiteName } from '../secure-messaging/cipher-suite.ts';
import { TlvError, decodeFirstTlv, decodeTlv, requireTlv, type TlvObject } from '../tlv/ber-tlv.ts';

export type PaceMapping = 'chip authentication' | 'generic' | 'integrated';

export interface PaceInfo {
  /** Contents of the object identifier, as it goes to the card. */
  readonly protocol: Uint8Array;
  readonly agreement: 'DH' | 'ECDH';
  readonly mapping: PaceMapping;
  readonly suite: CipherSuiteName;
  /** Of standardized domain parameters; undefined for a card with parameters of its own. */
  readonly parameterId: number | undefined;
}

/** What of a SecurityInfo every protocol has. */
export interface SecurityInfo {
  readonly protocol: Uint8Array;
  readonly required: TlvObject;
  readonly optional: TlvObject | undefined;
}

const TAG_SET = 0x31;
const TAG_SEQUENCE = 0x30;
const TAG_INTEGER = 0x02;
const TAG_OBJECT_IDENTIFIER = 0x06;
/** id-PACE, 0.4.0.127.0.7.2.2.4; two arcs more say how (section 9.2.1). */
const PACE = '04007F0007020204';
const PACE_VERSION = 2;
const MAPPINGS: Readonly<Record<number, Pick<PaceInfo, 'agreement' | 'mapping'>>> = {
  1: { agreement: 'DH', mapping: 'generic' },
  2: { agreement: 'ECDH', mapping: 'generic' },
  3: { agreement: 'DH', mapping: 'integrated' },
  4: { agreement: 'ECDH', mapping: 'integrated' },
  6: { agreement: 'ECDH', mapping: 'chip authentication' },
};
export const SUITES: Readonly<Record<number, CipherSuiteName>> = { 1: '3DES', 2: 'AES-128', 3: 'AES-192', 4: 'AES-256' };
/** Cards have a handful. */
const MAX_INFOS = 64;

/** Throws CardDataError. */
export function parseSecurityInfos(bytes: Uint8Array): readonly SecurityInfo[] {
  try {
    const { object: set } = decodeFirstTlv(bytes);
    if (set.tag !== TAG_SET) throw new CardDataError('reading the security infos: they are no set');
    return decodeTlv(set.value)
      .slice(0, MAX_INFOS)
      .flatMap(({ tag, value }) => (tag === TAG_SEQUENCE ? parseInfo(value) : []));
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError('reading the security infos: they do not parse', {}, { cause: error });
    throw error;
  }
}

function parseInfo(value: Uint8Array): readonly SecurityInfo[] {
  const [protocol, required, optional] = decodeTlv(value);
  return protocol?.tag === TAG_OBJECT_IDENTIFIER && required ? [{ protocol: protocol.value, required, optional }] : [];
}

/** Of which the reader may choose; unknown variants and versions are left out. */
export function paceInfosOf(infos: readonly SecurityInfo[]): readonly PaceInfo[] {
  return infos.flatMap(({ protocol, required, optional }) => {
    const variant = formatHex(protocol.subarray(0, -2)) === PACE ? MAPPINGS[protocol.at(-2) ?? 0] : undefined;
    const suite = SUITES[protocol.at(-1) ?? 0];
    const isVersion = required.tag === TAG_INTEGER && required.value.length === 1 && required.value[0] === PACE_VERSION;
    if (!variant || !suite || !isVersion) return [];
    const parameterId = optional?.tag === TAG_INTEGER && optional.value.length === 1 ? optional.value[0] : undefined;
    return [{ protocol, ...variant, suite, parameterId }];
  });
}

const TAG_EXPLICIT = 0xa0;
const TAG_OCTET_STRING = 0x04;

/** EF.CardSecurity: SecurityInfos that the issuer signed, inside a CMS SignedData (RFC 5652, section 5.1). The signature is not looked at here. Throws CardDataError. */
export function parseCardSecurity(file: Uint8Array): readonly SecurityInfo[] {
  try {
    const signedData = decodeTlv(requireTlv(decodeTlv(requireTlv(decodeTlv(file), TAG_SEQUENCE)), TAG_EXPLICIT));
    const content = decodeTlv(requireTlv(signedData, TAG_SEQUENCE)).find(({ tag }) => tag === TAG_SEQUENCE);
    const octets = requireTlv(
      decodeTlv(requireTlv(decodeTlv(content?.value ?? new Uint8Array(0)), TAG_EXPLICIT)),
      TAG_OCTET_STRING,
    );
    return parseSecurityInfos(octets);
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError('reading EF.CardSecurity: it does not parse', {}, { cause: error });
    throw error;
  }
}
