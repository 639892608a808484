/** SecurityInfos of EF.CardAccess, EF.CardSecurity and DG14 (ICAO Doc 9303-11, section 9.2), and both files' frames. */
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { encodeInteger, encodeOid, sequence, setOf } from '../../der.ts';
import { signData, type CmsSigner } from '../../signed-data.ts';
import type { ActiveAuthenticationHash } from './active-authentication.ts';
import type { ChipAuthenticationKey, PaceVariant } from './chip.ts';
import { CHIP_AUTHENTICATION_KEY_ID } from './chip-authentication.ts';
import { OID_ACTIVE_AUTHENTICATION, OID_SECURITY_OBJECT } from './constants.ts';
import { groupOf } from './groups.ts';
import { chipAuthenticationKeyOid, chipAuthenticationOid, paceOid } from './protocols.ts';

const PACE_VERSION = 2n;
const CHIP_AUTHENTICATION_VERSION = 1n;
const ACTIVE_AUTHENTICATION_VERSION = 1n;
/** Plain ECDSA (TR-03111, section 5.2.1.1), by the last arc. */
const OID_ECDSA_PLAIN = '0.4.0.127.0.7.1.1.4.1';
const ECDSA_PLAIN_ARCS: Readonly<Record<ActiveAuthenticationHash, number>> = {
  'SHA-1': 1,
  'SHA-224': 2,
  'SHA-256': 3,
  'SHA-384': 4,
  'SHA-512': 5,
};

export function paceInfos(variants: readonly PaceVariant[]): readonly Uint8Array[] {
  return variants.map((one) => sequence(paceOid(one), encodeInteger(PACE_VERSION), encodeInteger(BigInt(one.parameters))));
}

/** What the chip can do, and its public key. */
export function chipAuthenticationInfos(key: ChipAuthenticationKey): readonly Uint8Array[] {
  const group = groupOf(key.parameters);
  const keyId = encodeInteger(BigInt(CHIP_AUTHENTICATION_KEY_ID));
  return [
    sequence(chipAuthenticationOid(key), encodeInteger(CHIP_AUTHENTICATION_VERSION), keyId),
    sequence(chipAuthenticationKeyOid(key.parameters), group.publicKeyInfo(group.multiply(group.generator, key.scalar)), keyId),
  ];
}

/** Only for elliptic curves, whose hash nothing else tells (section 9.2.8). */
export function activeAuthenticationInfo(hash: ActiveAuthenticationHash): Uint8Array {
  const algorithm = encodeOid(`${OID_ECDSA_PLAIN}.${ECDSA_PLAIN_ARCS[hash]}`);
  return sequence(encodeOid(OID_ACTIVE_AUTHENTICATION), encodeInteger(ACTIVE_AUTHENTICATION_VERSION), algorithm);
}

export function encodeSecurityInfos(infos: readonly Uint8Array[]): Uint8Array {
  return setOf(...infos);
}

export function encodeSecurityInfosGroup(infos: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(0x6e, setOf(...infos));
}

/** EF.CardSecurity (section 9.2.11): signed, without a frame of its own. */
export function signCardSecurity(infos: readonly Uint8Array[], signer: CmsSigner): Uint8Array {
  return signData({ type: OID_SECURITY_OBJECT, bytes: setOf(...infos) }, signer);
}
