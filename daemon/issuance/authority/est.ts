/**
 * EST (RFC 7030, with the clarifications of RFC 8951): a certificate by /simpleenroll, those of its issuers by /cacerts. Who asks is told by the TLS client certificate,
 * HTTP Basic, or both.
 */
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { ApiError } from '../../errors.ts';
import { parseSignedData, type SignedData } from '../../signing/cms/parse.ts';
import { answerInvalid, printable, refused, unreachable } from './errors.ts';
import type { AuthorityFiles } from './files.ts';
import { parseCertificates, pickIssued, requestedKey, withChain, type IssuedCertificate, type Told } from './issued.ts';
import type { Patience } from './patience.ts';
import { ask, type Answer, type Question } from './transport.ts';

/** Section 4.1.3. */
const CERTIFICATES_TYPE = 'application/pkcs7-mime';
/** Where the server names no time, though it must (section 4.2.3). */
const DEFAULT_WAIT_MS = 5_000;
const MAX_WAIT_MS = 30 * 86_400_000;

export interface AskOptions {
  readonly files: AuthorityFiles;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** Throws the errors of errors.ts, and what the signal is aborted with. */
export async function enrolByEst(
  entry: AuthorityEntry,
  pkcs10: Uint8Array,
  options: AskOptions & Pick<Told, 'onAsking'>,
): Promise<IssuedCertificate> {
  const key = requestedKey(pkcs10);
  // Before anything is issued: what comes after must not lose a certificate.
  const authorities = parseCertificates(await fetchAuthorities(entry, options));
  const question: Question = {
    method: 'POST',
    headers: {
      ...authorization(options.files),
      accept: CERTIFICATES_TYPE,
      'content-type': 'application/pkcs10',
      'content-transfer-encoding': 'base64',
    },
    // In one line: RFC 8951, section 3.
    body: Buffer.from(Buffer.from(pkcs10).toString('base64')),
  };
  // Sent once more, the same request asks whether it is done (RFC 7030, section 4.2.3).
  for (let asked = { ...question, onSending: options.onAsking }; ; asked = { ...question, onSending: () => undefined }) {
    const answer = await ask(addressOf(entry, 'simpleenroll'), asked, options);
    if (answer.status !== 202) {
      requireSuccess(answer);
      const certificates = parseCertificates(readCertsOnly(answer));
      const issued = pickIssued(certificates, key);
      return withChain(issued, [...certificates, ...authorities]);
    }
    await options.patience.wait(retryAfterMs(answer));
  }
}

async function fetchAuthorities(entry: AuthorityEntry, options: AskOptions): Promise<readonly Uint8Array[]> {
  const headers = { ...authorization(options.files), accept: CERTIFICATES_TYPE };
  const answer = await ask(addressOf(entry, 'cacerts'), { method: 'GET', headers }, options);
  requireSuccess(answer);
  return readCertsOnly(answer);
}

/** Section 3.2.2. A path in the policy's address stands before it. */
function addressOf({ url, label }: AuthorityEntry, operation: string): URL {
  const { origin, pathname } = new URL(url);
  return new URL([`${origin}${pathname.replace(/\/+$/, '')}/.well-known/est`, ...(label ? [label] : []), operation].join('/'));
}

/** RFC 7617, section 2. Told without being asked for: the server's certificate was checked, or it is this machine. */
function authorization({ credentials }: AuthorityFiles): Readonly<Record<string, string>> {
  if (!credentials) return {};
  const { name, secret } = credentials;
  const text = secret.use((bytes) => Buffer.concat([Buffer.from(`${name}:`), bytes]).toString('base64'));
  return { authorization: `Basic ${text}` };
}

function requireSuccess({ status, contentType, body }: Answer): void {
  if (status === 200) return;
  const isText = contentType.startsWith('text/plain');
  const said = isText ? printable(new TextDecoder().decode(body)) : '';
  const reason = said === '' ? '' : `: ${said}`;
  if (status === 401 || status === 403) throw refused(`it does not let this workstation ask (${status})${reason}`);
  if (status >= 400 && status < 500) throw refused(`it answered ${status}${reason}`);
  if (status >= 500) throw unreachable(`it failed with ${status}${reason}`);
  throw answerInvalid(`it answered ${status}, which EST does not know`);
}

/** SignedData without content and signers (section 4.1.3). The base64 may have lines, and the header that would name it says nothing (RFC 8951, section 3). */
function readCertsOnly(answer: Answer): readonly Uint8Array[] {
  const { certificates, signers, content } = readCms(answer);
  if (signers.length > 0 || content !== undefined) throw answerInvalid('it is more than certificates (certs-only CMS)');
  return certificates;
}

function readCms({ contentType, body }: Answer): SignedData {
  if (contentType !== CERTIFICATES_TYPE)
    throw answerInvalid(`it is of type ${printable(contentType) || 'unknown'}, not ${CERTIFICATES_TYPE}`);
  const text = Buffer.from(body).toString('latin1').replaceAll(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) throw answerInvalid('it is no base64');
  try {
    return parseSignedData(new Uint8Array(Buffer.from(text, 'base64')));
  } catch (error) {
    if (error instanceof ApiError) throw answerInvalid(`it is no CMS of certificates: ${error.message}`, error);
    throw error;
  }
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterMs({ headers }: Answer): number {
  const text = headers['retry-after'] ?? '';
  const seconds = /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
  const date = Date.parse(text);
  const served = Date.parse(headers.date ?? '');
  const waitMs = seconds !== undefined ? seconds * 1000 : date - served;
  return Number.isNaN(waitMs) ? DEFAULT_WAIT_MS : Math.min(Math.max(waitMs, 0), MAX_WAIT_MS);
}
