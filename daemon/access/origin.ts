/**
 * Origins of web pages (RFC 6454), as browsers serialise them. Only one that is written exactly so can hold a grant: everything that could be
 * another name for it, or for a page that nobody can point at, is refused with a reason.
 */
import { isIP } from 'node:net';

export type OriginRefusal =
  | 'null' // sandboxed frames, files, redirects: anybody can be it
  | 'malformed'
  | 'not https'
  | 'ip address'
  | 'trailing dot'
  | 'not ascii'
  | 'unknown extension';

export type ParsedOrigin = { readonly origin: string } | { readonly refusal: OriginRefusal };

export interface OriginRules {
  /** http origins that an administrator allows for development: "http://localhost:3000". Exact. */
  readonly developmentOrigins: readonly string[];
  /** "chrome-extension://<id>": exact. */
  readonly extensionOrigins: readonly string[];
}

export const NO_EXCEPTIONS: OriginRules = { developmentOrigins: [], extensionOrigins: [] };

/** RFC 1034, section 3.1: a name has at most 253 characters; a port at most five digits. */
const MAX_ORIGIN_LENGTH = 'https://'.length + 253 + ':65535'.length;

/** Total: any text gives an origin or the reason why it can never hold a grant. */
export function parseOrigin(text: string, rules: OriginRules = NO_EXCEPTIONS): ParsedOrigin {
  if (text === 'null') return { refusal: 'null' };
  if (rules.developmentOrigins.includes(text) || rules.extensionOrigins.includes(text)) return { origin: text };
  if (text.length === 0 || text.length > MAX_ORIGIN_LENGTH) return { refusal: 'malformed' };
  if (/[^\x21-\x7e]/.test(text)) return { refusal: 'not ascii' };
  if (/^[a-z]+-extension:\/\//.test(text)) return { refusal: 'unknown extension' };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) return { refusal: 'malformed' };
  if (url.protocol !== 'https:') return { refusal: 'not https' };
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0) return { refusal: 'ip address' };
  if (host.endsWith('.')) return { refusal: 'trailing dot' };
  // The serialisation is unique: lower case, punycode, no default port, no user, no path.
  return url.origin === text ? { origin: text } : { refusal: 'malformed' };
}
