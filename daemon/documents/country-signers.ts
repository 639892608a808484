/**
 * Country signing certificates that are trusted, with revocation lists (ICAO Doc 9303-12): as they were found in folders and master lists. Hundreds of them may be
 * known, and a document needs a handful: they are told apart by their country, and read when a document of it comes.
 */
import type { CertificateRevocationList } from 'pkijs';
import { equalBytes } from '../../apdu/bytes.ts';
import { TlvError, decodeFirstTlv, decodeTlv, type TlvObject } from '../../apdu/tlv/ber-tlv.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';

export interface CountrySigners {
  /** Nobody is trusted at all. */
  readonly isEmpty: boolean;
  /** By two letters, in capitals. */
  anchorsOf(country: string): readonly CertificateFacts[];
  /** `issuer`: a name as it stands in certificates, DER. */
  revocationListsOf(issuer: Uint8Array): readonly CertificateRevocationList[];
}

export interface CountrySignerMaterial {
  /** X.509, DER. */
  readonly certificates: readonly Uint8Array[];
  readonly revocationLists: readonly CertificateRevocationList[];
}

export function countrySigners({ certificates, revocationLists }: CountrySignerMaterial): CountrySigners {
  const byCountry = Map.groupBy(certificates, subjectCountry);
  return {
    isEmpty: certificates.length === 0,
    anchorsOf: (country) =>
      (byCountry.get(country) ?? []).flatMap((der) => {
        const facts = certificateFacts(der);
        return facts?.isAuthority ? [facts] : [];
      }),
    revocationListsOf: (issuer) =>
      revocationLists.filter((list) => equalBytes(new Uint8Array(list.issuer.valueBeforeDecode), issuer)),
  };
}

export const NO_COUNTRY_SIGNERS = countrySigners({ certificates: [], revocationLists: [] });

const TAG_OBJECT_IDENTIFIER = 0x06;
const TAG_VERSION = 0xa0;
const TAG_SEQUENCE = 0x30;
/** UTCTime and GeneralizedTime. */
const TIME_TAGS: readonly number[] = [0x17, 0x18];
/** X.520, section 6.3.1: countryName, 2.5.4.6. */
const COUNTRY_NAME = Uint8Array.of(0x55, 0x04, 0x06);

/** What DER is, by its outermost structure alone (RFC 5280, sections 4.1 and 5.1; RFC 5652, section 3). */
export function kindOfDer(der: Uint8Array): 'certificate' | 'list' | 'signed' | undefined {
  const [first] = insideOf(der);
  if (first?.tag === TAG_OBJECT_IDENTIFIER) return 'signed';
  if (first?.tag !== TAG_SEQUENCE) return undefined;
  const fields = objectsIn(first.value);
  // A list has a time where a certificate has both of its own in one.
  return fields.slice(0, 5).some(({ tag }) => TIME_TAGS.includes(tag)) ? 'list' : 'certificate';
}

/** "" for a certificate whose subject names none. */
function subjectCountry(der: Uint8Array): string {
  const [toBeSigned] = insideOf(der);
  const fields = toBeSigned ? objectsIn(toBeSigned.value) : [];
  const subject = fields[fields[0]?.tag === TAG_VERSION ? 5 : 4];
  for (const set of subject ? objectsIn(subject.value) : [])
    for (const attribute of objectsIn(set.value)) {
      const [type, value] = objectsIn(attribute.value);
      if (type && value && equalBytes(type.value, COUNTRY_NAME)) return Buffer.from(value.value).toString('latin1').toUpperCase();
    }
  return '';
}

function insideOf(der: Uint8Array): readonly TlvObject[] {
  try {
    return objectsIn(decodeFirstTlv(der).object.value);
  } catch (error) {
    if (error instanceof TlvError) return [];
    throw error;
  }
}

function objectsIn(value: Uint8Array): readonly TlvObject[] {
  try {
    return decodeTlv(value);
  } catch (error) {
    if (error instanceof TlvError) return [];
    throw error;
  }
}
