/**
 * Whose certificates stood on a card first, and whether the last ones of theirs are about to go: other organisations add certificates to a card, and those of the
 * first should stay on it. Organisations are told apart by the number in the HSA-id.
 */
import { OID_SERIAL_NUMBER } from '../identity/distinguished-name.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';
import { parseHsaId } from '../identity/hsa-id.ts';
import type { StoredCertificate } from './entry.ts';

/** Ten digits of the organisation that would have no certificate left for one of its purposes; undefined when there is none such. */
export function firstLeftWithout(
  certificates: readonly StoredCertificate[],
  chosen: readonly StoredCertificate[],
): string | undefined {
  const ofPersons = certificates.flatMap((certificate) => {
    const facts = certificateFacts(new Uint8Array(Buffer.from(certificate.der, 'base64')));
    const organisation = facts && organisationOf(facts);
    return !facts || organisation === undefined ? [] : [{ certificate, facts, organisation }];
  });
  const [first] = ofPersons.toSorted((one, other) => one.facts.notBefore.getTime() - other.facts.notBefore.getTime());
  if (!first) return undefined;
  const own = ofPersons.filter(({ organisation }) => organisation === first.organisation);
  const stays = own.filter(({ certificate }) => !chosen.includes(certificate));
  const isLeft = (purpose: CertificateFacts['purpose']): boolean => stays.some(({ facts }) => facts.purpose === purpose);
  return own.every(({ facts }) => isLeft(facts.purpose)) ? undefined : first.organisation;
}

function organisationOf({ isAuthority, isOfCard, subject }: CertificateFacts): string | undefined {
  if (isAuthority || isOfCard) return undefined;
  const hsaId = (subject.attributes.get(OID_SERIAL_NUMBER) ?? []).find((text) => parseHsaId(text));
  return hsaId?.slice(2, 12);
}
