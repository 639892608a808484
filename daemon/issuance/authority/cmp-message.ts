/**
 * PKIMessage of CMP (RFC 4210, section 5.1; the ASN.1 module of appendix F has explicit tags), by asn1js: the libraries that this project has know no CMP. What is read is DER alone, and
 * what was protected comes out byte for byte.
 */
import {
  BitString,
  GeneralizedTime,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Sequence,
  type BaseBlock,
  type Constructed,
} from 'asn1js';
import {
  DerError,
  Spliced,
  childrenOf,
  encode,
  octetsOf,
  oidOf,
  rawOf,
  readDer,
  requireFields,
  tagged,
} from '../../signing/cms/asn1.ts';
import { integerOf } from './cmp-status.ts';

/** PKIBody, by tag (section 5.1.2). Sorted by name. */
export const BODY = {
  certConf: 24,
  cp: 3,
  error: 23,
  p10cr: 4,
  pkiconf: 19,
  pollRep: 26,
  pollReq: 25,
} as const;

/** cmp2000: 2; cmp2021: 3, where a message needs it (RFC 9480, section 2.20). */
export type CmpVersion = 2 | 3;

/** Section 5.1.1.1. */
const OID_IMPLICIT_CONFIRM = '1.3.6.1.5.5.7.4.13';
/** GeneralName, directoryName (RFC 5280, section 4.2.1.6). */
const TAG_DIRECTORY_NAME = 4;
const MAX_EXTRA_CERTIFICATES = 20;
/** Octets of a nonce or a transaction: 16 are usual (section 5.1.1). */
const MAX_NONCE_BYTES = 128;
const CONTEXT_SPECIFIC = 3;

export interface CmpHeader {
  readonly version: CmpVersion;
  /** Names, DER. */
  readonly sender: Uint8Array;
  readonly recipient: Uint8Array;
  readonly time: Date;
  /** AlgorithmIdentifier, DER. */
  readonly protectionAlgorithm: Uint8Array;
  readonly senderKeyId: Uint8Array | undefined;
  readonly transactionId: Uint8Array;
  readonly senderNonce: Uint8Array;
  readonly recipientNonce: Uint8Array | undefined;
  readonly asksImplicitConfirm: boolean;
}

/** What is protected (section 5.1.3), and the message around it. */
export interface UnprotectedMessage {
  readonly protectedPart: Uint8Array;
  /** `extraCertificates`: DER. */
  protect(protection: Uint8Array, extraCertificates: readonly Uint8Array[]): Uint8Array;
}

export interface ReceivedMessage {
  /** Name, DER; undefined when the sender is named in another way. */
  readonly sender: Uint8Array | undefined;
  /** AlgorithmIdentifier, DER. */
  readonly protectionAlgorithm: Uint8Array | undefined;
  readonly senderKeyId: Uint8Array | undefined;
  readonly transactionId: Uint8Array | undefined;
  readonly senderNonce: Uint8Array | undefined;
  readonly recipientNonce: Uint8Array | undefined;
  readonly grantsImplicitConfirm: boolean;
  /** One of BODY, or another. */
  readonly kind: number;
  readonly content: BaseBlock;
  readonly protectedPart: Uint8Array;
  readonly protection: Uint8Array | undefined;
  /** X.509, DER. */
  readonly extraCertificates: readonly Uint8Array[];
}

/** `content`: DER of the body's type. */
export function buildMessage(header: CmpHeader, kind: number, content: Uint8Array): UnprotectedMessage {
  const head = encodeHeader(header);
  const body = tagged(kind, [new Spliced(content)]);
  return {
    protectedPart: encode(new Sequence({ value: [head, body] })),
    protect(protection, extraCertificates) {
      const bits = new BitString({ valueHex: Uint8Array.from(protection) });
      const extra = new Sequence({ value: extraCertificates.map((der) => new Spliced(der)) });
      const more = extraCertificates.length === 0 ? [] : [tagged(1, [extra])];
      return encode(new Sequence({ value: [head, body, tagged(0, [bits]), ...more] }));
    },
  };
}

