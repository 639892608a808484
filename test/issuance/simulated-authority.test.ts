/** The test authority over the wire, as stock tools see it: enrolled with curl, and everything that it signs judged by openssl. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadScenario, type Scenario } from '../../drivers/simulated/scenario.ts';
import { serveTestAuthority, type AuthorityServer } from '../../drivers/simulated/authority/server.ts';
import { readIdentitySettings } from '../../daemon/identity/settings.ts';
import { checkCertificates } from '../../daemon/issuance/certificate-check.ts';
import type { KeyPlace } from '../../daemon/issuance/entry.ts';
import { createCertificateRequest, preferredAlgorithm } from '../../daemon/signing/certificate-request.ts';
import { checkRevocation, readRevocation } from '../../daemon/signing/cms/revocation.ts';
import { signWith } from '../signing/card-key.ts';
import { createPki, type Pki } from '../signing/pki.ts';
import { runTool } from '../support/run-tool.ts';

const CARD_NUMBER = '9752269875412345671';
const HSA_ID = 'SE2321000016-BENCH3';
const SUBJECT = `/C=SE/O=BENCH Region/SN=Öberg/GN=Cecilia/serialNumber=${HSA_ID}/CN=Cecilia Öberg`;
const DAY_MS = 86_400_000;
const JSON_TYPE = 'content-type: application/json';

let pki: Pki;
let scenario: Scenario;
let server: AuthorityServer;

beforeAll(async () => {
  pki = await createPki();
  scenario = await loadScenario('office');
}, 60_000);
afterAll(async () => {
  await scenario.dispose();
  await pki[Symbol.asyncDispose]();
});
beforeEach(async () => {
  server = await serveTestAuthority({ scenario, port: 0 });
});
afterEach(() => server[Symbol.asyncDispose]());

const curl = (...parameters: readonly string[]): Promise<string> =>
  runTool('curl', ['--silent', '--show-error', '--fail-with-body', '--max-time', '10', ...parameters]);

/** A request of openssl's own, as a file: PEM. */
async function makeRequest(name: string, keyUsage = 'digitalSignature', subject = SUBJECT): Promise<string> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', pki.path(`${name}.key`)];
  const extensions = [`keyUsage=critical,${keyUsage}`, `1.2.752.34.2.1=ASN1:PRINTABLESTRING:${CARD_NUMBER}`];
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  await pki.openssl('req', '-new', '-utf8', ...key, '-subj', subject, ...added, '-out', pki.path(`${name}.req`));
  return pki.path(`${name}.req`);
}

/** Base64 of a certs-only CMS, as EST answers, into a file of PEM. */
async function unpack(name: string, answer: string): Promise<string> {
  const cms = await pki.file(`${name}.p7`, Buffer.from(answer, 'base64'));
  await pki.openssl('pkcs7', '-inform', 'DER', '-in', cms, '-print_certs', '-out', pki.path(name));
  return pki.path(name);
}

/** By EST: files with the certificate, with its issuer, and with all authorities. */
async function enrol(label: string, requestFile: string): Promise<{ leaf: string; issuer: string; trusted: string }> {
  const est = `${server.url}/.well-known/est${label}`;
  await pki.openssl('req', '-in', requestFile, '-outform', 'DER', '-out', pki.path('request.der'));
  await pki.openssl('base64', '-in', pki.path('request.der'), '-out', pki.path('request.b64'));
  const body = ['-H', 'content-type: application/pkcs10', '--data-binary', `@${pki.path('request.b64')}`];
  const leaf = await unpack('leaf.pem', await curl(`${est}/simpleenroll`, ...body));
  const trusted = await unpack('trusted.pem', await curl(`${est}/cacerts`));
  const text = await pki.openssl('x509', '-in', leaf, '-noout', '-ext', 'authorityInfoAccess');
  const address = /CA Issuers - URI:(\S+)/.exec(text)?.[1] ?? '';
  await curl(address, '--output', pki.path('issuer.der'));
  await pki.openssl('x509', '-inform', 'DER', '-in', pki.path('issuer.der'), '-out', pki.path('issuer.pem'));
  return { leaf, issuer: pki.path('issuer.pem'), trusted };
}

