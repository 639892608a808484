/**
 * Chains made by OpenSSL, of RSA and elliptic keys, judged by `validateChain` and by `openssl verify` alike: both must come to the same end. Where they do not,
 * the test says why ours is the stricter one.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFacts, type CertificateFacts } from '../../daemon/identity/certificate-facts.ts';
import { readIdentity } from '../../daemon/identity/identity.ts';
import { validateChain } from '../../daemon/identity/trust.ts';
import { tool } from '../support/program.ts';

const AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';
const PERSON = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n';
const CARD_NUMBER = '1.2.752.34.2.1=ASN1:PRINTABLESTRING:9752278900000000000\n';

interface Made {
  /** Files `<name>.pem` and `<name>.key`. */
  readonly name: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly extensions: string;
  readonly key?: readonly string[];
  readonly days?: readonly [notBefore: string, notAfter: string];
  readonly sign?: readonly string[];
}

const P256 = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const P384 = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384'];
const RSA = ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'];

const CERTIFICATES: readonly Made[] = [
  { name: 'root', extensions: AUTHORITY, key: RSA },
  { name: 'other', extensions: AUTHORITY, subject: '/C=SE/CN=root' },
  { name: 'middle', issuer: 'root', extensions: `${AUTHORITY}certificatePolicies=2.5.29.32.0\n`, key: P384 },
  {
    name: 'anna',
    issuer: 'middle',
    subject: '/C=SE/O=BENCH Region/SN=Lindqvist/GN=Anna/serialNumber=SE2321000016-BENCH1/CN=Anna Lindqvist',
    extensions: `${PERSON}certificatePolicies=2.999.752.3\n${CARD_NUMBER}`,
  },
  { name: 'pss', issuer: 'root', extensions: PERSON, sign: ['-sha384', ...PSS] },
  { name: 'sha512', issuer: 'root', extensions: PERSON, sign: ['-sha512'] },
  { name: 'edwards', issuer: 'root', extensions: AUTHORITY, key: ['ED25519'] },
  { name: 'by-edwards', issuer: 'edwards', extensions: PERSON },
  { name: 'expired', issuer: 'middle', extensions: PERSON, days: ['20240101000000Z', '20240201000000Z'] },
  { name: 'early', issuer: 'middle', extensions: PERSON, days: ['20480101000000Z', '20490101000000Z'] },
  { name: 'old-middle', issuer: 'root', extensions: AUTHORITY, days: ['20240101000000Z', '20240201000000Z'] },
  { name: 'by-old', issuer: 'old-middle', extensions: PERSON },
  { name: 'person', issuer: 'root', extensions: PERSON },
  { name: 'by-person', issuer: 'person', extensions: PERSON },
  { name: 'crl-only', issuer: 'root', extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n' },
  { name: 'by-crl-only', issuer: 'crl-only', extensions: PERSON },
  { name: 'short', issuer: 'root', extensions: AUTHORITY.replace('CA:TRUE', 'CA:TRUE,pathlen:0') },
  { name: 'by-short', issuer: 'short', extensions: PERSON },
  { name: 'below-short', issuer: 'short', extensions: AUTHORITY },
  { name: 'by-below-short', issuer: 'below-short', extensions: PERSON },
  { name: 'critical', issuer: 'middle', extensions: `${PERSON}2.999.1=critical,ASN1:NULL\n` },
  { name: 'by-other', issuer: 'other', extensions: PERSON },
  { name: 'sha1', issuer: 'root', extensions: PERSON, sign: ['-sha1'] },
  { name: 'constrained', issuer: 'root', extensions: `${AUTHORITY}nameConstraints=critical,permitted;DNS:example.test\n` },
  { name: 'by-constrained', issuer: 'constrained', extensions: PERSON },
];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-chains-'));
  for (const one of CERTIFICATES) await make(one);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function make({
  name,
  issuer,
  subject = `/C=SE/CN=${name}`,
  extensions,
  key = P256,
  days,
  sign = ['-sha256'],
}: Made): Promise<void> {
  await tool('openssl', ['genpkey', '-algorithm', ...key, '-out', at(`${name}.key`)]);
  await tool('openssl', ['req', '-new', '-key', at(`${name}.key`), '-subj', subject, '-out', at(`${name}.csr`)]);
  const identifiers = `subjectKeyIdentifier=hash\n${issuer === undefined ? '' : 'authorityKeyIdentifier=keyid\n'}`;
  await writeFile(at(`${name}.ext`), `${extensions}${identifiers}`);
  const [notBefore, notAfter] = days ?? ['20250101000000Z', '20480101000000Z'];
  await writeFile(
    at('ca.cnf'),
    [
      '[ca]',
      'default_ca=x',
      '[x]',
      `database=${at('index')}`,
      `new_certs_dir=${folder}`,
      'rand_serial=yes',
      'unique_subject=no',
      'policy=p',
      'default_md=default',
      '[p]',
      '',
    ]
      .concat(['C', 'O', 'SN', 'GN', 'serialNumber', 'CN'].map((attribute) => `${attribute}=optional`))
      .join('\n'),
  );
  await writeFile(at('index'), '');
  const by =
    issuer === undefined
      ? ['-selfsign', '-keyfile', at(`${name}.key`)]
      : ['-cert', at(`${issuer}.pem`), '-keyfile', at(`${issuer}.key`)];
  const digest = sign[0]?.slice(1) ?? 'sha256';
  const edwards = issuer === 'edwards' ? [] : ['-md', digest];
  const parameters = [
    'ca',
    '-batch',
    '-notext',
    '-config',
    at('ca.cnf'),
    ...by,
    ...edwards,
    ...sign.slice(1),
    '-startdate',
    notBefore,
    '-enddate',
    notAfter,
  ];
  await tool('openssl', [
    ...parameters,
    '-extfile',
    at(`${name}.ext`),
    '-preserveDN',
    '-in',
    at(`${name}.csr`),
    '-out',
    at(`${name}.pem`),
  ]);
}

async function factsOf(name: string): Promise<CertificateFacts> {
  const facts = certificateFacts(new Uint8Array(new X509Certificate(await readFile(at(`${name}.pem`))).raw));
  if (!facts) throw new Error(`${name} is no certificate`);
  return facts;
}

/** "ok", or the number of OpenSSL's error (X509_V_ERR_…). */
async function opensslSays(leaf: string, intermediates: readonly string[]): Promise<string> {
  const untrusted = intermediates.flatMap((name) => ['-untrusted', at(`${name}.pem`)]);
  const answer = await tool('openssl', [
    'verify',
    '-x509_strict',
    '-CAfile',
    at('root.pem'),
    ...untrusted,
    at(`${leaf}.pem`),
  ]).catch(
    (error: unknown) =>
      String(error instanceof Error ? error.message : error) +
      (error instanceof Error && 'stderr' in error ? String(error.stderr) : ''),
  );
  return /error (\d+) at/.exec(answer)?.[1] ?? (answer.includes(': OK') ? 'ok' : answer);
}

describe('openssl verify and validateChain', () => {
  it.each([
    ['anna', ['middle'], 'ok', undefined],
    ['anna', [], '20', 'issuer_unknown'],
    ['pss', [], 'ok', undefined],
    ['sha512', [], 'ok', undefined],
    ['by-edwards', ['edwards'], 'ok', undefined],
    ['expired', ['middle'], '10', 'expired'],
    ['early', ['middle'], '9', 'not_yet_valid'],
    ['by-old', ['old-middle'], '10', 'issuer_expired'],
    ['by-person', ['person'], '79', 'issuer_not_authority'],
    ['by-crl-only', ['crl-only'], '79', 'issuer_key_usage'],
    ['by-short', ['short'], 'ok', undefined],
    ['by-below-short', ['short', 'below-short'], '25', 'path_too_long'],
    ['critical', ['middle'], '34', 'extension_unsupported'],
    ['by-other', [], '20', 'signature_invalid'],
  ] as const)('agree on %s with %j', async (leaf, intermediates, openssl, problem) => {
    const facts = await Promise.all(intermediates.map(factsOf));
    const report = validateChain(await factsOf(leaf), { anchors: [await factsOf('root')], intermediates: facts, at: new Date() });
    expect([report.status, report.problem]).toEqual([problem === undefined ? 'trusted' : 'untrusted', problem]);
    expect(await opensslSays(leaf, intermediates)).toBe(openssl);
  });

  it.each([
    ['sha1', [], 'signature_weak'], // OpenSSL lets SHA-1 through at its default security level
    ['by-constrained', ['constrained'], 'extension_unsupported'], // DNS names bind no person; still, nothing here looks at them
  ] as const)('differ on %s: ours refuses it', async (leaf, intermediates, problem) => {
    const facts = await Promise.all(intermediates.map(factsOf));
    const report = validateChain(await factsOf(leaf), { anchors: [await factsOf('root')], intermediates: facts, at: new Date() });
    expect(report).toMatchObject({ status: 'untrusted', problem });
  });
});

it('reads the identity that OpenSSL wrote', async () => {
  const [root, middle, anna] = await Promise.all(['root', 'middle', 'anna'].map(factsOf));
  if (!root || !middle || !anna) throw new Error('a certificate is missing');
  const settings = { anchors: [root], intermediates: [middle], assuranceLevels: new Map([['2.999.752.3', 'LoA3']]) };
  expect(readIdentity([{ keyReference: '45', der: new Uint8Array(anna.x509.raw) }], settings, new Date())).toEqual({
    name: 'Anna Lindqvist',
    givenName: 'Anna',
    surname: 'Lindqvist',
    hsaId: 'SE2321000016-BENCH1',
    cardNumber: '9752278900000000000',
    organisation: 'BENCH Region',
    organisationNumber: '2321000016',
    assuranceLevel: 'LoA3',
    policies: ['2.999.752.3'],
    isTrusted: true,
    problems: [],
  });
});
