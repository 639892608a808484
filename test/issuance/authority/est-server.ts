/**
 * An EST server of OpenSSL's parts: `openssl base64`, `req` and `x509` read, verify and issue, `crl2pkcs7` packs; HTTPS in front of them carries. No EST server as such is
 * to be had as a Debian or npm package. That it is one is proved by a client of another make, strongSwan's `pki --est`.
 */
import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Pki, PkiSigner } from '../../signing/pki.ts';

export interface EstServerOptions {
  readonly pki: Pki;
  /** Absent: plain http. */
  readonly tls?: PkiSigner;
  /** Of HTTP Basic; absent: the TLS client certificate tells who asks. */
  readonly password?: string;
  /** How often it says 202, and when to come again. */
  readonly waits?: { readonly times: number; readonly retryAfter: string };
  /** Answers the enrolment instead. */
  readonly refuses?: (response: ServerResponse) => void;
  /** Issues this one, whatever was requested. */
  readonly issues?: PkiSigner;
  /** Issues instead of OpenSSL: PEM for PEM. */
  readonly issueBy?: ((request: string) => string) | undefined;
  /** Waited for before an enrolment is answered. */
  readonly before?: () => Promise<void>;
  /** Of the second path segment after "est". */
  readonly label?: string;
}

export interface EstServer extends AsyncDisposable {
  readonly url: string;
  /** Paths, in order. */
  readonly asked: readonly string[];
}

export async function startEstServer(options: EstServerOptions): Promise<EstServer> {
  const { pki, tls, label } = options;
  const asked: string[] = [];
  const prefix = `/.well-known/est${label === undefined ? '' : `/${label}`}`;
  let waiting = options.waits?.times ?? 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(request.url ?? '');
    const body = await bodyOf(request);
    if (!isKnown(request, options)) response.writeHead(401, { 'www-authenticate': 'Basic realm="est"' }).end();
    else if (request.method === 'GET' && request.url === `${prefix}/cacerts`)
      sendCertificates(response, await pack(pki, [pki.sub.certificateFile, pki.root.certificateFile], ['-e']));
    else if (request.method !== 'POST' || request.url !== `${prefix}/simpleenroll`) response.writeHead(404).end();
    else if (request.headers['content-type'] !== 'application/pkcs10') response.writeHead(415).end();
    else if (waiting-- > 0) response.writeHead(202, { 'retry-after': options.waits?.retryAfter }).end();
    else if (options.refuses) options.refuses(response);
    else {
      await options.before?.();
      sendCertificates(response, await pack(pki, [await issuedFile(options, body, asked.length)]));
    }
  };
  const listener: RequestListener = (request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  };
  const server = tls ? createTls(await tlsOptions(pki, tls, options), listener) : createPlain(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function tlsOptions(pki: Pki, tls: PkiSigner, { password }: EstServerOptions): Promise<object> {
  const read = (file: string): Promise<Buffer> => readFile(file);
  const chain = Buffer.concat([await read(tls.certificateFile), await read(pki.sub.certificateFile)]);
  const ca = [await read(pki.sub.certificateFile), await read(pki.root.certificateFile)];
  return { cert: chain, key: await read(tls.keyFile), ca, requestCert: password === undefined, rejectUnauthorized: false };
}

function isKnown({ headers, socket }: IncomingMessage, { password, tls }: EstServerOptions): boolean {
  if (password !== undefined) return headers.authorization === `Basic ${Buffer.from(password).toString('base64')}`;
  return tls !== undefined && socket instanceof TLSSocket && socket.authorized;
}

/** Of the certificate for the request, whose signature OpenSSL verifies. */
async function issuedFile({ pki, issues, issueBy }: EstServerOptions, body: Uint8Array, count: number): Promise<string> {
  if (issues) return issues.certificateFile;
  const path = (end: string): string => pki.path(`est-${count}.${end}`);
  await pki.file(`est-${count}.b64`, Buffer.from(body).toString('latin1').replaceAll(/\s/g, ''));
  await pki.openssl('base64', '-d', '-A', '-in', path('b64'), '-out', path('der'));
  const read = await pki.openssl('req', '-inform', 'DER', '-in', path('der'), '-verify', '-out', path('csr'));
  if (!read.includes('verify OK')) throw new Error(`openssl does not accept the request: ${read}`);
  if (issueBy) return await pki.file(`est-${count}.pem`, issueBy(await readFile(path('csr'), 'utf8')));
  const signWith = ['-CA', pki.sub.certificateFile, '-CAkey', pki.sub.keyFile, '-CAcreateserial', '-days', '20'];
  await pki.openssl('x509', '-req', '-in', path('csr'), ...signWith, '-out', path('pem'));
  return path('pem');
}

/** Certs-only CMS, base64: in one line, as RFC 8951 has it, or (`how`) in several, as before. */
async function pack(pki: Pki, files: readonly string[], how: readonly string[] = ['-A']): Promise<Uint8Array> {
  const output = pki.path('certs.p7');
  await pki.openssl('crl2pkcs7', '-nocrl', ...files.flatMap((file) => ['-certfile', file]), '-outform', 'DER', '-out', output);
  await pki.openssl('base64', ...how, '-in', output, '-out', `${output}.b64`);
  return await pki.read('certs.p7.b64');
}

function sendCertificates(response: ServerResponse, body: Uint8Array): void {
  response
    .writeHead(200, {
      'content-type': 'application/pkcs7-mime; smime-type=certs-only',
      'content-transfer-encoding': 'base64',
      'content-length': body.length,
    })
    .end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
