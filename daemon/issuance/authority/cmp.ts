/**
 * CMP (RFC 4210, profile RFC 9483) over HTTP (RFC 6712): the PKCS #10 request as it is (p10cr), polling while the authority is not done, and the confirmation. Every answer is
 * of this transaction, answers the message that was sent last, and is protected.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { Integer, ObjectIdentifier, OctetString, Sequence, Set as Asn1Set, Utf8String, type BaseBlock } from 'asn1js';
import type { ErrorCode } from '../../../api-spec/errors.ts';
import { equalBytes } from '../../../apdu/bytes.ts';
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { ApiError } from '../../errors.ts';
import { OID_COMMON_NAME } from '../../identity/distinguished-name.ts';
import { certificateFields, subjectOf } from '../../signing/certificate-fields.ts';
import { AlgorithmNotAllowedError, decodeSignatureAlgorithm } from '../../signing/cms/algorithms.ts';
import { DerError, Spliced, childrenOf, encode, rawOf } from '../../signing/cms/asn1.ts';
import { BODY, buildMessage, readMessage, type ReceivedMessage } from './cmp-message.ts';
import { macProtector, requireProtection, signatureProtector, type Protector } from './cmp-protection.ts';
import {
  STATUS_ACCEPTED,
  STATUS_GRANTED_WITH_MODS,
  STATUS_REJECTION,
  STATUS_WAITING,
  freeTextOf,
  integerOf,
  readStatusInfo,
  type StatusInfo,
} from './cmp-status.ts';
import { answerInvalid, misconfigured, printable, refused, unreachable } from './errors.ts';
import type { AskOptions } from './est.ts';
import type { AuthorityFiles } from './files.ts';
import {
  isOfKey,
  parseCertificates,
  requestedKey,
  withChain,
  type Confirmation,
  type IssuedCertificate,
  type Told,
} from './issued.ts';
import { ask } from './transport.ts';

/** RFC 6712, section 3.4. */
const CONTENT_TYPE = 'application/pkixcmp';
/** 128 bits (RFC 4210, section 5.1.1). */
const NONCE_BYTES = 16;
const MAX_WAIT_SECONDS = 30 * 86_400;
const MAX_TRANSACTIONS = 64;
/** Of p10cr, which numbers no request (RFC 9483, section 4.1.4). Servers from before have 0. */
const CERT_REQ_ID_NONE = -1;
const CONTEXT_SPECIFIC = 3;

/** Where a transaction stands that the authority has not ended yet. */
interface Transaction {
  readonly id: Uint8Array;
  readonly firstNonce: Uint8Array;
  /** Of the last message that came. */
  peerNonce: Uint8Array | undefined;
  /** INTEGER, DER, as the server has it. */
  certReqId: Uint8Array;
  /** The authority has it, and said that it is not done. */
  isWaiting: boolean;
}

/** Those that wait for an authority, by request: asked again, the authority is polled and not given the request anew. */
export class CmpTransactions {
  readonly #waiting = new Map<string, Transaction>();

  take(pkcs10: Uint8Array): Transaction | undefined {
    const key = keyOf(pkcs10);
    const transaction = this.#waiting.get(key);
    this.#waiting.delete(key);
    return transaction;
  }

