/**
 * Protection of CMP messages: by a shared secret (RFC 4210, section 5.1.3.1) or by signature (section 5.1.3.3). What comes back must be protected by the same secret, or signed by a
 * server that the policy's trust anchors vouch for.
 */
import { createHash, createHmac, sign, timingSafeEqual } from 'node:crypto';
import { Integer, Null, ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import { AlgorithmIdentifier } from 'pkijs';
import { Name } from '@peculiar/asn1-x509';
import { formatHex } from '../../../apdu/bytes.ts';
import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { Secret } from '../../../apdu/secret.ts';
import type { SignatureAlgorithm } from '../../../apdu/token.ts';
import { TlvError } from '../../../apdu/tlv/ber-tlv.ts';
import { decodeAs } from '../../identity/asn1.ts';
import { certificateFacts, type CertificateFacts } from '../../identity/certificate-facts.ts';
import { parseName } from '../../identity/distinguished-name.ts';
import { validateChain } from '../../identity/trust.ts';
import {
  decodeSignatureAlgorithm,
  encodeSignatureAlgorithm,
  requireStrongKey,
  verifySignature,
} from '../../signing/cms/algorithms.ts';
import { DerError, childrenOf, encode, octetsOf, oidOf, orDerError, readDer } from '../../signing/cms/asn1.ts';
import { KEY_USAGE, extendedKeyUsageOf, extensionsOf, keyUsageOf } from '../../signing/certificate-fields.ts';
import type { ReceivedMessage } from './cmp-message.ts';
import { integerOf } from './cmp-status.ts';
import { answerInvalid, misconfigured } from './errors.ts';
import type { AuthorityFiles, ClientIdentity, Credentials } from './files.ts';

/** RFC 4210, section 5.1.3.1 and appendix D.2. */
const OID_PASSWORD_BASED_MAC = '1.2.840.113533.7.66.13';
/** RFC 5754, section 2: what makes the key of the secret. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);
const OID_SHA256 = '2.16.840.1.101.3.4.2.1';
/** RFC 8018, appendix B.1; id-HMAC-SHA1 of RFC 4210, appendix D.2. SHA-1 is no weakness of HMAC (RFC 9481, section 7). */
const MACS: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
  ['1.3.6.1.5.5.8.1.2', 'sha1'],
]);
const OID_HMAC_SHA256 = '1.2.840.113549.2.9';
const SALT_BYTES = 16;
/** Against trying secrets for a message that was overheard. OpenSSL takes 100,000 at most, and 100 at least. */
const ITERATIONS = 10_000;
const MAX_ITERATIONS = 100_000;
const MAX_SALT_BYTES = 128;
/** id-kp-cmcCA, id-kp-cmcRA: may answer for an authority (RFC 9480, section 2.2; RFC 6402, section 2.10). */
const SERVER_USAGES: readonly string[] = ['1.3.6.1.5.5.7.3.27', '1.3.6.1.5.5.7.3.28'];
/** By key and curve: each with a hash of its own strength. */
const CURVE_ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
]);

export interface Protector {
  /** AlgorithmIdentifier, DER. */
  readonly algorithm: Uint8Array;
  readonly extraCertificates: readonly Uint8Array[];
  protect(protectedPart: Uint8Array): Uint8Array;
}

/** One for a message: a salt is used once. `random`: so many bytes. */
export function macProtector({ secret }: Credentials, random: (length: number) => Uint8Array): Protector {
  const salt = random(SALT_BYTES);
  const named = (oid: string): Sequence => new Sequence({ value: [new ObjectIdentifier({ value: oid }), new Null()] });
  const parameters = new Sequence({
    value: [
      new OctetString({ valueHex: Uint8Array.from(salt) }),
      named(OID_SHA256),
      new Integer({ value: ITERATIONS }),
      named(OID_HMAC_SHA256),
    ],
  });
  const algorithm = new Sequence({ value: [new ObjectIdentifier({ value: OID_PASSWORD_BASED_MAC }), parameters] });
  return {
    algorithm: encode(algorithm),
    extraCertificates: [],
    protect: (part) => passwordMac(part, secret, { salt, hash: 'sha256', iterations: ITERATIONS, mac: 'sha256' }),
  };
}

/** Throws authority_misconfigured for a key of a kind that does not sign. */
export function signatureProtector({ certificates, key }: ClientIdentity): Protector {
  const algorithm: SignatureAlgorithm | undefined =
    key.asymmetricKeyType === 'rsa' ? 'RS256' : CURVE_ALGORITHMS.get(key.asymmetricKeyDetails?.namedCurve ?? '');
  if (!algorithm) throw misconfigured('the client key is neither RSA nor of P-256 or P-384');
  const { hash } = SIGNATURE_SCHEMES[algorithm];
  return {
    algorithm: encode(encodeSignatureAlgorithm(algorithm).toSchema()),
    // Its own first (RFC 9483, section 3.3).
    extraCertificates: certificates.map(({ x509 }) => new Uint8Array(x509.raw)),
    protect: (part) => new Uint8Array(sign(hash, part, key)),
  };
}

