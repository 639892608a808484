/** What an authority issued: the certificate of the request's key, told from the others that came with it, and those put in order. */
import { X509Certificate, createPublicKey, type KeyObject } from 'node:crypto';
import { DerError, childrenOf, rawOf, readDer } from '../../signing/cms/asn1.ts';
import { answerInvalid, misconfigured } from './errors.ts';

export interface IssuedCertificate {
  /** X.509, DER; of the key that was requested for. Whether it says what was ordered is for others to check. */
  readonly certificate: Uint8Array;
  /** Those of its issuers as far as the authority sent them, each that of the one before. Nothing is to be trusted for standing here. */
  readonly chain: readonly Uint8Array[];
}

/** What it takes to confirm a certificate later, also after a new start: base64. */
export interface Confirmation {
  readonly transactionId: string;
  /** INTEGER, DER. */
  readonly certReqId: string;
  /** Of the last message that came. */
  readonly peerNonce?: string;
}

/** A certificate as soon as it is here, before anything else is done. */
export interface Received {
  /** X.509, DER; of the key that was requested for. */
  readonly certificate: Uint8Array;
  /** The authority waits to be told that it is taken, and takes it back unless it is. */
  readonly unconfirmed?: Confirmation;
}

/** Told while an authority is asked for a certificate, for it to be kept. What one of them throws ends the call. */
export interface Told {
  /** Before the request is sent: from here on the authority may issue. Not where it is only asked whether it is done. */
  readonly onAsking: () => void;
  /** When the certificate is here, before it is confirmed: what is not kept is not confirmed. */
  readonly onReceived: (received: Received) => void;
}

const MAX_CHAIN_LENGTH = 8;

/** The key of a PKCS #10 request (RFC 2986, section 4.1). Throws authority_misconfigured: requests are ours. */
export function requestedKey(pkcs10: Uint8Array): KeyObject {
  try {
    const [info] = childrenOf(readDer(pkcs10));
    const [, , key] = info ? childrenOf(info) : [];
    if (!key) throw new DerError('no SubjectPublicKeyInfo');
    return createPublicKey({ key: Buffer.from(rawOf(key)), format: 'der', type: 'spki' });
  } catch (error) {
    throw misconfigured('the request is no PKCS #10 request', error);
  }
}

export function parseCertificates(ders: readonly Uint8Array[]): readonly X509Certificate[] {
  return ders.map((der) => {
    try {
      readDer(der); // Node would take PEM, and BER
      return new X509Certificate(der);
    } catch (error) {
      throw answerInvalid('the answer holds a certificate that does not parse', error);
    }
  });
}

/** Of the certificates that came, the one of `key`. Throws authority_answer_invalid unless there is just one. */
export function pickIssued(certificates: readonly X509Certificate[], key: KeyObject): X509Certificate {
  const [issued, ...others] = certificates.filter((certificate) => isOfKey(certificate, key));
  if (!issued)
    throw answerInvalid(
      certificates.length === 0
        ? 'the answer holds no certificate'
        : 'the certificate is that of another key than was requested for',
    );
  if (others.length > 0) throw answerInvalid('the answer holds several certificates of the key');
  return issued;
}

/** A key of a kind that OpenSSL does not know is none that was requested for. */
export function isOfKey(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.publicKey.equals(key);
  } catch {
    return false;
  }
}

export function withChain(issued: X509Certificate, others: readonly X509Certificate[]): IssuedCertificate {
  const chain: X509Certificate[] = [];
  for (let last = issued; chain.length < MAX_CHAIN_LENGTH;) {
    const next = others.find((other) => other.ca && last.checkIssued(other) && !isSelfIssued(last) && !chain.includes(other));
    if (!next) break;
    chain.push(next);
    last = next;
  }
  return { certificate: new Uint8Array(issued.raw), chain: chain.map(({ raw }) => new Uint8Array(raw)) };
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}