async function listAddress(leaf: string): Promise<string> {
  const text = await pki.openssl('x509', '-in', leaf, '-noout', '-ext', 'crlDistributionPoints');
  return /URI:(\S+)/.exec(text)?.[1] ?? '';
}

/** `openssl verify` with the list that the certificate itself points to. Rejects with what it says. */
async function verifyByList({ leaf, trusted }: { readonly leaf: string; readonly trusted: string }): Promise<string> {
  await curl(await listAddress(leaf), '--output', pki.path('list.crl'));
  const checked = ['crl', '-inform', 'DER', '-in', pki.path('list.crl'), '-CAfile', trusted, '-out', pki.path('list.pem')];
  expect(await pki.openssl(...checked)).toContain('verify OK');
  return await pki.openssl('verify', '-crl_check', '-CAfile', trusted, '-CRLfile', pki.path('list.pem'), leaf);
}

/** `openssl ocsp`, at the address in the certificate, with a nonce; the answer is verified. */
async function askOcsp({
  leaf,
  issuer,
  trusted,
}: {
  readonly leaf: string;
  readonly issuer: string;
  readonly trusted: string;
}): Promise<string> {
  const url = (await pki.openssl('x509', '-in', leaf, '-noout', '-ocsp_uri')).trim();
  const answer = await pki.openssl('ocsp', '-issuer', issuer, '-cert', leaf, '-url', url, '-CAfile', trusted, '-text');
  expect(answer).toContain('Response verify OK');
  expect(answer).not.toContain('WARNING: no nonce');
  return answer;
}

/** RFC 6960, appendix A.1: the question as base64 in the path. */
async function askByPath(questionFile: string): Promise<Uint8Array> {
  const question = (await readFile(questionFile)).toString('base64');
  await curl(`${server.url}/ocsp/${encodeURIComponent(question)}`, '--output', pki.path('by-path.ocsp'));
  return await readFile(pki.path('by-path.ocsp'));
}

async function revoke(order: object): Promise<string> {
  return await curl(
    `${server.url}/revoke`,
    '-H',
    JSON_TYPE,
    '--data-binary',
    `@${await pki.file('revoke.json', JSON.stringify(order))}`,
  );
}

const justPem = (text: string): string => /-----BEGIN[\s\S]*?-----END CERTIFICATE-----/.exec(text)?.[0] ?? '';

describe('a certificate by EST', () => {
  it('is for the person, key and card of the request, of the level of its label, for its days', async () => {
    const { leaf, trusted } = await enrol('/loa2-30', await makeRequest('cecilia'));
    const text = await pki.openssl('x509', '-in', leaf, '-noout', '-text', '-nameopt', 'RFC2253,utf8,-esc_msb,sname');
    expect(text).toContain(`Subject: CN=Cecilia Öberg,serialNumber=${HSA_ID},GN=Cecilia,SN=Öberg,O=BENCH Region,C=SE`);
    expect(text).toContain('Issuer: CN=BENCH e-id Person HSA-id 2 CA v1');
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toContain('Policy: 2.999.752.2');
    expect(text).toContain(CARD_NUMBER);
    const publicKey = await pki.openssl('x509', '-in', leaf, '-noout', '-pubkey');
    expect(publicKey).toBe(await pki.openssl('pkey', '-in', pki.path('cecilia.key'), '-pubout'));
    expect(await pki.openssl('verify', '-x509_strict', '-CAfile', trusted, leaf)).toContain('OK');
    await pki.openssl('x509', '-in', leaf, '-noout', '-checkend', String(29 * 86_400));
    await expect(pki.openssl('x509', '-in', leaf, '-noout', '-checkend', String(31 * 86_400))).rejects.toThrow('will expire');
  });

  it('is for signatures when the request says so, and for a personal number by its own authority', async () => {
    const { leaf } = await enrol('', await makeRequest('david', 'nonRepudiation', '/CN=David Ek/serialNumber=198112189876'));
    const text = await pki.openssl('x509', '-in', leaf, '-noout', '-text');
    expect(text).toMatch(/Key Usage: critical\n\s+Non Repudiation\n/);
    expect(text).toContain('BENCH e-id Person ID 3 CA v1');
    expect(text).toContain('Policy: 2.999.752.3');
  });
});