interface MacParameters {
  readonly salt: Uint8Array;
  readonly hash: string;
  readonly iterations: number;
  readonly mac: string;
}

/** Every HMAC takes a key as long as any of these digests. */
function passwordMac(part: Uint8Array, secret: Secret, { salt, hash, iterations, mac }: MacParameters): Uint8Array {
  let key = secret.use((bytes) => createHash(hash).update(bytes).update(salt).digest());
  for (let count = 1; count < iterations; count++) key = createHash(hash).update(key).digest();
  const result = new Uint8Array(createHmac(mac, key).update(part).digest());
  key.fill(0);
  return result;
}

/** Throws authority_answer_invalid unless the message is protected by one whom the policy trusts; DerError, AlgorithmNotAllowedError for what cannot be read. */
export function requireProtection(message: ReceivedMessage, files: AuthorityFiles, today: Date): void {
  const { protection, protectionAlgorithm } = message;
  if (!protection || !protectionAlgorithm) throw answerInvalid('the answer is not protected');
  const [oid, parameters] = childrenOf(readDer(protectionAlgorithm));
  if (oidOf(oid) === OID_PASSWORD_BASED_MAC) {
    if (!files.credentials) throw answerInvalid('the answer is protected by a secret, and none is configured');
    const expected = passwordMac(message.protectedPart, files.credentials.secret, readMacParameters(parameters));
    if (expected.length !== protection.length || !timingSafeEqual(expected, protection))
      throw answerInvalid('the answer is not protected by the secret that is configured');
    return;
  }
  requireSignature(message, protectionAlgorithm, { files, today, protection });
}

function readMacParameters(block: Parameters<typeof childrenOf>[0] | undefined): MacParameters {
  const [salt, owf, count, mac] = block ? childrenOf(block) : [];
  const hash = HASHES.get(oidOf(owf && childrenOf(owf)[0]));
  const hmac = MACS.get(oidOf(mac && childrenOf(mac)[0]));
  if (hash === undefined || hmac === undefined) throw new DerError('protected by an algorithm that is not accepted');
  const iterations = integerOf(count);
  const saltBytes = octetsOf(salt);
  if (iterations < 1 || iterations > MAX_ITERATIONS || saltBytes.length > MAX_SALT_BYTES)
    throw new DerError('protected with parameters out of range');
  return { salt: saltBytes, hash, iterations, mac: hmac };
}

function requireSignature(
  message: ReceivedMessage,
  protectionAlgorithm: Uint8Array,
  options: { readonly files: AuthorityFiles; readonly today: Date; readonly protection: Uint8Array },
): void {
  const { files, today, protection } = options;
  if (files.anchors.length === 0) throw answerInvalid('the answer is signed, and no trust anchors are configured');
  const algorithm = orDerError('no AlgorithmIdentifier', () => new AlgorithmIdentifier({ schema: readDer(protectionAlgorithm) }));
  const scheme = decodeSignatureAlgorithm(algorithm);
  const beside = message.extraCertificates.flatMap((der) => certificateFacts(der) ?? []);
  const known = [...beside, ...files.anchors, ...(files.serverCertificate ? [files.serverCertificate] : [])];
  const signer = known.find((one) => isNamed(one, message) && signed(one));
  if (!signer) throw answerInvalid('the answer is not signed by a certificate that came with it or is configured');
  const { status, problem } = validateChain(signer, { anchors: files.anchors, intermediates: beside, at: today });
  if (status !== 'trusted') throw answerInvalid(`whoever signed the answer is not trusted (${problem ?? 'no trust anchor'})`);
  if (!mayAnswer(signer, files))
    throw answerInvalid(`whoever signed the answer may not speak for an authority: ${signer.subjectText}`);

  function signed({ publicKey }: CertificateFacts): boolean {
    if (!publicKey) return false;
    requireStrongKey(publicKey);
    return verifySignature(scheme, publicKey, message.protectedPart, protection);
  }
}

/** The sender is the signer's subject (RFC 4210, section 5.1.1), and its key identifier the one that is told. */
function isNamed({ subject, subjectKeyId }: CertificateFacts, { sender, senderKeyId }: ReceivedMessage): boolean {
  if (!sender || subject.key !== nameKey(sender)) return false;
  return !senderKeyId || subjectKeyId === undefined || subjectKeyId.toUpperCase() === formatHex(senderKeyId);
}

function nameKey(der: Uint8Array): string | undefined {
  try {
    return parseName(decodeAs(der, Name)).key;
  } catch (error) {
    if (error instanceof TlvError) return undefined;
    throw error;
  }
}

/** Everybody who has a card has a certificate of the same authority: a chain alone lets none of them answer for it. */
function mayAnswer({ x509, isAuthority, fingerprint }: CertificateFacts, { serverCertificate }: AuthorityFiles): boolean {
  if (fingerprint === serverCertificate?.fingerprint || isAuthority) return true;
  const extensions = extensionsOf(x509);
  if (keyUsageOf(extensions)?.(KEY_USAGE.digitalSignature) === false) return false;
  return extendedKeyUsageOf(extensions)?.some((usage) => SERVER_USAGES.includes(usage)) ?? false;
}
