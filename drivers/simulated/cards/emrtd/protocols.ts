/** Object identifiers of PACE and chip authentication: which variant has which arcs (ICAO Doc 9303-11, sections 9.2.1 and 9.2.5 to 9.2.7). */
import { encodeOid } from '../../certificate.ts';
import type { ChipAuthenticationKey, PaceVariant } from './chip.ts';
import type { SuiteName } from './cipher.ts';
import { OID_CHIP_AUTHENTICATION, OID_CHIP_AUTHENTICATION_KEY, OID_PACE } from './constants.ts';
import { isCurve } from './groups.ts';

const SUITE_ARCS: Readonly<Record<SuiteName, number>> = { '3DES': 1, 'AES-128': 2, 'AES-192': 3, 'AES-256': 4 };
const MAPPING_ARCS = {
  DH: { generic: 1, integrated: 3, 'chip authentication': undefined },
  ECDH: { generic: 2, integrated: 4, 'chip authentication': 6 },
} as const;
const AGREEMENT_ARCS = { DH: 1, ECDH: 2 } as const;

/** The whole object, DER. Throws RangeError for a mapping that its group does not have. */
export function paceOid({ mapping, suite, parameters }: PaceVariant): Uint8Array {
  const arc = MAPPING_ARCS[agreementOf(parameters)][mapping];
  if (arc === undefined) throw new RangeError(`${mapping} mapping is not defined for domain parameters ${parameters}`);
  return encodeOid(`${OID_PACE}.${arc}.${SUITE_ARCS[suite]}`);
}

export function chipAuthenticationOid({ suite, parameters }: Pick<ChipAuthenticationKey, 'parameters' | 'suite'>): Uint8Array {
  return encodeOid(`${OID_CHIP_AUTHENTICATION}.${AGREEMENT_ARCS[agreementOf(parameters)]}.${SUITE_ARCS[suite]}`);
}

export function chipAuthenticationKeyOid(parameters: number): Uint8Array {
  return encodeOid(`${OID_CHIP_AUTHENTICATION_KEY}.${AGREEMENT_ARCS[agreementOf(parameters)]}`);
}

function agreementOf(parameters: number): 'DH' | 'ECDH' {
  return isCurve(parameters) ? 'ECDH' : 'DH';
}
