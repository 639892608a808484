/** A certification authority made of the openssl program: what kortd requests is issued, and what cards sign is verified, by code that is not ours. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from './program.ts';

export interface OpensslCa extends AsyncDisposable {
  readonly folder: string;
  /** A file in the CA's folder with this content; resolves with its path. */
  file(name: string, content: string | Uint8Array): Promise<string>;
  /** Verifies the request's signature, then issues. PEM in, PEM out. */
  issue(request: string): Promise<string>;
  /** Issues for a public key alone, PEM, as made by another tool. */
  issueFor(publicKey: string, subject: string): Promise<string>;
  /** Throws unless `signature` (as OpenSSL has it: DER for ECDSA) over `message` verifies with the certificate, SHA-256. */
  verify(certificate: string, message: Uint8Array, signature: Uint8Array): Promise<void>;
}

export async function createOpensslCa(): Promise<OpensslCa> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-ca-'));
  const at = (name: string): string => join(folder, name);
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(at(name), content);
    return at(name);
  };
  await tool('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '30',
    '-subj',
    '/CN=Test CA',
  ]);
  const signWith = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '20'];
  let count = 0;
  return {
    folder,
    file,
    async issue(request) {
      const path = await file(`request-${++count}.pem`, request);
      const answer = await tool('openssl', ['req', '-in', path, '-verify', '-noout']);
      if (!answer.includes('verify OK')) throw new Error(`openssl does not accept the request: ${answer}`);
      const extensions = await file('extensions', 'keyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment\n');
      await tool('openssl', [
        'x509',
        '-req',
        '-in',
        path,
        ...signWith,
        '-extfile',
        extensions,
        '-out',
        at(`certificate-${count}.pem`),
      ]);
      return await readFile(at(`certificate-${count}.pem`), 'utf8');
    },
    async issueFor(publicKey, subject) {
      const key = await file(`public-${++count}.pem`, publicKey);
      await tool('openssl', [
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        at('unused.key'),
        '-subj',
        subject,
        '-out',
        at('dummy.pem'),
      ]);
      await tool('openssl', [
        'x509',
        '-req',
        '-in',
        at('dummy.pem'),
        '-force_pubkey',
        key,
        ...signWith,
        '-out',
        at(`certificate-${count}.pem`),
      ]);
      return await readFile(at(`certificate-${count}.pem`), 'utf8');
    },
    async verify(certificate, message, signature) {
      const certificatePath = await file('verify.pem', certificate);
      await file('verify.pub', await tool('openssl', ['x509', '-in', certificatePath, '-noout', '-pubkey']));
      const parameters = [
        'dgst',
        '-sha256',
        '-verify',
        at('verify.pub'),
        '-signature',
        await file('verify.sig', signature),
        await file('verify.msg', message),
      ];
      const answer = await tool('openssl', parameters);
      if (!answer.includes('Verified OK')) throw new Error(`openssl does not accept the signature: ${answer}`);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
