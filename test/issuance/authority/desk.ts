/** What a desk needs to ask an authority: a card's request, made by the openssl program, and the files that the policy names. */
import { chmod } from 'node:fs/promises';
import { createPki, type Pki, type PkiSigner } from '../../signing/pki.ts';

export interface AuthorityDesk extends AsyncDisposable {
  readonly pki: Pki;
  /** PKCS #10, DER. */
  readonly request: Uint8Array;
  /** The certificate that an authority issues for the request. */
  readonly issued: PkiSigner;
  /** The certificate of another key. */
  readonly strange: PkiSigner;
  /** The workstation's own. */
  readonly workstation: PkiSigner;
  /** Readable by its owner alone. */
  secretFile(name: string, content: string): Promise<string>;
}

export async function createAuthorityDesk(): Promise<AuthorityDesk> {
  const pki = await createPki();
  const issued = await pki.issue('holder');
  await pki.openssl('req', '-in', pki.path('holder.csr'), '-outform', 'DER', '-out', pki.path('holder.der'));
  return {
    pki,
    request: await pki.read('holder.der'),
    issued,
    strange: await pki.issue('strange'),
    workstation: await pki.issue('workstation', {
      extensions: 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth',
    }),
    async secretFile(name, content) {
      const file = await pki.file(name, content);
      await chmod(file, 0o600);
      return file;
    },
    [Symbol.asyncDispose]: () => pki[Symbol.asyncDispose](),
  };
}
