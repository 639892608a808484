/** The documentation as static pages: everything that docs/README.md leads to. The same repository gives the same bytes; with a broken link there are no pages at all. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { imageSize } from 'image-size';
import { addressOf, INDEX, relativeAddress } from './address.ts';
import { collect, targetOf, type Collection, type Page } from './collect.ts';
import { renderMarkdown, type Rewritten } from './markdown.ts';
import { pageHtml, STYLE, type NavigationGroup } from './template.ts';

export interface SiteOptions {
  /** The repository. */
  readonly root: string;
  /** Emptied first. */
  readonly out: string;
}

/** Something in the files that readers would stumble over. */
export class DocumentationError extends Error {
  override readonly name = 'DocumentationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the documentation has problems:\n${problems.join('\n')}`);
    this.problems = problems;
  }
}

/** Returns the addresses of the pages, sorted. Throws DocumentationError, and then leaves `out` as it was. */
export function buildSite({ root, out }: SiteOptions): readonly string[] {
  const collection = collect(root);
  if (collection.problems.length > 0) throw new DocumentationError(collection.problems);
  rmSync(out, { recursive: true, force: true });
  const navigation = navigationOf(root, collection);
  const place = (address: string): string => {
    const path = join(out, address);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  };
  for (const page of collection.pages.values()) writeFileSync(place(addressOf(page.path)), htmlOf(root, page, navigation));
  for (const path of collection.files) copyFileSync(join(root, path), place(addressOf(path)));
  copyFileSync(join(import.meta.dirname, STYLE), place(STYLE));
  return [...collection.pages.keys()].map(addressOf).sort();
}

/** The groups and their order are those of the index. */
function navigationOf(root: string, { pages }: Collection): readonly NavigationGroup[] {
  return (pages.get(INDEX)?.lists ?? [])
    .filter(({ links }) => links.length > 0)
    .map(({ heading, links }) => ({
      heading,
      entries: links.flatMap(({ text, target }) => {
        const { path } = targetOf(root, INDEX, target);
        return path === undefined ? [] : [{ text, address: addressOf(path) }];
      }),
    }));
}

function htmlOf(root: string, page: Page, navigation: readonly NavigationGroup[]): string {
  const { path, title, headings } = page;
  const address = addressOf(path);
  const html = renderMarkdown(page.text, (target) => rewritten(root, path, target));
  return pageHtml({ address, title, source: path, index: addressOf(INDEX), navigation, headings, html });
}

function rewritten(root: string, from: string, link: string): Rewritten {
  const { path, heading } = targetOf(root, from, link);
  if (path === undefined) return { target: link };
  const fragment = heading === undefined ? '' : `#${heading}`;
  if (path === from && fragment !== '') return { target: fragment };
  const target = `${relativeAddress(addressOf(from), addressOf(path))}${fragment}`;
  if (!path.endsWith('.png')) return { target };
  const { width, height } = imageSize(readFileSync(join(root, path)));
  return { target, width, height };
}
