/**
 * Every page and file that the index leads to, directly or by another page, and everything that is wrong with them: links to files, headings or folders that are not
 * there, pictures without words, headings out of order.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { addressOf, INDEX } from './address.ts';
import { readMarkdown, type MarkdownText } from './markdown.ts';

export interface Page extends MarkdownText {
  /** In the repository, with /. */
  readonly path: string;
  readonly text: string;
  readonly title: string;
}

export interface Collection {
  readonly pages: ReadonlyMap<string, Page>;
  /** Other files that pages lead to: pictures, data, sources. */
  readonly files: ReadonlySet<string>;
  /** Each with the page that it is in. */
  readonly problems: readonly string[];
}

/** What a link leads to; without a path it leads out of the repository. */
export interface Target {
  readonly path?: string;
  readonly heading?: string;
  readonly problem?: string;
}

/** Made by a build, or somebody else's. */
const NOT_OURS = /^(\.\.(\/|$)|(\.git|build|dist|node_modules)\/)/;
const OUTSIDE = /^(https?|mailto):/;

export function collect(root: string): Collection {
  const pages = new Map<string, Page>();
  const files = new Set<string>();
  const problems: string[] = [];
  const waiting = [INDEX];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (pages.has(path)) continue;
    const page = readPage(root, path);
    pages.set(path, page);
    problems.push(...problemsOfPage(page).map((problem) => `${path}: ${problem}`));
    for (const link of page.links) {
      const target = targetOf(root, path, link.target);
      if (target.problem !== undefined) problems.push(`${path}: the link to "${link.target}": ${target.problem}`);
      else if (target.path?.endsWith('.md')) waiting.push(target.path);
      else if (target.path !== undefined) files.add(target.path);
    }
  }
  problems.push(...missingHeadings(root, pages), ...sharedAddresses([...pages.keys(), ...files]));
  return { pages, files, problems };
}

/** Where a link on the page `from` leads, in the repository below `root`. */
export function targetOf(root: string, from: string, link: string): Target {
  if (OUTSIDE.test(link)) return {};
  if (/^[a-z]+:|^\//i.test(link)) return { problem: 'neither an address of the web nor a path from the page' };
  const [name = '', heading] = link.split('#', 2);
  const path = name === '' ? from : posix.normalize(posix.join(posix.dirname(from), name)).replace(/\/$/, '');
  if (NOT_OURS.test(path)) return { problem: 'leads to nothing that is kept in the repository' };
  if (!existsSync(join(root, path))) return { problem: 'no such file' };
  const file = statSync(join(root, path)).isDirectory() ? posix.join(path, 'README.md') : path;
  if (!existsSync(join(root, file))) return { problem: 'a folder without a README' };
  if (heading !== undefined && !file.endsWith('.md')) return { problem: 'a heading in a file that has none' };
  return { path: file, ...(heading === undefined ? {} : { heading }) };
}

function readPage(root: string, path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  const content = readMarkdown(text);
  return { ...content, path, text, title: content.headings[0]?.text ?? path };
}

function problemsOfPage({ headings, links, rawHtml }: Page): readonly string[] {
  const first = headings[0]?.level === 1 ? [] : ['does not begin with a heading of the first level'];
  const others = headings.filter(({ level }, index) => index > 0 && level === 1).map(({ text }) => `a second title: "${text}"`);
  const skipped = headings
    .filter(({ level }, index) => level > (headings[index - 1]?.level ?? level) + 1)
    .map(({ text }) => `the heading "${text}" skips a level`);
  const mute = links.filter(({ text }) => text.trim() === '').map(({ target }) => `nothing stands for "${target}" in words`);
  return [...first, ...others, ...skipped, ...mute, ...rawHtml.map((html) => `raw HTML: ${html.trim().slice(0, 60)}`)];
}

function missingHeadings(root: string, pages: ReadonlyMap<string, Page>): readonly string[] {
  return [...pages.values()].flatMap(({ path, links }) =>
    links.flatMap((link) => {
      const target = targetOf(root, path, link.target);
      const headings = target.path === undefined ? undefined : pages.get(target.path)?.headings;
      if (target.heading === undefined || headings?.some(({ id }) => id === target.heading)) return [];
      return [`${path}: the link to "${link.target}": no such heading`];
    }),
  );
}

function sharedAddresses(paths: readonly string[]): readonly string[] {
  const taken = new Map<string, string>();
  return paths.flatMap((path) => {
    const address = addressOf(path).toLowerCase();
    const other = taken.get(address);
    taken.set(address, path);
    return other === undefined ? [] : [`${path}: would be written over ${other}`];
  });
}
