/**
 * Where a file of the repository stands in the pages: guides at the top, everything else below `repository/`. Two files never get one address, nor two that some file
 * systems take for one.
 */
import { extname, posix } from 'node:path';

/** The page that everything is reached from. */
export const INDEX = 'docs/README.md';

/** What browsers show as it is; other text gets an ending that says so. */
const SHOWN = new Set(['.json', '.png', '.svg', '.txt']);

/** `path` is that of a file in the repository, with /. */
export function addressOf(path: string): string {
  const place = path.startsWith('docs/') ? path.slice('docs/'.length) : `repository/${path}`;
  if (path.endsWith('.md')) return place.replace(/(^|\/)README\.md$/, '$1index.md').replace(/\.md$/, '.html');
  return SHOWN.has(extname(path)) ? place : `${place}.txt`;
}

/** From one address to another. */
export function relativeAddress(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to);
}
