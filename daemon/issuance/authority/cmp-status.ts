/** PKIStatusInfo of CMP (RFC 4210, section 5.2.3), and in words. */
import { BitString, Integer, Utf8String, type BaseBlock } from 'asn1js';
import { DerError, childrenOf } from '../../signing/cms/asn1.ts';
import { printable } from './errors.ts';

/** PKIStatus. */
export const STATUS_ACCEPTED = 0;
export const STATUS_GRANTED_WITH_MODS = 1;
export const STATUS_REJECTION = 2;
export const STATUS_WAITING = 3;

const STATUS_WORDS = [
  'accepted',
  'granted with modifications',
  'rejection',
  'waiting',
  'a revocation is near',
  'it was revoked',
  'the key was updated already',
];

/** PKIFailureInfo: by bit, its name and what it says. */
const FAILURES = [
  'badAlg: an algorithm is not known or not supported',
  'badMessageCheck: the protection of the message was wrong (the secret, or the signature)',
  'badRequest: the request is not permitted or not supported',
  'badTime: the time of the message is too far off',
  'badCertId: no certificate was found for what was named',
  'badDataFormat: the data has the wrong format',
  'wrongAuthority: another authority is responsible',
  'incorrectData: data of the requester is wrong',
  'missingTimeStamp: the time stamp is missing',
  'badPOP: the proof that the key is there failed',
  'certRevoked: the certificate was revoked already',
  'certConfirmed: the certificate was confirmed already',
  'wrongIntegrity: a password was expected where there was a signature, or the other way',
  'badRecipientNonce: the nonce of the recipient was missing or wrong',
  'timeNotAvailable: the source of time is not available',
  'unacceptedPolicy: the certificate policy is not accepted',
  'unacceptedExtension: an extension is not accepted',
  'addInfoNotAvailable: further information is not available',
  'badSenderNonce: the nonce of the sender was missing or wrong',
  'badCertTemplate: what was asked for is wrong or incomplete',
  'signerNotTrusted: the signer of the message is not known or not trusted',
  'transactionIdInUse: the transaction is in use already',
  'unsupportedVersion: the version of the message is not supported',
  'notAuthorized: the sender may not ask for this',
  'systemUnavail: the system is not available',
  'systemFailure: the system failed',
  'duplicateCertReq: the certificate exists already',
];

const MAX_TEXTS = 10;

export interface StatusInfo {
  readonly status: number;
  /** Names of PKIFailureInfo. */
  readonly failures: readonly string[];
  readonly text: string;
}

/** `text`: status, what it says, reasons. Throws DerError. */
export function readStatusInfo(block: BaseBlock | undefined): StatusInfo {
  const [first, ...more] = block ? childrenOf(block) : [];
  const status = integerOf(first);
  const said: string[] = [];
  const failures: string[] = [];
  for (const part of more)
    if (part instanceof BitString) {
      said.push(...failuresOf(part));
      failures.push(...failuresOf(part).map((failure) => failure.replace(/:.*/u, '')));
    } else said.push(...freeTextOf(part));
  return { status, failures, text: [STATUS_WORDS[status] ?? `status ${status}`, ...said].join('; ') };
}

/** PKIFreeText (section 5.1.1): the first few of its texts. */
export function freeTextOf(block: BaseBlock): readonly string[] {
  const texts = childrenOf(block).slice(0, MAX_TEXTS);
  return texts.map((text) => {
    if (!(text instanceof Utf8String)) throw new DerError('a text is missing');
    return `"${printable(text.getValue())}"`;
  });
}

/** Numbers of this protocol are small; those that are not are as good as any other that is wrong. */
export function integerOf(block: BaseBlock | undefined): number {
  if (!(block instanceof Integer)) throw new DerError('a number is missing');
  const bytes = block.valueBlock.valueHexView;
  if (bytes.length === 0 || bytes.length > 6) throw new DerError('a number that is too large');
  return Buffer.from(bytes).readIntBE(0, bytes.length);
}

function failuresOf(bits: BitString): readonly string[] {
  const bytes = bits.valueBlock.valueHexView;
  return FAILURES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}
