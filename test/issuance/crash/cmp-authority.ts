/**
 * The authority's side of CMP (RFC 4210), as far as the daemon asks it: p10cr is answered by cp, certConf by pkiconf, under one shared secret. It keeps its transactions, so that
 * a confirmation that comes twice is told to be there already; OpenSSL's mock server, which test/issuance/authority asks, forgets them. Messages are read and built by the
 * daemon's own codec, which is proved with OpenSSL there.
 */
import { createHash, randomBytes } from 'node:crypto';
import { BitString, Integer, Null, Sequence, type BaseBlock } from 'asn1js';
import { Secret } from '../../../apdu/secret.ts';
import { BODY, buildMessage, readMessage, type ReceivedMessage } from '../../../daemon/issuance/authority/cmp-message.ts';
import { macProtector, requireProtection } from '../../../daemon/issuance/authority/cmp-protection.ts';
import { STATUS_ACCEPTED, STATUS_REJECTION } from '../../../daemon/issuance/authority/cmp-status.ts';
import { Spliced, childrenOf, encode, octetsOf, rawOf, tagged } from '../../../daemon/signing/cms/asn1.ts';

/** A line of the file that the policy names. */
export const CMP_CREDENTIALS = 'desk-7:correct horse battery';
const NONCE_BYTES = 16;
/** PKIFailureInfo (RFC 4210, section 5.2.3). */
const BAD_REQUEST_BIT = 2;
const CERT_CONFIRMED_BIT = 11;
const NOBODY = encode(new Sequence());

interface Transaction {
  readonly certificate: Uint8Array;
  isConfirmed: boolean;
}

interface Body {
  readonly kind: number;
  /** DER. */
  readonly content: Uint8Array;
}

export class CmpAuthority {
  readonly #issue: (request: Uint8Array) => Uint8Array;
  readonly #transactions = new Map<string, Transaction>();

  /** `issue`: PKCS #10 and certificate, DER. */
  constructor(issue: (request: Uint8Array) => Uint8Array) {
    this.#issue = issue;
  }

  /** `certificate`: base64. */
  isConfirmed(certificate: string): boolean {
    return [...this.#transactions.values()].some(
      (one) => one.isConfirmed && Buffer.from(one.certificate).toString('base64') === certificate,
    );
  }

  /** Throws for what is no message under the secret. */
  answer(bytes: Uint8Array): Uint8Array {
    const [name = '', secret = ''] = CMP_CREDENTIALS.split(':');
    using credentials = { name, secret: Secret.fromText(secret), [Symbol.dispose]: () => credentials.secret[Symbol.dispose]() };
    const files = {
      anchors: [],
      client: undefined,
      credentials,
      serverCertificate: undefined,
      [Symbol.dispose]: () => undefined,
    };
    const message = readMessage(bytes);
    requireProtection(message, files, new Date());
    const { transactionId, senderNonce } = message;
    if (!transactionId) throw new Error('the message is of no transaction');
    const { kind, content } = this.#bodyFor(message, Buffer.from(transactionId).toString('hex'));
    const protector = macProtector(credentials, randomBytes);
    const built = buildMessage(
      {
        ...{ version: 2, sender: NOBODY, recipient: NOBODY, time: new Date(), transactionId, asksImplicitConfirm: false },
        ...{ protectionAlgorithm: protector.algorithm, senderKeyId: new TextEncoder().encode(name) },
        ...{ senderNonce: randomBytes(NONCE_BYTES), recipientNonce: senderNonce },
      },
      kind,
      content,
    );
    return built.protect(protector.protect(built.protectedPart), []);
  }

  #bodyFor({ kind, content }: ReceivedMessage, id: string): Body {
    const known = this.#transactions.get(id);
    if (kind === BODY.p10cr && !known) {
      const certificate = this.#issue(rawOf(content));
      this.#transactions.set(id, { certificate, isConfirmed: false });
      return { kind: BODY.cp, content: response(certificate) };
    }
    if (kind !== BODY.certConf || !known || !isConfirmation(content, known.certificate)) return failure(BAD_REQUEST_BIT);
    if (known.isConfirmed) return failure(CERT_CONFIRMED_BIT);
    known.isConfirmed = true;
    return { kind: BODY.pkiconf, content: encode(new Null()) };
  }
}

/** CertRepMessage of one accepted certificate (section 5.3.4); the request had no number (RFC 9483, section 4.1.4). */
function response(certificate: Uint8Array): Uint8Array {
  const status = new Sequence({ value: [new Integer({ value: STATUS_ACCEPTED })] });
  const pair = new Sequence({ value: [tagged(0, [new Spliced(certificate)])] });
  const one = new Sequence({ value: [new Integer({ value: -1 }), status, pair] });
  return encode(new Sequence({ value: [new Sequence({ value: [one] })] }));
}

/** CertConfirmContent (section 5.3.18): the hash of what was issued, and no word of refusal. */
function isConfirmation(content: BaseBlock, certificate: Uint8Array): boolean {
  const [status] = childrenOf(content);
  const [hash, , refusal] = status ? childrenOf(status) : [];
  return !refusal && Buffer.from(octetsOf(hash)).equals(createHash('sha256').update(certificate).digest());
}

/** ErrorMsgContent (section 5.3.21). */
function failure(bit: number): Body {
  const bits = new Uint8Array((bit >> 3) + 1);
  bits[bit >> 3] = 0x80 >> (bit & 7);
  const reasons = new BitString({ valueHex: bits, unusedBits: 7 - (bit & 7) });
  const status = new Sequence({ value: [new Integer({ value: STATUS_REJECTION }), reasons] });
  return { kind: BODY.error, content: encode(new Sequence({ value: [status] })) };
}
