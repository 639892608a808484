/** One page of HTML around the text of a file: landmarks, the way to every guide, what is on the page, and where the text comes from. No script, nothing from elsewhere. */
import { relativeAddress } from './address.ts';
import { escapeText, type Heading } from './markdown.ts';

export const STYLE = 'style.css';

export interface NavigationGroup {
  readonly heading: string;
  readonly entries: readonly { readonly text: string; readonly address: string }[];
}

export interface PageParts {
  readonly address: string;
  readonly title: string;
  /** In the repository. */
  readonly source: string;
  readonly index: string;
  readonly navigation: readonly NavigationGroup[];
  readonly headings: readonly Heading[];
  readonly html: string;
}

export function pageHtml(parts: PageParts): string {
  const { address, title, source, index } = parts;
  const name = address === index ? title : `${title} – kortd`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(name)}</title>
<link rel="stylesheet" href="${relativeAddress(address, STYLE)}">
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header><p><a href="${relativeAddress(address, index)}">kortd documentation</a></p></header>
<div class="columns">
<nav class="guides" aria-label="Documentation">
${parts.navigation.map((group) => groupHtml(group, address)).join('\n')}
</nav>
<main id="content" tabindex="-1">
${parts.html}</main>
${contentsHtml(parts.headings)}</div>
<footer><p>Made from <code>${escapeText(source)}</code> in the repository.</p></footer>
</body>
</html>
`;
}

function groupHtml({ heading, entries }: NavigationGroup, here: string): string {
  const items = entries.map(({ text, address }) => {
    const current = address === here ? ' aria-current="page"' : '';
    return `<li><a href="${relativeAddress(here, address)}"${current}>${escapeText(text)}</a></li>`;
  });
  return `<p>${escapeText(heading)}</p>\n<ul>\n${items.join('\n')}\n</ul>`;
}

function contentsHtml(headings: readonly Heading[]): string {
  const items = headings
    .filter(({ level }) => level === 2)
    .map(({ id, text }) => `<li><a href="#${id}">${escapeText(text)}</a></li>`);
  if (items.length < 2) return '';
  return `<nav class="contents" aria-label="On this page">\n<p>On this page</p>\n<ul>\n${items.join('\n')}\n</ul>\n</nav>\n`;
}