describe('revocation', () => {
  it('is told by the list that the certificate points to', async () => {
    const files = await enrol('/loa3', await makeRequest('cecilia'));
    expect(await verifyByList(files)).toContain('OK');
    await revoke({ certificate: justPem(await readFile(files.leaf, 'utf8')), reason: 'keyCompromise' });
    await expect(verifyByList(files)).rejects.toThrow('certificate revoked');
    expect(await pki.openssl('crl', '-in', pki.path('list.pem'), '-noout', '-text')).toMatch(
      /CRL Reason Code: \n\s+Key Compromise/,
    );
  });

  it('is told by OCSP, with its reason and the nonce of the question', async () => {
    const files = await enrol('/loa3', await makeRequest('cecilia'));
    expect(await askOcsp(files)).toContain(`${files.leaf}: good`);
    const serial = (await pki.openssl('x509', '-in', files.leaf, '-noout', '-serial')).trim().replace('serial=', '');
    await revoke({ serialNumber: serial, reason: 'superseded' });
    const answer = await askOcsp(files);
    expect(answer).toContain(`${files.leaf}: revoked`);
    expect(answer).toContain('Reason: superseded');
  });

  it('of what was never issued here is unknown by OCSP', async () => {
    const files = await enrol('/loa3', await makeRequest('cecilia'));
    const parameters = ['-issuer', files.issuer, '-serial', '0x1234', '-url', `${server.url}/ocsp`, '-CAfile', files.trusted];
    expect(await pki.openssl('ocsp', ...parameters)).toContain('0x1234: unknown');
  });

  it('on hold is lifted again', async () => {
    const files = await enrol('/loa3', await makeRequest('cecilia'));
    const certificate = justPem(await readFile(files.leaf, 'utf8'));
    await revoke({ certificate, reason: 'certificateHold' });
    await expect(verifyByList(files)).rejects.toThrow('certificate revoked');
    await revoke({ certificate, reason: 'removeFromCRL' });
    expect(await verifyByList(files)).toContain('OK');
    expect(await askOcsp(files)).toContain(': good');
  });

  it('of another authority is not answered', async () => {
    const other = await pki.issue('stranger');
    const parameters = ['-issuer', pki.sub.certificateFile, '-cert', other.certificateFile, '-url', `${server.url}/ocsp`];
    await expect(pki.openssl('ocsp', ...parameters, '-CAfile', pki.root.certificateFile)).rejects.toThrow('unauthorized');
  });
});

describe('what the core asks for', () => {
  const placeOf = { authentication: 'legitimering', signature: 'underskrift' } as const;

  it.each(['P-256', 'RSA-2048'] as const)('is issued so that the core takes it: %s', async (algorithm) => {
    const places: KeyPlace[] = [];
    const publicKeys = new Map<string, Uint8Array>();
    const ders: Uint8Array[] = [];
    for (const keyUsage of ['authentication', 'signature'] as const) {
      const signer = await pki.issue(keyUsage, { kind: algorithm });
      const publicKey = new Uint8Array(signer.certificate.publicKey.export({ format: 'der', type: 'spki' }));
      const scheme = preferredAlgorithm(algorithm);
      const { request } = await createCertificateRequest(
        {
          subject: `CN=Cecilia Öberg,serialNumber=${HSA_ID},GN=Cecilia,SN=Öberg,O=BENCH Region,C=SE`,
          key: { algorithm, publicKey },
          algorithm: scheme,
          extensions: { keyUsage, cardNumber: CARD_NUMBER },
        },
        signWith(pki, signer, scheme),
      );
      const body = await pki.file('issue.json', JSON.stringify({ request, days: 30 }));
      const answer = JSON.parse(await curl(`${server.url}/issue`, '-H', JSON_TYPE, '--data-binary', `@${body}`)) as {
        certificates: string[];
      };
      const keyReference = placeOf[keyUsage];
      places.push({ keyReference, usage: keyUsage, algorithm });
      publicKeys.set(keyReference, publicKey);
      ders.push(new Uint8Array(new X509Certificate(answer.certificates[0] ?? '').raw));
    }
    const { settings } = readIdentitySettings([], scenario);
    const order = { cardNumber: CARD_NUMBER, hsaId: HSA_ID, assuranceLevel: 'LoA3', validTo: new Date(Date.now() + 31 * DAY_MS) };
    expect(checkCertificates(ders, places, publicKeys, { order, settings, now: new Date() })).toMatchObject({
      findings: [],
      fitting: [{ keyReference: 'legitimering' }, { keyReference: 'underskrift' }],
    });
  });

  it('is told to be revoked by the list and the answer that the daemon itself reads', async () => {
    const { leaf, issuer } = await enrol('/loa3', await makeRequest('cecilia'));
    const certificate = new X509Certificate(await readFile(leaf));
    const question = { certificate, issuer: new X509Certificate(await readFile(issuer)), reference: new Date(), now: new Date() };
    const ask = async (): Promise<readonly unknown[]> => {
      const [list, answer] = [pki.path('list.crl'), pki.path('answer.ocsp')];
      await curl(await listAddress(leaf), '--output', list);
      await pki.openssl('ocsp', '-issuer', issuer, '-cert', leaf, '-reqout', pki.path('question.ocsp'));
      const body = ['-H', 'content-type: application/ocsp-request', '--data-binary', `@${pki.path('question.ocsp')}`];
      await curl(`${server.url}/ocsp`, ...body, '--output', answer);
      return [
        checkRevocation(question, readRevocation([await readFile(list)], [])).status,
        checkRevocation(question, readRevocation([], [await readFile(answer)])).status,
        checkRevocation(question, readRevocation([], [await askByPath(pki.path('question.ocsp'))])).status,
      ];
    };
    expect(await ask()).toEqual(['good', 'good', 'good']);
    await revoke({ certificate: justPem(await readFile(leaf, 'utf8')) });
    expect(await ask()).toEqual(['revoked', 'revoked', 'revoked']);
  });
});

