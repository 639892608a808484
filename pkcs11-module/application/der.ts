/** Parts of DER structures, by their places. */
import { decodeTlv, encodeTlv } from '../../apdu/tlv/ber-tlv.ts';

/** The member at each place in turn; no place: the structure itself. Throws for what is not there. */
export function derField(der: Uint8Array, path: readonly number[]): { readonly whole: Uint8Array; readonly value: Uint8Array } {
  const [index = 0, ...rest] = path;
  const object = decodeTlv(der)[index];
  if (!object) throw new RangeError(`reading DER: there is no member ${index}`);
  return rest.length > 0 ? derField(object.value, rest) : { whole: encodeTlv(object.tag, object.value), value: object.value };
}

export { encodeTlv as derTlv } from '../../apdu/tlv/ber-tlv.ts';
