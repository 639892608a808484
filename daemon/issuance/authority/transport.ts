/**
 * One HTTP exchange with an authority, by node:http and node:https: fetch takes neither trust anchors nor a client certificate. The answer is bounded in size, redirects
 * are told and not followed, and everything ends with the signal.
 */
import { request as requestPlain, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { ApiError } from '../../errors.ts';
import { answerInvalid, printable, unreachable } from './errors.ts';
import type { AuthorityFiles } from './files.ts';

/** A chain of RSA certificates has some 10 kB. */
const MAX_ANSWER_BYTES = 262_144;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Told when the connection is there, and trusted, before anything is sent. What it throws is thrown, and nothing is sent. */
  readonly onSending?: () => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Lower case, without parameters; "" where there is none. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Throws authority_unreachable, authority_answer_invalid, and what `signal` is aborted with. */
export async function ask(
  url: URL,
  { method, headers, body, onSending }: Question,
  options: { readonly files: Pick<AuthorityFiles, 'anchors' | 'client'>; readonly signal: AbortSignal },
): Promise<Answer> {
  const { files, signal } = options;
  signal.throwIfAborted();
  const length = body === undefined ? {} : { 'content-length': String(body.length) };
  const how = { method, headers: { ...headers, ...length }, agent: false, signal } as const;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const isTls = url.protocol === 'https:';
      const sent = isTls ? requestTls(url, { ...how, ...tlsOptions(files) }) : requestPlain(url, how);
      sent.once('response', resolve).on('error', reject);
      const send = (): void => {
        try {
          onSending?.();
          sent.end(body);
        } catch (error) {
          sent.destroy(error as Error); // 'error' follows
        }
      };
      sent.once('socket', (socket) => socket.once(isTls ? 'secureConnect' : 'connect', send));
    });
    return await readAnswer(response);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw translated(error);
  }
}

/** The policy's anchors, whether they issued themselves or not, and nobody else's. */
function tlsOptions({ anchors, client }: Pick<AuthorityFiles, 'anchors' | 'client'>): object {
  return {
    ca: anchors.map(({ x509 }) => x509.toString()),
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.2',
    ...(client ? { cert: client.certificatePem, key: client.keyPem } : {}),
  };
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  try {
    if (status >= 300 && status < 400)
      throw answerInvalid(`it answered ${status}, to ${printable(headers.location ?? 'nowhere')}; redirects are not followed`);
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity')
      throw answerInvalid(`the answer is in an encoding that nobody asked for: ${printable(encoding)}`);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw answerInvalid(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    const contentType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    return { status, headers, contentType, body: new Uint8Array(Buffer.concat(chunks)) };
  } finally {
    response.destroy();
  }
}

function translated(error: unknown): ApiError {
  const { code, message } = describe(error);
  if (code.startsWith('HPE_')) return answerInvalid(`it does not speak HTTP (${code})`, error);
  const problem = /CERT|SIGNATURE|ISSUER/.test(code)
    ? `its certificate is not accepted (${code}: ${printable(message)})`
    : /SSL|TLS|EPROTO/.test(code)
      ? `no TLS connection came about (${printable(message)})`
      : `it cannot be reached (${code === '' ? printable(message) : code})`;
  return unreachable(problem, error);
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  return { code: 'code' in error && typeof error.code === 'string' ? error.code : '', message: error.message };
}
