/**
 * Two authorities, a time-stamp authority and signers, made by the openssl program in a folder of their own: what kortd signs is verified, and what it verifies is made, by
 * code that is not ours.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool } from '../support/program.ts';

export type PkiKeyKind = 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'RSA-3072';

export interface PkiSigner {
  readonly certificate: X509Certificate;
  readonly der: Uint8Array;
  readonly privateKey: KeyObject;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface IssueOptions {
  readonly kind?: PkiKeyKind;
  /** Lines of an extension section. */
  readonly extensions?: string;
  readonly issuer?: 'root' | 'sub' | 'other';
  /** Of openssl x509 or ca: digest, dates. */
  readonly more?: readonly string[];
  /** YYYYMMDDHHMMSSZ. */
  readonly dates?: { readonly from: string; readonly to: string };
}

export interface Pki extends AsyncDisposable {
  readonly root: PkiSigner;
  /** Issued by the root. */
  readonly sub: PkiSigner;
  /** A root that nobody trusts. */
  readonly other: PkiSigner;
  path(name: string): string;
  file(name: string, content: string | Uint8Array): Promise<string>;
  read(name: string): Promise<Uint8Array>;
  issue(name: string, options?: IssueOptions): Promise<PkiSigner>;
  /** `openssl ca -revoke`, as of now. */
  revoke(signer: PkiSigner, issuer?: 'root' | 'sub'): Promise<void>;
  /** DER. `days`: until its next update. */
  crl(issuer?: 'root' | 'sub', more?: readonly string[]): Promise<Uint8Array>;
  openssl(...parameters: readonly string[]): Promise<string>;
}

export const SIGNER_EXTENSIONS = 'keyUsage=critical,digitalSignature,nonRepudiation';
export const TSA_EXTENSIONS = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping';

export async function createPki(): Promise<Pki> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-pki-'));
  const path = (name: string): string => join(folder, name);
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(path(name), content);
    return path(name);
  };
  const openssl = (...parameters: readonly string[]): Promise<string> => tool('openssl', parameters);
  const load = async (name: string): Promise<PkiSigner> => {
    const certificate = new X509Certificate(await readFile(path(`${name}.pem`)));
    return {
      certificate,
      der: new Uint8Array(certificate.raw),
      privateKey: createPrivateKey(await readFile(path(`${name}.key`))),
      certificateFile: path(`${name}.pem`),
      keyFile: path(`${name}.key`),
    };
  };
  const makeKey = async (name: string, kind: PkiKeyKind): Promise<void> => {
    const how = kind.startsWith('RSA')
      ? ['RSA', '-pkeyopt', `rsa_keygen_bits:${kind.slice(4)}`]
      : ['EC', '-pkeyopt', `ec_paramgen_curve:${kind}`];
    await openssl('genpkey', '-algorithm', ...how, '-out', path(`${name}.key`));
  };
  const openAuthority = async (name: string): Promise<void> => {
    await file(`${name}.index`, '');
    await file(`${name}.serial`, '1000');
    await file(`${name}.crlnumber`, '01');
    await file(`${name}.cnf`, authorityConfig(folder, name));
  };
  const selfSign = async (name: string): Promise<void> => {
    await makeKey(name, 'RSA-2048');
    await openAuthority(name);
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    const more = extensions.flatMap((extension) => ['-addext', extension]);
    await openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      path(`${name}.key`),
      '-out',
      path(`${name}.pem`),
      '-days',
      '3650',
      '-subj',
      `/CN=kortd test ${name}`,
      ...more,
    );
  };
  const issue = async (name: string, options: IssueOptions = {}): Promise<PkiSigner> => {
    const { kind = 'P-256', issuer = 'sub', extensions = SIGNER_EXTENSIONS, more = [], dates } = options;
    await makeKey(name, kind);
    await openssl('req', '-new', '-key', path(`${name}.key`), '-subj', `/C=SE/CN=${name}`, '-out', path(`${name}.csr`));
    const extfile = await file(`${name}.ext`, `[e]\n${extensions}\nsubjectKeyIdentifier=hash\n`);
    const period = dates ? ['-startdate', dates.from, '-enddate', dates.to] : ['-days', '3000'];
    const request = [
      '-batch',
      '-config',
      path(`${issuer}.cnf`),
      '-in',
      path(`${name}.csr`),
      '-extfile',
      extfile,
      '-extensions',
      'e',
    ];
    await openssl('ca', ...request, '-notext', '-out', path(`${name}.pem`), ...period, ...more);
    return await load(name);
  };
  await selfSign('root');
  await selfSign('other');
  const authority = 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature';
  await openAuthority('sub');
  const sub = await issue('sub', { kind: 'RSA-2048', issuer: 'root', extensions: authority });
  return {
    root: await load('root'),
    sub,
    other: await load('other'),
    path,
    file,
    read: async (name) => new Uint8Array(await readFile(path(name))),
    issue,
    openssl,
    revoke: async (signer, issuer = 'sub') => {
      await openssl('ca', '-config', path(`${issuer}.cnf`), '-revoke', signer.certificateFile);
    },
    crl: async (issuer = 'sub', more = []) => {
      await openssl('ca', '-config', path(`${issuer}.cnf`), '-gencrl', '-crldays', '30', '-out', path('crl.pem'), ...more);
      await openssl('crl', '-in', path('crl.pem'), '-outform', 'DER', '-out', path('crl.der'));
      return new Uint8Array(await readFile(path('crl.der')));
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function authorityConfig(folder: string, name: string): string {
  return `[ca]
default_ca=x
[x]
dir=${folder}
database=$dir/${name}.index
serial=$dir/${name}.serial
crlnumber=$dir/${name}.crlnumber
new_certs_dir=$dir
certificate=$dir/${name}.pem
private_key=$dir/${name}.key
default_md=sha256
policy=p
unique_subject=no
rand_serial=no
[p]
countryName=optional
commonName=supplied
`;
}
