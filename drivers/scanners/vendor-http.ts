/**
 * Calls to the web service of a scanner's vendor, on this machine or elsewhere, by node:http and node:https. Only the configured host is asked, redirects are
 * not followed, the answer is bounded while it comes, and its type is looked at before it is believed. What is sent and answered is personal data: no error
 * and no log line tells it.
 */
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls, type RequestOptions } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { DeviceError, DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../errors.ts';

export interface VendorServiceOptions {
  /** What errors name: the scanner, as its driver gives it. */
  readonly device: string;
  /** Everything asked for lies below it. Plain http is for this machine alone. */
  readonly baseUrl: string;
  /** PEM certificates that are trusted instead of those of the system. */
  readonly ca?: string;
  /** For a whole call, with what is tried again. */
  readonly timeoutMs: number;
  /** Longest answer that is taken. */
  readonly maxAnswerBytes: number;
  /** Between one attempt and the next; for tests. */
  readonly pauseMs?: number;
}

export interface VendorRequest {
  readonly method: 'DELETE' | 'GET' | 'POST';
  /** Below the base: "api/process". */
  readonly path: string;
  /** What is tried, for errors: "asking what it has read". */
  readonly attempt: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The same call twice does what one does: tried again when the service could not be reached or was busy. Default: GET alone. */
  readonly isIdempotent?: boolean;
  readonly signal: AbortSignal;
}

export interface VendorAnswer {
  readonly status: number;
  /** Of an answer in JSON. */
  readonly value: unknown;
  /** As it came. */
  readonly bytes: Uint8Array;
}

/** Stable words in `driverCode` of what is thrown. */
export type VendorFailure =
  | 'address_refused'
  | 'answer_invalid'
  | 'answer_too_large'
  | 'certificate_rejected'
  | 'connection_lost'
  | 'media_type_wrong'
  | 'redirected'
  | 'service_busy'
  | 'timeout'
  | 'unreachable';

const MEDIA_TYPE_JSON = /^application\/(json|[\w.-]+\+json)$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** Bad gateway, unavailable, gateway time-out (RFC 9110, sections 15.6.3 to 15.6.5), and too many requests (RFC 6585, section 4). */
const BUSY = new Set([429, 502, 503, 504]);
const MAX_ATTEMPTS = 3;
const PAUSE_MS = 250;

export class VendorClient {
  readonly #options: VendorServiceOptions;
  readonly #base: URL;

  /** Throws DeviceError for an address that may not be asked. */
  constructor(options: VendorServiceOptions) {
    this.#options = options;
    this.#base = baseOf(options);
  }

  /**
   * Asks for JSON, and gives whatever status came with it; a body that is none is told as `undefined` where the status is no success. Throws DeviceTimeoutError,
   * ServiceUnavailableError or DeviceProtocolError with a VendorFailure in `driverCode`, and what `signal` is aborted with.
   */
  async ask(question: VendorRequest): Promise<VendorAnswer> {
    const { device, timeoutMs, pauseMs = PAUSE_MS } = this.#options;
    const late = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([question.signal, late]);
    const attempts = (question.isIdempotent ?? question.method === 'GET') ? MAX_ATTEMPTS : 1;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#askOnce(question, signal);
        } catch (error) {
          if (attempt >= attempts || signal.aborted || !(error instanceof ServiceUnavailableError) || isFinal(error)) throw error;
        }
        await delay(pauseMs * attempt, undefined, { signal });
      }
    } catch (error) {
      question.signal.throwIfAborted();
      if (!late.aborted) throw error;
      const message = `${question.attempt}: no whole answer came within ${timeoutMs} ms`;
      throw new DeviceTimeoutError(message, { device, timeoutMs, driverCode: 'timeout' }, { cause: error });
    }
  }

  async #askOnce(question: VendorRequest, signal: AbortSignal): Promise<VendorAnswer> {
    signal.throwIfAborted();
    const fail = this.#failure(question.attempt);
    const body = question.body === undefined ? undefined : Buffer.from(JSON.stringify(question.body));
    const url = this.#address(question);
    let response: IncomingMessage;
    try {
      response = await send(url, this.#requestOptions(question, body, signal), body);
    } catch (error) {
      throw translated(error, fail, 'unreachable');
    }
    try {
      return await this.#read(response, fail);
    } catch (error) {
      throw error instanceof DeviceError ? error : translated(error, fail, 'connection_lost');
    } finally {
      response.destroy();
    }
  }

  #address({ path, attempt }: VendorRequest): URL {
    const url = new URL(path, this.#base);
    const isBelow = url.origin === this.#base.origin && url.pathname.startsWith(this.#base.pathname);
    if (!isBelow || url.username !== '' || url.password !== '')
      throw this.#failure(attempt)('address_refused', 'the path leads away from the configured address');
    return url;
  }

  #requestOptions({ method, headers = {} }: VendorRequest, body: Buffer | undefined, signal: AbortSignal): RequestOptions {
    const { ca } = this.#options;
    const sent = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) };
    return {
      method,
      headers: { accept: 'application/json', ...headers, ...sent },
      agent: false,
      signal,
      ...(ca === undefined ? {} : { ca }),
      minVersion: 'TLSv1.2',
    };
  }

  async #read(response: IncomingMessage, fail: Fail): Promise<VendorAnswer> {
    const { statusCode: status = 0, headers } = response;
    if (status >= 300 && status < 400) throw fail('redirected', `it answered ${status}; redirects are not followed`);
    if (BUSY.has(status)) throw fail('service_busy', `it answered ${status}`);
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw fail('media_type_wrong', 'the answer is in an encoding that nobody asked for');
    const isSuccess = status >= 200 && status < 300;
    const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
    const isJson = MEDIA_TYPE_JSON.test(mediaType);
    if (isSuccess && status !== 204 && !isJson)
      throw fail('media_type_wrong', `the answer is declared as ${printable(mediaType)}, not JSON`);
    const bytes = await this.#collect(response, fail);
    if (!isJson) return { status, value: undefined, bytes };
    const value = parseJson(bytes);
    if (isSuccess && value === undefined) throw fail('answer_invalid', 'the answer is no JSON');
    return { status, value, bytes };
  }

  async #collect(response: IncomingMessage, fail: Fail): Promise<Uint8Array> {
    const { maxAnswerBytes } = this.#options;
    const tooLarge = (): DeviceError => fail('answer_too_large', `the answer is longer than ${maxAnswerBytes} bytes`);
    if (Number(response.headers['content-length'] ?? 0) > maxAnswerBytes) throw tooLarge();
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxAnswerBytes) throw tooLarge();
      chunks.push(chunk);
    }
    if (!response.complete) throw fail('connection_lost', 'the connection ended in the middle of the answer');
    return new Uint8Array(Buffer.concat(chunks));
  }

  #failure(attempt: string): Fail {
    const { device } = this.#options;
    return (code, problem, cause) => {
      const errorClass = UNAVAILABLE.has(code) ? ServiceUnavailableError : DeviceProtocolError;
      return new errorClass(`${attempt}: ${problem}`, { device, driverCode: code }, cause === undefined ? {} : { cause });
    };
  }
}

