/**
 * Who may load the console page and speak for it. The page itself is for a person who goes there (a navigation, in no frame); its scripts and
 * styles are for the page; starting a session and the WebSocket are for a page of this very origin, which must say so. Host comes first: it alone
 * tells a page whose name was rebound to loopback from ours.
 */
import type { IncomingMessage } from 'node:http';
import { headerValues } from '../listen/headers.ts';

/** Told to nobody but the log: the answer is a status alone. */
export class ConsoleRefusedError extends Error {
  override readonly name = 'ConsoleRefusedError';
  readonly httpStatus: number;

  constructor(httpStatus: number, message: string) {
    super(message);
    this.httpStatus = httpStatus;
  }
}

export class ConsoleGate {
  readonly #hosts: ReadonlySet<string>;

  constructor(port: number) {
    this.#hosts = new Set(['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${port}`));
  }

  /** The host as which the browser knows us. Throws ConsoleRefusedError. */
  hostOf(request: IncomingMessage): string {
    const hosts = headerValues(request, 'host');
    const host = hosts[0]?.toLowerCase() ?? '';
    if (hosts.length !== 1 || !this.#hosts.has(host))
      throw new ConsoleRefusedError(403, 'checking the Host header: it is not an address of the console');
    return host;
  }

  /** For the page itself. Throws ConsoleRefusedError. */
  requireNavigation(request: IncomingMessage): void {
    requireIfPresent(request, 'sec-fetch-mode', 'navigate');
    requireIfPresent(request, 'sec-fetch-dest', 'document');
    if (headerValues(request, 'origin').length > 0)
      throw new ConsoleRefusedError(403, 'checking the Origin header: a person who goes to the page has none');
  }

  /** For what the page loads. Throws ConsoleRefusedError. */
  requireOwnPage(request: IncomingMessage, host: string): void {
    requireIfPresent(request, 'sec-fetch-site', 'same-origin');
    requireIfPresent(request, 'origin', `http://${host}`);
  }

  /** For what acts: the origin must be told, and be the one that was asked. Throws ConsoleRefusedError. */
  requireOwnOrigin(request: IncomingMessage, host: string): void {
    if (headerValues(request, 'origin').length !== 1)
      throw new ConsoleRefusedError(403, 'checking the Origin header: there must be one');
    this.requireOwnPage(request, host);
  }
}

/** A browser that does not send the header proves nothing; one that sends another value is refused. */
function requireIfPresent(request: IncomingMessage, name: string, wanted: string): void {
  if (headerValues(request, name).every((value) => value === wanted)) return;
  throw new ConsoleRefusedError(403, `checking the ${name} header: it is not ${wanted}`);
}
