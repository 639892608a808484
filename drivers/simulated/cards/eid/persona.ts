/** A person's card, from nothing but who they are: keys are made, and an authority issues the certificates. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { formatBase64 } from '../../bytes.ts';
import { issuePersonalCertificate, type EidAuthority, type EidPerson, type Validity } from './certificates.ts';
import { KEY_NAMES, type KeyName } from './layout.ts';
import { KEY_PARAMETERS, type KeyAlgorithm } from './private-key.ts';
import type { EidCardDescription, EidKeyDescription } from './state.ts';

export interface PersonalCard extends Validity {
  readonly person: EidPerson;
  readonly cardNumber: string;
  readonly policies: readonly string[];
  /** The authority that issues, then those above it; their certificates go onto the card. */
  readonly authority: EidAuthority;
  readonly authorityCertificates: EidCardDescription['authorities'];
  /** Default: RSA-2048 for both. */
  readonly algorithms?: Readonly<Partial<Record<KeyName, KeyAlgorithm>>>;
  /** Everything else of the card. */
  readonly card?: EidCardDescription;
}

const DEFAULT_ALGORITHM: KeyAlgorithm = 'RSA-2048';

/** Describes the card as data, private keys included: for a scenario file, or for `createEidCard`. RSA takes its time. */
export function describePersonalCard(order: PersonalCard): EidCardDescription {
  const keys = KEY_NAMES.map((use) => [use, makeKey(order, use)] as const);
  return {
    ...order.card,
    cardNumber: order.cardNumber,
    keys: Object.fromEntries(keys),
    ...(order.authorityCertificates ? { authorities: order.authorityCertificates } : {}),
  };
}

function makeKey(order: PersonalCard, use: KeyName): EidKeyDescription {
  const key = generateKey(order.algorithms?.[use] ?? DEFAULT_ALGORITHM);
  const certificate = issuePersonalCertificate({ ...order, use, publicKey: createPublicKey(key) });
  return {
    privateKey: formatBase64(new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }))),
    certificate: formatBase64(certificate),
  };
}

function generateKey(algorithm: KeyAlgorithm): KeyObject {
  const parameters = KEY_PARAMETERS[algorithm];
  return parameters.kind === 'curve'
    ? generateKeyPairSync('ec', { namedCurve: parameters.name }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: parameters.bits }).privateKey;
}
