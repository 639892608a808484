/** The authorities of a scenario, ready to sign. Their keys are public test keys: trust nothing that they sign. */
import { X509Certificate, createPrivateKey, webcrypto, type KeyObject } from 'node:crypto';
import { Certificate } from 'pkijs';
import type { EidAuthority } from '../cards/eid/certificates.ts';
import type { ScenarioAuthority } from '../scenario.ts';
import { bufferOf, decodeName, readAsn1 } from './asn1.ts';

export interface Issuer extends EidAuthority {
  readonly label: string;
  /** In addresses: "bench-e-id-root-ca-v2". */
  readonly slug: string;
  readonly der: Uint8Array;
  readonly certificate: X509Certificate;
  readonly fields: Certificate;
  /** The same key as `key`, as Web Cryptography has it. */
  readonly signingKey: webcrypto.CryptoKey;
}

export async function openIssuer({ name: label, certificate: der, privateKey }: ScenarioAuthority): Promise<Issuer> {
  const fields = readCertificate(der);
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
  return {
    label,
    slug: label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    der,
    certificate: new X509Certificate(der),
    fields,
    name: decodeName(fields.subject),
    key,
    signingKey: await toSigningKey(key),
  };
}

export function readCertificate(der: Uint8Array): Certificate {
  return new Certificate({ schema: readAsn1(der) });
}

/** For signatures over SHA-256, as the certificates of these authorities have them. */
export function toSigningKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const { namedCurve } = key.asymmetricKeyDetails ?? {};
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: namedCurve === 'secp384r1' ? 'P-384' : 'P-256' };
  const pkcs8 = bufferOf(new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })));
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}

/** The issuer itself first, its root last. */
export function chainOf(issuer: Issuer, all: readonly Issuer[]): readonly Issuer[] {
  const above = all.find(({ certificate }) => issuer.certificate.checkIssued(certificate));
  return above === undefined || above === issuer ? [issuer] : [issuer, ...chainOf(above, all)];
}
