/** Public keys of chips (ICAO Doc 9303-11, section 9.4): SubjectPublicKeyInfo with a curve by its name or by its parameters, or with a group of integers. */
import { formatHex } from '../bytes.ts';
import { CardDataError, NotSupportedByCardError } from '../errors.ts';
import { TlvError, decodeTlv, requireTlv, type TlvObject } from '../tlv/ber-tlv.ts';
import { curveGroup, integerGroup, toBytes, toInteger, type AgreementGroup } from './agreement-group.ts';
import { CURVES } from './domain-parameters.ts';

export interface ChipKey {
  readonly group: AgreementGroup;
  /** An element of the group. */
  readonly publicKey: Uint8Array;
}

const TAG_INTEGER = 0x02;
const TAG_BIT_STRING = 0x03;
const TAG_OBJECT_IDENTIFIER = 0x06;
const TAG_SEQUENCE = 0x30;
/** id-ecPublicKey (RFC 5480, section 2.1.1), dhpublicnumber (RFC 3279, section 2.3.3), dhKeyAgreement (PKCS #3, section 9). */
const EC_PUBLIC_KEY = '2A8648CE3D0201';
const DH_PUBLIC_NUMBER = '2A8648CE3E0201';
const DH_KEY_AGREEMENT = '2A864886F70D010301';
/** RFC 5480, section 2.1.1.1, and RFC 5639, section 4.1. */
const CURVE_NAMES: Readonly<Record<string, string>> = {
  '2A8648CE3D030101': 'P-192',
  '2B81040021': 'P-224',
  '2A8648CE3D030107': 'P-256',
  '2B81040022': 'P-384',
  '2B81040023': 'P-521',
  '2B2403030208010103': 'brainpoolP192r1',
  '2B2403030208010105': 'brainpoolP224r1',
  '2B2403030208010107': 'brainpoolP256r1',
  '2B2403030208010109': 'brainpoolP320r1',
  '2B240303020801010B': 'brainpoolP384r1',
  '2B240303020801010D': 'brainpoolP512r1',
};
/** Of the parameters of a group that does not say how long its secret scalars are. */
const MAX_PRIME_BYTES = 512;

/** Throws CardDataError; NotSupportedByCardError for a kind of key that kortd does not know. */
export function parseChipKey(attempt: string, spki: Uint8Array): ChipKey {
  try {
    const [algorithm, key] = decodeTlv(requireTlv(decodeTlv(spki), TAG_SEQUENCE));
    const [identifier, parameters] = decodeTlv(algorithm?.value ?? new Uint8Array(0));
    if (identifier?.tag !== TAG_OBJECT_IDENTIFIER || !parameters || key?.tag !== TAG_BIT_STRING)
      throw new CardDataError(`${attempt}: the chip's key is no public key`);
    const bits = key.value.subarray(1);
    switch (formatHex(identifier.value)) {
      case EC_PUBLIC_KEY:
        return { group: curveOf(attempt, parameters), publicKey: bits };
      case DH_PUBLIC_NUMBER:
      case DH_KEY_AGREEMENT:
        return integerKey(attempt, formatHex(identifier.value), parameters, bits);
      default:
        throw new NotSupportedByCardError(`${attempt}: the chip's key is of a kind that kortd does not know`);
    }
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${attempt}: the chip's key does not parse`, {}, { cause: error });
    throw error;
  }
}

function curveOf(attempt: string, parameters: TlvObject): AgreementGroup {
  const named = parameters.tag === TAG_OBJECT_IDENTIFIER ? CURVE_NAMES[formatHex(parameters.value)] : undefined;
  const curve = CURVES.find((one) => (named === undefined ? hasParameters(one.p, one.n, parameters) : one.name === named));
  if (curve) return curveGroup(curve);
  throw new NotSupportedByCardError(`${attempt}: the chip's key is on a curve that kortd does not know`);
}

/** SpecifiedECDomain (SEC 1, appendix C.2): a known curve written out. Prime and order tell which. */
function hasParameters(p: bigint, n: bigint, parameters: TlvObject): boolean {
  if (parameters.tag !== TAG_SEQUENCE) return false;
  const [, field, , , order] = decodeTlv(parameters.value);
  const prime = field && decodeTlv(field.value).find(({ tag }) => tag === TAG_INTEGER);
  return prime !== undefined && order !== undefined && toInteger(prime.value) === p && toInteger(order.value) === n;
}

/** DomainParameters { p, g, q } or DHParameter { p, g }: of the latter the group's order is (p − 1) / 2 at most. */
function integerKey(attempt: string, algorithm: string, parameters: TlvObject, bits: Uint8Array): ChipKey {
  const [p = 0n, g = 0n, third = 0n] = decodeTlv(parameters.value)
    .filter(({ tag, value }) => tag === TAG_INTEGER && value.length <= MAX_PRIME_BYTES + 1)
    .map(({ value }) => toInteger(value));
  const q = algorithm === DH_PUBLIC_NUMBER ? third : (p - 1n) / 2n;
  if (p < 3n || g < 2n || q < 2n) throw new CardDataError(`${attempt}: the chip's key has no proper parameters`);
  const publicKey = toInteger(requireTlv(decodeTlv(bits), TAG_INTEGER));
  const length = Math.ceil(p.toString(2).length / 8);
  return {
    group: integerGroup({ id: -1, name: `a group of ${8 * length} bits`, p, g, q }),
    publicKey: toBytes(publicKey % p, length),
  };
}