  keep(pkcs10: Uint8Array, transaction: Transaction): void {
    this.#waiting.set(keyOf(pkcs10), transaction);
    for (const key of this.#waiting.keys()) if (this.#waiting.size > MAX_TRANSACTIONS) this.#waiting.delete(key);
  }
}

function keyOf(pkcs10: Uint8Array): string {
  return createHash('sha256').update(pkcs10).digest('hex');
}

export interface CmpOptions extends AskOptions, Told {
  readonly transactions: CmpTransactions;
  readonly today: () => Date;
  readonly random: (length: number) => Uint8Array;
}

/** What one message and its answer take. */
type ExchangeOptions = Omit<CmpOptions, 'transactions' | keyof Told>;

/** An entry of the policy, and whom it names as the recipient: DER of a Name. */
type CmpEntry = AuthorityEntry & { readonly encodedRecipient: Uint8Array };

/** Throws the errors of errors.ts, and what the signal is aborted with. */
export async function enrolByCmp(entry: AuthorityEntry, pkcs10: Uint8Array, options: CmpOptions): Promise<IssuedCertificate> {
  const key = requestedKey(pkcs10);
  const transaction = options.transactions.take(pkcs10) ?? newTransaction(options.random);
  const encodedRecipient = await recipientName(entry.recipient);
  const enrolment = new CmpEnrolment({ ...entry, encodedRecipient }, transaction, options);
  try {
    return await orAnswerInvalid(() => enrolment.run(pkcs10, key, options));
  } catch (error) {
    const isEnded = error instanceof ApiError && ENDINGS.includes(error.code);
    if (transaction.isWaiting && !isEnded) options.transactions.keep(pkcs10, transaction);
    throw error;
  }
}

/** Of one that an earlier call received. One that was confirmed already is. Throws authority_refused when the authority has taken it back, or knows nothing of it. */
export async function confirmByCmp(
  entry: AuthorityEntry,
  certificate: Uint8Array,
  { transactionId, certReqId, peerNonce }: Confirmation,
  options: ExchangeOptions,
): Promise<void> {
  const transaction: Transaction = {
    ...newTransaction(options.random),
    id: decode(transactionId),
    certReqId: decode(certReqId),
    peerNonce: peerNonce === undefined ? undefined : decode(peerNonce),
  };
  const encodedRecipient = await recipientName(entry.recipient);
  await orAnswerInvalid(async () => {
    const [issued] = parseCertificates([certificate]);
    if (issued) await new CmpEnrolment({ ...entry, encodedRecipient }, transaction, options).confirm(issued, true);
  });
}

function decode(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** After these the authority does not go on with what it was asked. */
const ENDINGS: readonly ErrorCode[] = ['authority_answer_invalid', 'authority_refused'];

function newTransaction(random: CmpOptions['random']): Transaction {
  return {
    id: random(NONCE_BYTES),
    firstNonce: random(NONCE_BYTES),
    peerNonce: undefined,
    certReqId: encode(new Integer({ value: CERT_REQ_ID_NONE })),
    isWaiting: false,
  };
}

class CmpEnrolment {
  readonly #entry: CmpEntry;
  readonly #transaction: Transaction;
  readonly #options: ExchangeOptions;

  constructor(entry: CmpEntry, transaction: Transaction, options: ExchangeOptions) {
    this.#entry = entry;
    this.#transaction = transaction;
    this.#options = options;
  }

  async run(pkcs10: Uint8Array, key: KeyObject, { onAsking, onReceived }: Told): Promise<IssuedCertificate> {
    let answer = this.#transaction.isWaiting
      ? await this.#exchange(BODY.pollReq, this.#pollRequest())
      : await this.#exchange(BODY.p10cr, pkcs10, { nonce: this.#transaction.firstNonce, onSending: onAsking });
    for (;;) {
      const waitMs = this.#waitOf(answer);
      const isPolled = this.#transaction.isWaiting;
      this.#transaction.isWaiting = waitMs !== undefined;
      if (waitMs === undefined) return await this.#take(answer, key, onReceived);
      if (waitMs > 0 || isPolled) await this.#options.patience.wait(waitMs);
      answer = await this.#exchange(BODY.pollReq, this.#pollRequest());
    }
  }

  /** Undefined: it is done. After the first "waiting" it is asked at once when to come again (section 5.3.22). */
  #waitOf({ kind, content }: ReceivedMessage): number | undefined {
    if (kind === BODY.pollRep) {
      const [one] = childrenOf(content);
      const [id, seconds, reason] = one ? childrenOf(one) : [];
      this.#setCertReqId(id);
      if (reason) freeTextOf(reason);
      return Math.min(Math.max(integerOf(seconds), 0), MAX_WAIT_SECONDS) * 1000 || 1;
    }
    if (kind === BODY.error) {
      const { status, text } = readError(content);
      if (status === STATUS_WAITING) return 0;
      throw refused(text);
    }
    if (kind !== BODY.cp) throw answerInvalid(`it is another message than was to come (${kind})`);
    const [id, status] = childrenOf(responseOf(content));
    this.#setCertReqId(id);
    return readStatusInfo(status).status === STATUS_WAITING ? 0 : undefined;
  }

  async #take(answer: ReceivedMessage, key: KeyObject, onReceived: Told['onReceived']): Promise<IssuedCertificate> {
    const [, info, pair] = childrenOf(responseOf(answer.content));
    const { status, text } = readStatusInfo(info);
    if (status !== STATUS_ACCEPTED && status !== STATUS_GRANTED_WITH_MODS) throw refused(text);
    const issued = readCertificate(pair);
    const fits = isOfKey(issued, key);
    const needsNone = answer.grantsImplicitConfirm && this.#entry.implicitConfirm === true;
    const otherKey = 'the certificate is that of another key than was requested for';
    if (fits)
      onReceived({ certificate: new Uint8Array(issued.raw), ...(needsNone ? {} : { unconfirmed: this.#confirmation() }) });
    if (!needsNone)
      await this.confirm(issued, fits).catch((error: unknown) => {
        throw fits ? error : answerInvalid(otherKey, error);
      });
    if (!fits) throw answerInvalid(otherKey);
    return withChain(issued, parseCertificates([...answer.extraCertificates, ...caPublicationsOf(answer.content)]));
  }

  /** One that does not fit is refused, so that the authority takes it back (section 5.3.18). */
  async confirm(issued: X509Certificate, fits: boolean): Promise<void> {
    const { hash } = decodeSignatureAlgorithm(certificateFields(issued).signatureAlgorithm);
    const digest = createHash(hash).update(issued.raw).digest();
    const rejection = new Sequence({ value: [new Integer({ value: STATUS_REJECTION })] });
    const certificateStatus = new Sequence({
      value: [
        new OctetString({ valueHex: Uint8Array.from(digest) }),
        new Spliced(this.#transaction.certReqId),
        ...(fits ? [] : [rejection]),
      ],
    });
    const content = encode(new Sequence({ value: [certificateStatus] }));
    const answer = await this.#exchange(BODY.certConf, content);
    if (answer.kind === BODY.error) {
      const { text, failures } = readError(answer.content);
      if (fits && failures.includes('certConfirmed')) return;
      throw refused(`after the confirmation: ${text}`);
    }
    if (answer.kind !== BODY.pkiconf) throw answerInvalid(`the confirmation was answered by another message (${answer.kind})`);
  }

  #confirmation(): Confirmation {
    const { id, certReqId, peerNonce } = this.#transaction;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    return {
      ...{ transactionId: text(id), certReqId: text(certReqId) },
      ...(peerNonce ? { peerNonce: text(peerNonce) } : {}),
    };
  }

  #pollRequest(): Uint8Array {
    const one = new Sequence({ value: [new Spliced(this.#transaction.certReqId)] });
    return encode(new Sequence({ value: [one] }));
  }

  #setCertReqId(block: BaseBlock | undefined): void {
    const number = integerOf(block);
    if (!block || (number !== CERT_REQ_ID_NONE && number !== 0)) throw answerInvalid('it is about another request');
    this.#transaction.certReqId = rawOf(block);
  }

  async #exchange(
    kind: number,
    content: Uint8Array,
    {
      nonce = this.#options.random(NONCE_BYTES),
      onSending,
    }: { readonly nonce?: Uint8Array; readonly onSending?: () => void } = {},
  ): Promise<ReceivedMessage> {
    const { files, today } = this.#options;
    const request = this.#message(kind, content, nonce);
    const { status, contentType, body } = await ask(
      new URL(this.#entry.url),
      {
        method: 'POST',
        headers: { 'content-type': CONTENT_TYPE, accept: CONTENT_TYPE },
        body: request,
        ...(onSending ? { onSending } : {}),
      },
      this.#options,
    );
    // Errors may come with the status of HTTP that they have (RFC 6712, section 3.3).
    if (contentType !== CONTENT_TYPE) {
      if (status >= 500) throw unreachable(`it failed with ${status}`);
      if (status >= 400) throw refused(`it answered ${status}`);
      throw answerInvalid(`it is of type ${printable(contentType) || 'unknown'}, not ${CONTENT_TYPE}`);
    }
    const answer = readMessage(body);
    try {
      requireProtection(answer, files, today());
    } catch (error) {
      // To be told why costs nothing: whoever can forge this could as well keep the answer back.
      if (answer.kind === BODY.error && error instanceof ApiError)
        throw refused(`${readError(answer.content).text} (${String(error.details['problem'])})`, error);
      throw error;
    }
    this.#requireFreshness(answer, nonce);
    this.#transaction.peerNonce = answer.senderNonce;
    return answer;
  }

  #message(kind: number, content: Uint8Array, senderNonce: Uint8Array): Uint8Array {
    const { files, random, today } = this.#options;
    const { id, peerNonce } = this.#transaction;
    const { encodedRecipient: recipient, implicitConfirm } = this.#entry;
    const { protector, ...sender } = senderOf(files, random);
    const header = {
      version: 2,
      ...sender,
      recipient,
      time: today(),
      protectionAlgorithm: protector.algorithm,
      transactionId: id,
      senderNonce,
      recipientNonce: peerNonce,
      asksImplicitConfirm: kind === BODY.p10cr && implicitConfirm === true,
    } as const;
    const message = buildMessage(header, kind, content);
    return message.protect(protector.protect(message.protectedPart), protector.extraCertificates);
  }

  /** After polling, some servers have the nonce of the request that it is about. */
  #requireFreshness({ transactionId, recipientNonce, senderNonce }: ReceivedMessage, nonce: Uint8Array): void {
    const { id, firstNonce } = this.#transaction;
    if (!transactionId || !equalBytes(transactionId, id)) throw answerInvalid('it is of another transaction');
    if (!recipientNonce || ![nonce, firstNonce].some((one) => equalBytes(one, recipientNonce)))
      throw answerInvalid('it answers another message (nonce)');
    if (!senderNonce) throw answerInvalid('it has no nonce');
  }
}

interface Sender {
  readonly protector: Protector;
  readonly sender: Uint8Array;
  readonly senderKeyId: Uint8Array | undefined;
}

/** RFC 9483, section 3.1: by a secret, its reference is both the name and the key identifier. */
function senderOf({ credentials, client }: AuthorityFiles, random: CmpOptions['random']): Sender {
  if (credentials) {
    const senderKeyId = new TextEncoder().encode(credentials.name);
    return { protector: macProtector(credentials, random), sender: commonName(credentials.name), senderKeyId };
  }
  const own = client?.certificates[0];
  if (!client || !own) throw misconfigured('CMP needs credentials or a client certificate');
  const senderKeyId = own.subjectKeyId === undefined ? undefined : new Uint8Array(Buffer.from(own.subjectKeyId, 'hex'));
  return { protector: signatureProtector(client), sender: subjectOf(own.x509), senderKeyId };
}

function commonName(text: string): Uint8Array {
  const attribute = new Sequence({ value: [new ObjectIdentifier({ value: OID_COMMON_NAME }), new Utf8String({ value: text })] });
  return encode(new Sequence({ value: [new Asn1Set({ value: [attribute] })] }));
}

/** Nobody by name, unless the policy says whom. The library that reads names is loaded where certificates are requested, and nowhere else. */
async function recipientName(text: string | undefined): Promise<Uint8Array> {
  if (text === undefined) return encode(new Sequence());
  const { encodeName } = await import('../../signing/certificate-request-asn1.ts');
  try {
    return encodeName(text);
  } catch (error) {
    throw misconfigured(`recipient: ${text} is no distinguished name`, error);
  }
}

/** The one that CertRepMessage has (RFC 4210, section 5.3.4), after what it may publish. */
function responseOf(content: BaseBlock): BaseBlock {
  const responses = childrenOf(content).at(-1);
  const [response, ...others] = responses ? childrenOf(responses) : [];
  if (!response || others.length > 0) throw new DerError('not one response to one request');
  return response;
}

function caPublicationsOf(content: BaseBlock): readonly Uint8Array[] {
  const [published, responses] = childrenOf(content);
  const [certificates] = published && responses ? childrenOf(published) : [];
  return certificates ? childrenOf(certificates).map(rawOf) : [];
}

/** CertifiedKeyPair: certificate [0]. One that is encrypted for the key cannot be: keys of cards sign. */
function readCertificate(pair: BaseBlock | undefined): X509Certificate {
  const [choice] = pair ? childrenOf(pair) : [];
  if (choice?.idBlock.tagClass !== CONTEXT_SPECIFIC || choice.idBlock.tagNumber !== 0)
    throw answerInvalid('the answer holds no certificate');
  const [issued] = parseCertificates(childrenOf(choice).map(rawOf));
  if (!issued) throw answerInvalid('the answer holds no certificate');
  return issued;
}

/** ErrorMsgContent (section 5.3.21). */
function readError(content: BaseBlock): StatusInfo {
  const [info, ...more] = childrenOf(content);
  const { status, failures, text } = readStatusInfo(info);
  const details = more.flatMap((part) =>
    part instanceof Integer ? [`code ${printable(String(integerOf(part)))}`] : freeTextOf(part),
  );
  return { status, failures, text: [text, ...details].join('; ') };
}

async function orAnswerInvalid<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DerError) throw answerInvalid(`it is no CMP message: ${error.message}`, error);
    if (error instanceof AlgorithmNotAllowedError) throw answerInvalid(error.message, error);
    throw error;
  }
}
