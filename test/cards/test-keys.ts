/** Keys and certificates made for one run of the tests. RSA keys are made once, since making them takes long. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyUsage, signCertificate } from '../../drivers/simulated/certificate.ts';
import type { PivKeyDescription } from '../../drivers/simulated/cards/piv.ts';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function makeEllipticKey(namedCurve: 'P-256' | 'P-384'): TestKey {
  return generateKeyPairSync('ec', { namedCurve });
}

let rsa2048: TestKey | undefined;

export function rsa2048Key(): TestKey {
  return (rsa2048 ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
}

export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }));
}

/** As a description of a simulated card wants it. */
export function describePrivateKey(key: TestKey, certificate?: Uint8Array): PivKeyDescription {
  return {
    privateKey: key.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    ...(certificate ? { certificate: Buffer.from(certificate).toString('base64') } : {}),
  };
}

/** Self-signed; `paddingBytes` of an extension make it longer. */
export function certify(key: TestKey, paddingBytes = 0): Uint8Array {
  const name = [['CN', 'Test']] as const;
  const padding = { oid: '1.2.3.4', value: new Uint8Array(paddingBytes) };
  return signCertificate(
    {
      serialNumber: 1n,
      subject: name,
      issuer: name,
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2040-01-01'),
      publicKey: spkiOf(key.publicKey),
      extensions: paddingBytes > 0 ? [keyUsage('digitalSignature'), padding] : [keyUsage('digitalSignature')],
    },
    key.privateKey,
  );
}
