/** The signed reference of a signer to its certificate: ESSCertID of RFC 2634, section 5.4, and ESSCertIDv2 of RFC 5035, section 4. */
import { createHash, type X509Certificate } from 'node:crypto';
import { Any, Integer, OctetString, Repeated, Sequence, type BaseBlock } from 'asn1js';
import { AlgorithmIdentifier, GeneralNames, RelativeDistinguishedNames } from 'pkijs';
import { certificateId } from '../certificate-fields.ts';
import { decodeHashAlgorithm } from './algorithms.ts';
import { DerError, Spliced, childrenOf, matchSchema, octetsOf, orDerError, tagged } from './asn1.ts';

/** Of GeneralName (RFC 5280, section 4.2.1.6). */
const DIRECTORY_NAME = 4;

/** SigningCertificateV2 with one ESSCertIDv2 (RFC 5035, section 3): SHA-256, which is its default and so left out. */
export function signingCertificate(certificate: X509Certificate): BaseBlock {
  const { issuer, serialNumber } = certificateId(certificate);
  // Spliced in, as it stands there: GeneralNames of pkijs would encode the name anew.
  const names = new Sequence({ value: [tagged(DIRECTORY_NAME, [new Spliced(issuer)])] });
  const digest = createHash('sha256').update(certificate.raw).digest();
  const id = new Sequence({
    value: [new OctetString({ valueHex: digest }), new Sequence({ value: [names, new Integer({ valueHex: serialNumber })] })],
  });
  return new Sequence({ value: [new Sequence({ value: [id] })] });
}

/** The first ESSCertID is that of the signer (RFC 5035, section 3). Throws DerError for what is no such reference. */
export function refersTo(value: BaseBlock, certificate: X509Certificate, defaultHash: 'sha1' | 'sha256'): boolean {
  const all = matchSchema(value, new Sequence({ value: [new Sequence({ name: 'ids', value: [] })] }), REFERENCE);
  const [first] = childrenOf(all.one('ids'));
  if (!first) throw new DerError(`no ${REFERENCE}`);
  const id = matchSchema(first, certificateIdSchema(), REFERENCE);
  const algorithm = id.optional('hashAlgorithm');
  if (algorithm && defaultHash === 'sha1') throw new DerError(`no ${REFERENCE}`);
  const hash = algorithm
    ? decodeHashAlgorithm(orDerError(`no ${REFERENCE}`, () => new AlgorithmIdentifier({ schema: algorithm })))
    : defaultHash;
  const stated = octetsOf(id.one('hash'));
  if (Buffer.compare(stated, createHash(hash).update(certificate.raw).digest()) !== 0) return false;
  const names = id.optional('names');
  return !names || isNamed(names, id.one('serialNumber'), certificate);
}

const REFERENCE = 'reference to a certificate';

/** `names` and `serialNumber`: IssuerSerial. */
function certificateIdSchema(): Sequence {
  return new Sequence({
    value: [
      new Sequence({ name: 'hashAlgorithm', optional: true, value: [] }),
      new OctetString({ name: 'hash' }),
      new Sequence({
        optional: true,
        value: [
          new Sequence({ name: 'names', value: [new Repeated({ value: new Any() })] }),
          new Integer({ name: 'serialNumber' }),
        ],
      }),
    ],
  });
}

function isNamed(names: BaseBlock, serialNumber: BaseBlock, certificate: X509Certificate): boolean {
  const own = certificateId(certificate);
  const given = orDerError(`no ${REFERENCE}`, () => new GeneralNames({ schema: names }).names);
  return (
    given.some(({ value }: { readonly value: unknown }) => {
      if (!(value instanceof RelativeDistinguishedNames)) return false;
      return Buffer.compare(new Uint8Array(value.valueBeforeDecode), own.issuer) === 0;
    }) &&
    serialNumber instanceof Integer &&
    Buffer.compare(serialNumber.valueBlock.valueHexView, own.serialNumber) === 0
  );
}