function encodeHeader(header: CmpHeader): Sequence {
  const name = (der: Uint8Array): Constructed => tagged(TAG_DIRECTORY_NAME, [new Spliced(der)]);
  const octets = (tag: number, bytes: Uint8Array | undefined): readonly Constructed[] =>
    bytes ? [tagged(tag, [new OctetString({ valueHex: Uint8Array.from(bytes) })])] : [];
  const time = new GeneralizedTime({ valueDate: new Date(Math.floor(header.time.getTime() / 1000) * 1000) });
  const implicit = new Sequence({ value: [new ObjectIdentifier({ value: OID_IMPLICIT_CONFIRM }), new Null()] });
  return new Sequence({
    value: [
      new Integer({ value: header.version }),
      name(header.sender),
      name(header.recipient),
      tagged(0, [time]),
      tagged(1, [new Spliced(header.protectionAlgorithm)]),
      ...octets(2, header.senderKeyId),
      ...octets(4, header.transactionId),
      ...octets(5, header.senderNonce),
      ...octets(6, header.recipientNonce),
      ...(header.asksImplicitConfirm ? [tagged(8, [new Sequence({ value: [implicit] })])] : []),
    ],
  });
}

/** Throws DerError. */
export function readMessage(bytes: Uint8Array): ReceivedMessage {
  const root = readDer(bytes);
  const [head, body, ...more] = childrenOf(root);
  if (!(root instanceof Sequence) || !head || !body || body.idBlock.tagClass !== CONTEXT_SPECIFIC)
    throw new DerError('no PKIMessage');
  const fields = taggedFields(more);
  const extra = fields.get(1);
  const extraCertificates = extra ? childrenOf(extra) : [];
  if (extraCertificates.length > MAX_EXTRA_CERTIFICATES) throw new DerError('too many certificates beside the message');
  return {
    ...readHeader(head),
    kind: body.idBlock.tagNumber,
    content: onlyChild(body),
    protectedPart: encode(new Sequence({ value: [new Spliced(rawOf(head)), new Spliced(rawOf(body))] })),
    protection: readBits(fields.get(0)),
    extraCertificates: extraCertificates.map(rawOf),
  };
}

type ReceivedHeader = Pick<
  ReceivedMessage,
  'sender' | 'protectionAlgorithm' | 'senderKeyId' | 'transactionId' | 'senderNonce' | 'recipientNonce' | 'grantsImplicitConfirm'
>;

function readHeader(block: BaseBlock): ReceivedHeader {
  const [version, sender, recipient, ...more] = childrenOf(block);
  const number = integerOf(version);
  if (number !== 2 && number !== 3) throw new DerError(`a message of version ${number}`);
  if (!sender || !recipient) throw new DerError('a header without names');
  const fields = taggedFields(more);
  const octets = (tag: number): Uint8Array | undefined => {
    const field = fields.get(tag);
    const bytes = field && octetsOf(field);
    if (bytes && bytes.length > MAX_NONCE_BYTES) throw new DerError('a nonce that is too long');
    return bytes;
  };
  const algorithm = fields.get(1);
  const info = fields.get(8);
  return {
    sender: sender.idBlock.tagNumber === TAG_DIRECTORY_NAME ? rawOf(onlyChild(sender)) : undefined,
    protectionAlgorithm: algorithm && rawOf(algorithm),
    senderKeyId: octets(2),
    transactionId: octets(4),
    senderNonce: octets(5),
    recipientNonce: octets(6),
    grantsImplicitConfirm:
      info !== undefined && childrenOf(info).some((one) => oidOf(childrenOf(one)[0]) === OID_IMPLICIT_CONFIRM),
  };
}

/** What is inside of each "[n]", each of which may be there once and in order. */
function taggedFields(blocks: readonly BaseBlock[]): ReadonlyMap<number, BaseBlock> {
  const fields = new Map<number, BaseBlock>();
  let last = -1;
  for (const block of blocks) {
    const { tagClass, tagNumber } = block.idBlock;
    if (tagClass !== CONTEXT_SPECIFIC || tagNumber <= last) throw new DerError('a field out of place');
    last = tagNumber;
    fields.set(tagNumber, onlyChild(block));
  }
  return fields;
}

function onlyChild(block: BaseBlock): BaseBlock {
  requireFields(block, 1);
  const [child] = childrenOf(block);
  if (!child) throw new DerError('a field without content');
  return child;
}

function readBits(block: BaseBlock | undefined): Uint8Array | undefined {
  if (!block) return undefined;
  if (!(block instanceof BitString) || block.valueBlock.unusedBits !== 0) throw new DerError('a protection that is none');
  return block.valueBlock.valueHexView;
}
