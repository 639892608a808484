/**
 * How a web page gets its token: the browser's permission first, then a person's consent at kortd. Each wait has a timer of its own, since
 * some browsers never tell that they blocked a call, and the page learns which of all possible reasons it was.
 */
import type { WireError } from '../errors.ts';
import type { Scope } from '../scopes.ts';
import { ACCESS_CODE, LIMITS, TIMEOUT_HEADER } from '../wire.ts';
import { ConnectionError, type ConnectionErrorOptions, type ConnectionReason } from './connection-error.ts';
import { isForbiddenByPage, loopbackPermission, platform, type LoopbackPermission } from './loopback-permission.ts';

export interface AccessOptions {
  readonly url: string;
  /** What the page wants to do. */
  readonly scopes: readonly Scope[];
  /** Shown to the person who decides; at most 200 characters. */
  readonly reason?: string;
  /** Show the code to the person: kortd's prompt has the same, so that they know which page asks. No prompt comes when the page has access already. */
  readonly onCode?: (code: string) => void;
  /** For the person to answer the browser's question; default 2 minutes. */
  readonly promptTimeoutMs?: number;
  /** For the person to decide at kortd; default 2 minutes, at most 5. */
  readonly consentTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** As methods/access.ts has it; a test holds the two together. */
export const ACCESS_REQUEST_PATH = '/v1/access/request';

const DEFAULT_PROMPT_TIMEOUT_MS = 120_000;
const DEFAULT_CONSENT_TIMEOUT_MS = 120_000;
/** kortd's own answer that nobody decided says more than this side's timer: it goes first. */
const GRACE_MS = 3_000;
/** For a probe of something on this computer. */
const PROBE_TIMEOUT_MS = 2_000;

/** Resolves with a token as soon as the page has access. Rejects with ConnectionError, or the signal's reason. */
export async function requestAccess(options: AccessOptions): Promise<string> {
  const before = await loopbackPermission();
  options.signal?.throwIfAborted();
  if (before === 'denied') throw await failure(options.url, 'its permission was looked up: denied');
  const giving = new AbortController();
  const giveUp = (): void => giving.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', giveUp, { once: true });
  const stop = startClock(before, options, (error) => giving.abort(error));
  try {
    return await ask(options, giving.signal);
  } finally {
    stop();
    options.signal?.removeEventListener('abort', giveUp);
  }
}

/** The reason why nothing came of calling `url`, as far as a page can find out. */
export async function failure(url: string, message: string, cause?: unknown): Promise<ConnectionError> {
  const permission = await loopbackPermission();
  const fail = (reason: ConnectionReason, more: ConnectionErrorOptions = {}): ConnectionError =>
    new ConnectionError(reason, `connecting to ${url}: ${message}`, { permission, cause, ...more });
  if (platform().isSecureContext === false) return fail('insecure-page');
  if (permission === 'denied') return fail(isForbiddenByPage() ? 'not-delegated' : 'permission-denied');
  if (permission === 'prompt') return fail('permission-not-given');
  return fail((await doesAnswer(url)) ? 'not-granted' : 'not-running');
}

async function ask(options: AccessOptions, signal: AbortSignal): Promise<string> {
  const { url, scopes, reason, onCode, consentTimeoutMs = DEFAULT_CONSENT_TIMEOUT_MS } = options;
  const code = onCode && newCode();
  if (code !== undefined) onCode?.(code);
  try {
    const answer = await fetch(`${url.replace(/\/$/, '')}${ACCESS_REQUEST_PATH}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [TIMEOUT_HEADER]: String(Math.min(consentTimeoutMs, LIMITS.timeoutMs.value)),
      },
      body: JSON.stringify({ scopes, reason, code }),
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      signal,
    });
    return readToken(url, await readJson(answer));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof ConnectionError) throw error;
    throw await failure(url, 'asking for access failed', error);
  }
}

function newCode(): string {
  const numbers = crypto.getRandomValues(new Uint8Array(ACCESS_CODE.length));
  // 256 is eight times the number of characters: each is as likely.
  return Array.from(numbers, (number) => ACCESS_CODE.alphabet[number % ACCESS_CODE.alphabet.length]).join('');
}

/** Undefined for what is no JSON. */
async function readJson(answer: Response): Promise<unknown> {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readToken(url: string, answer: unknown): string {
  const { token, error } = (answer ?? {}) as { readonly token?: unknown; readonly error?: WireError };
  if (typeof token === 'string') return token;
  if (typeof error?.code !== 'string') {
    const problem = 'what listens there does not answer as kortd does';
    throw new ConnectionError('not-running', `connecting to ${url}: ${problem}`);
  }
  const reason = error.code === 'deadline_exceeded' ? 'timeout' : 'not-granted';
  throw new ConnectionError(reason, `connecting to ${url}: ${error.message}`, { error });
}

/** First the time for the browser's question, while it is open, then the time for kortd's. Returns what stops it. */
function startClock(before: LoopbackPermission, options: AccessOptions, giveUp: (error: ConnectionError) => void): () => void {
  const { url, promptTimeoutMs = DEFAULT_PROMPT_TIMEOUT_MS, consentTimeoutMs = DEFAULT_CONSENT_TIMEOUT_MS } = options;
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const fail = (reason: ConnectionReason, problem: string, permission: LoopbackPermission): void =>
    giveUp(new ConnectionError(reason, `connecting to ${url}: ${problem}`, { permission }));
  const waitForConsent = (permission: LoopbackPermission): void => {
    if (stopped) return;
    const late = (): void => fail('timeout', `no answer to the request for access within ${consentTimeoutMs} ms`, permission);
    timer = setTimeout(late, consentTimeoutMs + GRACE_MS);
  };
  const lookAgain = async (): Promise<void> => {
    const now = await loopbackPermission();
    if (now === 'prompt') fail('permission-not-given', `the browser was not answered within ${promptTimeoutMs} ms`, now);
    else waitForConsent(now);
  };
  if (before === 'prompt') timer = setTimeout(() => void lookAgain(), promptTimeoutMs);
  else waitForConsent(before);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Whether anything answers, be it a refusal that the page may not read. Asks for nothing. */
async function doesAnswer(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const address = `${url.replace(/\/$/, '')}${ACCESS_REQUEST_PATH}`;
    await fetch(address, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal });
    return true;
  } catch {
    return false;
  }
}
