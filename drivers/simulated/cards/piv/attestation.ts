/**
 * Attestation of keys that the card made itself (Yubico.NET.SDK docs/users-manual/application-piv/attestation): slot F9 and its certificate in
 * 5FFF01 come into being at first use, so that a card starts without making a key.
 */
import { createPublicKey } from 'node:crypto';
import { SW_INCORRECT_P1_P2, SW_REFERENCED_DATA_NOT_FOUND, SW_WRONG_DATA } from '../../../../apdu/iso7816/status-word.ts';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt } from '../../bytes.ts';
import {
  basicConstraints,
  encodeInteger,
  keyUsage,
  signCertificate,
  type CertificateExtension,
  type CertificateName,
} from '../../certificate.ts';
import { Refusal } from '../../transport.ts';
import {
  KEY_ATTESTATION,
  ORIGIN_GENERATED,
  ORIGIN_IMPORTED,
  PIN_POLICY_NEVER,
  TAG_ATTESTATION_CERTIFICATE,
  TAG_CERTIFICATE,
  TAG_CERTIFICATE_INFO,
  TAG_DATA,
  TAG_ERROR_DETECTION,
  TOUCH_POLICY_NEVER,
} from './constants.ts';
import type { Piv, StoredKey } from './memory.ts';
import { isKeyReference } from './posture.ts';
import { P256, generateCurveKey, type PrivateKey } from './private-key.ts';

/** Yubico's arc for PIV attestation: firmware, serial number, policies (same document). */
const OID_FIRMWARE = '1.3.6.1.4.1.41482.3.3';
const OID_SERIAL_NUMBER = '1.3.6.1.4.1.41482.3.7';
const OID_POLICIES = '1.3.6.1.4.1.41482.3.8';
const OID_FORM_FACTOR = '1.3.6.1.4.1.41482.3.9';
/** A keychain with USB-A, the first of Yubico's form factors. */
const FORM_FACTOR_KEYCHAIN = 0x01;

const ATTESTATION_NAME: CertificateName = [['CN', 'kortd simulated PIV attestation, not a Yubico key']];
const VALIDITY_YEARS = 10;
const SERIAL_NUMBER_LENGTH = 16;

/** The DER certificate for a generated key, signed by F9. Refuses empty references, and imported keys with 6A80. */
export function attestKey(piv: Piv, reference: number): Uint8Array {
  if (!isKeyReference(piv.posture, reference)) throw new Refusal(SW_INCORRECT_P1_P2);
  const key = piv.memory.keys.get(reference);
  if (!key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  if (key.origin !== ORIGIN_GENERATED) throw new Refusal(SW_WRONG_DATA);
  const signer = ensureAttestation(piv);
  const name: CertificateName = [['CN', `YubiKey PIV Attestation ${reference.toString(16)}`]];
  return issue(piv, { subject: name, subjectKey: key.privateKey, signer, extensions: describeKey(piv, key) });
}

/** Makes F9 and its self-signed certificate where either is missing. */
export function ensureAttestation(piv: Piv): PrivateKey {
  const { keys, objects } = piv.memory;
  const existing = keys.get(KEY_ATTESTATION)?.privateKey;
  if (existing && objects.has(TAG_ATTESTATION_CERTIFICATE)) return existing;
  const privateKey = existing ?? generateCurveKey(P256);
  const stored = { privateKey, pinPolicy: PIN_POLICY_NEVER, touchPolicy: TOUCH_POLICY_NEVER, origin: ORIGIN_IMPORTED };
  keys.set(KEY_ATTESTATION, keys.get(KEY_ATTESTATION) ?? stored);
  const extensions = [basicConstraints(true), keyUsage('digitalSignature', 'keyCertSign')];
  const certificate = issue(piv, { subject: ATTESTATION_NAME, subjectKey: privateKey, signer: privateKey, extensions });
  objects.set(TAG_ATTESTATION_CERTIFICATE, encodeCertificateObject(certificate));
  piv.markChanged();
  return privateKey;
}

/** A certificate as its data object holds it, not compressed (SP 800-73-5 part 1, appendix A). */
export function encodeCertificateObject(certificate: Uint8Array): Uint8Array {
  const info = encodeTlv(TAG_CERTIFICATE_INFO, Uint8Array.of(0x00));
  return encodeTlv(TAG_DATA, encodeTlv(TAG_CERTIFICATE, certificate), info, encodeTlv(TAG_ERROR_DETECTION));
}

function describeKey(piv: Piv, key: StoredKey): readonly CertificateExtension[] {
  return [
    { oid: OID_FIRMWARE, value: Uint8Array.from(piv.posture.firmware) },
    { oid: OID_SERIAL_NUMBER, value: encodeInteger(BigInt(piv.posture.serialNumber)) },
    { oid: OID_POLICIES, value: Uint8Array.of(key.pinPolicy, key.touchPolicy) },
    { oid: OID_FORM_FACTOR, value: Uint8Array.of(FORM_FACTOR_KEYCHAIN) },
  ];
}

interface IssueOptions {
  readonly subject: CertificateName;
  readonly subjectKey: PrivateKey;
  readonly signer: PrivateKey;
  readonly extensions: readonly CertificateExtension[];
}

function issue(piv: Piv, options: IssueOptions): Uint8Array {
  const notBefore = piv.now();
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + VALIDITY_YEARS);
  const publicKey = new Uint8Array(createPublicKey(options.subjectKey.keyObject).export({ format: 'der', type: 'spki' }));
  const template = {
    ...{
      serialNumber: bytesToBigInt(piv.randomBytes(SERIAL_NUMBER_LENGTH)) >> 1n,
      subject: options.subject,
      issuer: ATTESTATION_NAME,
    },
    ...{ notBefore, notAfter, publicKey, extensions: options.extensions },
  };
  return signCertificate(template, options.signer.keyObject);
}
