/** Where in the page one is: the address's fragment, "#/readers/<id>". A code, which comes the same way, has no slash and never stays. */
import { Value, type Readable } from './readable.ts';

/** `["readers", "<id>"]`; empty at the start. */
export type Route = readonly string[];

const MAX_PARTS = 4;
const current = new Value<Route>(read());

export const route: Readable<Route> = current;

export function addressOf(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

export function watchAddress(): void {
  window.addEventListener('hashchange', () => current.set(read()));
}

/** The code of a link, out of the address bar and the history before anything else; empty when there is none. */
export function takeCode(): string {
  const text = location.hash.slice(1);
  if (text === '' || text.startsWith('/')) return '';
  history.replaceState(null, '', '/');
  current.set([]);
  return text;
}

function read(): Route {
  const text = location.hash.slice(1);
  if (!text.startsWith('/')) return [];
  return text
    .split('/')
    .slice(1, MAX_PARTS + 1)
    .filter(Boolean)
    .map(decode);
}

/** What somebody typed into the address bar may be no encoding at all. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
