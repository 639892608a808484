/** Certificate revocation lists (RFC 5280, section 5), by pkijs. Made anew at every question. */
import { BaseBlock, Enumerated, Integer } from 'asn1js';
import { CertificateRevocationList, Extension, Extensions, RevokedCertificate, Time, TimeType } from 'pkijs';
import { authorityKeyIdentifier } from '../certificate.ts';
import { bufferOf } from './asn1.ts';
import type { Issuer } from './issuers.ts';
import type { Revocation } from './ledger.ts';
import { REASON_NUMBERS } from './reasons.ts';

/** RFC 5280, sections 5.2.3 and 5.3.1. */
const OID_CRL_NUMBER = '2.5.29.20';
const OID_REASON_CODE = '2.5.29.21';
/** CertificateList version 2 (RFC 5280, section 5.1.2.1). */
const VERSION_2 = 1;
/** How long a list is good for. */
const CRL_LIFETIME_MS = 24 * 3_600_000;

/** DER. `number` is above that of every list before. */
export async function createCrl(
  issuer: Issuer,
  revocations: readonly Revocation[],
  { now, number }: { readonly now: Date; readonly number: number },
): Promise<Uint8Array> {
  const authority = authorityKeyIdentifier(new Uint8Array(issuer.certificate.publicKey.export({ format: 'der', type: 'spki' })));
  const list = new CertificateRevocationList({
    version: VERSION_2,
    issuer: issuer.fields.subject,
    thisUpdate: timeOf(now),
    nextUpdate: timeOf(new Date(now.getTime() + CRL_LIFETIME_MS)),
    // An empty list is left out (RFC 5280, section 5.1.2.6).
    ...(revocations.length > 0 ? { revokedCertificates: revocations.map(toEntry) } : {}),
    crlExtensions: new Extensions({
      extensions: [
        new Extension({ extnID: authority.oid, extnValue: bufferOf(authority.value) }),
        new Extension({ extnID: OID_CRL_NUMBER, extnValue: Integer.fromBigInt(number).toBER() }),
      ],
    }),
  });
  await list.sign(issuer.signingKey, 'SHA-256');
  const encoded: unknown = list.toSchema(true);
  if (!(encoded instanceof BaseBlock)) throw new TypeError('encoding a revocation list: the library gave no ASN.1');
  return new Uint8Array(encoded.toBER());
}

function toEntry({ serialNumber, reason, revokedAt }: Revocation): RevokedCertificate {
  const number = REASON_NUMBERS.get(reason) ?? 0;
  // "unspecified" is said by leaving the reason out (RFC 5280, section 5.3.1).
  const extensions =
    number === 0 ? [] : [new Extension({ extnID: OID_REASON_CODE, extnValue: new Enumerated({ value: number }).toBER() })];
  return new RevokedCertificate({
    userCertificate: Integer.fromBigInt(`0x${serialNumber}`),
    revocationDate: timeOf(new Date(revokedAt)),
    ...(extensions.length > 0 ? { crlEntryExtensions: new Extensions({ extensions }) } : {}),
  });
}

/** UTCTime to 2049, GeneralizedTime after (RFC 5280, section 5.1.2.4), in whole seconds. */
function timeOf(date: Date): Time {
  return new Time({
    type: date.getUTCFullYear() < 2050 ? TimeType.UTCTime : TimeType.GeneralizedTime,
    value: new Date(Math.floor(date.getTime() / 1000) * 1000),
  });
}