describe('the door for portals', () => {
  it('issues with the whole chain, to the last day that is given, and lists it', async () => {
    const request = await readFile(await makeRequest('cecilia'), 'utf8');
    const validTo = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
    const body = await pki.file('issue.json', JSON.stringify({ request, validTo, profile: 'reserve' }));
    const answer = JSON.parse(await curl(`${server.url}/issue`, '-H', JSON_TYPE, '--data-binary', `@${body}`)) as {
      certificates: string[];
    };
    const [leaf = '', ...chain] = answer.certificates;
    const trusted = await pki.file('chain.pem', chain.join(''));
    expect(await pki.openssl('verify', '-CAfile', trusted, await pki.file('leaf.pem', leaf))).toContain('OK');
    const listed = JSON.parse(await curl(`${server.url}/issued`)) as {
      certificates: { certificate: string; notAfter: string }[];
    };
    expect(listed.certificates).toMatchObject([
      { certificate: leaf, use: 'legitimering', cardNumber: CARD_NUMBER, profile: 'reserve' },
    ]);
    expect(new Date(listed.certificates[0]?.notAfter ?? '')).toEqual(new Date(`${validTo}T23:59:59`));
  });

  it.each([
    ['a page from elsewhere', ['-H', 'origin: https://evil.example'], 'origin_refused'],
    ['a name that points here', ['-H', 'host: evil.example'], 'origin_refused'],
    ['a form', ['-H', 'content-type: text/plain'], 'unsupported_media_type'],
    ['no JSON', ['--data-binary', '{'], 'input_invalid'],
    ['a request that is none', ['--data-binary', '{"request":"AAAA"}'], 'request_invalid'],
    ['too much', ['--data-binary', '@LARGE'], 'too_large'],
  ])('refuses %s', async (_, parameters, code) => {
    const large = await pki.file('large', 'x'.repeat(70_000));
    const type = parameters.some((one) => one.startsWith('content-type')) ? [] : ['-H', JSON_TYPE];
    const all = [...type, ...parameters.map((one) => (one === '@LARGE' ? `@${large}` : one))];
    const body = parameters.includes('--data-binary') ? [] : ['--data-binary', '{"request":"AAAA"}'];
    await expect(curl(`${server.url}/issue`, ...all, ...body)).rejects.toThrow(`"code":"${code}"`);
  });

  it('lets pages of this machine in', async () => {
    const headers = ['-i', '-X', 'OPTIONS', '-H', 'origin: http://localhost:3000', '-H', 'access-control-request-method: POST'];
    expect(await curl(`${server.url}/issue`, ...headers)).toContain('access-control-allow-origin: http://localhost:3000');
  });
});
