/** ASN.1 of what comes over the wire, by asn1js within bounds, and names as the certificates of a bench have them. */
import { fromBER, type AsnType } from 'asn1js';
import type { RelativeDistinguishedNames } from 'pkijs';
import { ATTRIBUTE_OIDS, type CertificateName, type NameAttribute } from '../certificate.ts';

/** A request of four extensions nests to nine levels and has some sixty elements; 64 OCSP questions some 1,000. */
const BOUNDS = { maxDepth: 24, maxNodes: 4_000 } as const;

/** Throws SyntaxError for what is not exactly one element. */
export function readAsn1(bytes: Uint8Array): AsnType {
  const { result, offset } = fromBER(new Uint8Array(bytes), { ...BOUNDS, maxContentLength: bytes.length });
  if (offset !== bytes.length) throw new SyntaxError(result.error === '' ? 'no ASN.1' : result.error);
  return result;
}

/** A copy that has its buffer for itself, as asn1js wants values. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

const ATTRIBUTE_NAMES: ReadonlyMap<string, NameAttribute> = new Map(
  (Object.entries(ATTRIBUTE_OIDS) as [NameAttribute, string][]).map(([name, oid]) => [oid, name]),
);

/** In the order in which they stand there. Throws SyntaxError for an attribute that certificates of a bench do not have. */
export function decodeName(name: RelativeDistinguishedNames): CertificateName {
  return name.typesAndValues.map(({ type, value }) => {
    const attribute = ATTRIBUTE_NAMES.get(type);
    const text: unknown = value.valueBlock.value;
    if (attribute === undefined || typeof text !== 'string')
      throw new SyntaxError(
        `the name has an attribute ${type}, and these certificates have: ${Object.keys(ATTRIBUTE_OIDS).join(', ')}`,
      );
    return [attribute, text] as const;
  });
}

/** As it is listed: "CN=…,serialNumber=…", the last part first (RFC 4514, section 2), without its escapes. */
export function formatName(name: CertificateName): string {
  return [...name]
    .reverse()
    .map(([type, text]) => `${type}=${text}`)
    .join(',');
}