type Fail = (code: VendorFailure, problem: string, cause?: unknown) => DeviceError;

const UNAVAILABLE: ReadonlySet<VendorFailure> = new Set<VendorFailure>([
  'certificate_rejected',
  'connection_lost',
  'service_busy',
  'unreachable',
]);

/** It will be the same the next time. */
function isFinal({ driverCode }: DeviceError): boolean {
  return driverCode === 'certificate_rejected';
}

function baseOf({ baseUrl, device }: VendorServiceOptions): URL {
  const refuse = (problem: string): DeviceProtocolError =>
    new DeviceProtocolError(`looking at the address of the service: ${problem}`, { device, driverCode: 'address_refused' });
  if (!URL.canParse(baseUrl)) throw refuse('it is no URL');
  const base = new URL(baseUrl);
  if (base.username !== '' || base.password !== '') throw refuse('it holds a user or a password');
  if (base.protocol !== 'https:' && base.protocol !== 'http:') throw refuse('it is neither https nor http');
  if (base.protocol === 'http:' && !LOOPBACK.test(base.hostname)) throw refuse('plain http is for services on this machine');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

async function send(url: URL, options: RequestOptions, body: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = url.protocol === 'https:' ? requestTls(url, options) : requestPlain(url, options);
    sent.once('response', resolve).on('error', reject);
    sent.end(body);
  });
}

/** Undefined for what is no JSON in UTF-8 (RFC 8259, section 8.1). */
function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

/** The message of the system's error is left to the log: it names hosts and certificates, and nothing of the document. */
function translated(error: unknown, fail: Fail, otherwise: VendorFailure): DeviceError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('HPE_')) return fail('answer_invalid', `it does not speak HTTP (${code})`, error);
  if (/CERT|SIGNATURE|ISSUER|SSL|TLS|EPROTO/.test(code))
    return fail('certificate_rejected', `its certificate is not accepted (${printable(code)})`, error);
  const problem = otherwise === 'unreachable' ? 'it cannot be reached' : 'the connection ended in the middle of the answer';
  return fail(otherwise, code === '' ? problem : `${problem} (${printable(code)})`, error);
}

function printable(text: string): string {
  return text.replaceAll(/[^\w.+/;= -]/g, '?').slice(0, 80);
}
