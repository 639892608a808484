/**
 * Markdown (CommonMark, and GitHub's tables) as the repository's files have it: what is in a file, and the file as HTML. Headings get the names that GitHub gives them, so
 * that one link works in both places. Raw HTML is refused, but for comments, which go.
 */
import GithubSlugger from 'github-slugger';
import MarkdownIt, { type RendererRule, type Token } from 'markdown-it';

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

export interface Link {
  readonly target: string;
  /** What is read: of a picture, what stands in its place. */
  readonly text: string;
  readonly isPicture: boolean;
}

export interface MarkdownText {
  readonly headings: readonly Heading[];
  readonly links: readonly Link[];
  /** Of each group under a heading of the second level, the links that its list begins with. */
  readonly lists: readonly { readonly heading: string; readonly links: readonly Link[] }[];
  /** Raw HTML that is no comment. */
  readonly rawHtml: readonly string[];
}

/** How a link or a picture is written in the page. */
export interface Rewritten {
  readonly target: string;
  readonly width?: number;
  readonly height?: number;
}

const COMMENT = /^(\s*<!--[\s\S]*?-->)*\s*$/;

const markdown = new MarkdownIt({ html: true });
const escape = (text: string): string => markdown.utils.escapeHtml(text);
const code: RendererRule = (tokens, index) => `<pre tabindex="0"><code>${escape(tokens[index]?.content ?? '')}</code></pre>\n`;
/** A heading of a column that says nothing is none. */
const cell = (tokens: readonly Token[], index: number): string => (tokens[index]?.content === '' ? 'td' : 'th');

Object.assign(markdown.renderer.rules, {
  code_block: code,
  fence: code,
  html_block: () => '',
  html_inline: () => '',
  table_open: () => '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n',
  table_close: () => '</table></div>\n',
  th_open: (tokens, index) => {
    const name = cell(tokens, index + 1);
    return name === 'th' ? '<th scope="col">' : '<td>';
  },
  th_close: (tokens, index) => `</${cell(tokens, index - 1)}>`,
} satisfies Readonly<Record<string, RendererRule>>);

export function readMarkdown(text: string): MarkdownText {
  const tokens = markdown.parse(text, {});
  return {
    headings: nameHeadings(tokens),
    links: linksOf(tokens),
    lists: listsOf(tokens),
    rawHtml: flat(tokens).flatMap(({ type, content }) => (type.startsWith('html_') && !COMMENT.test(content) ? [content] : [])),
  };
}

/** `rewrite` gets each target as it is written. */
export function renderMarkdown(text: string, rewrite: (target: string) => Rewritten): string {
  const tokens = markdown.parse(text, {});
  const headings = nameHeadings(tokens);
  tokens.filter(isHeading).forEach((token, index) => token.attrSet('id', headings[index]?.id ?? ''));
  for (const token of flat(tokens)) {
    const name = targetAttribute(token);
    const target = name && token.attrGet(name);
    if (!name || typeof target !== 'string') continue;
    const { target: written, width, height } = rewrite(decoded(target));
    token.attrSet(name, written);
    if (width !== undefined && height !== undefined) {
      token.attrSet('width', String(width));
      token.attrSet('height', String(height));
    }
  }
  return markdown.renderer.render(tokens, markdown.options, {});
}

export function escapeText(text: string): string {
  return escape(text);
}

function isHeading({ type }: Token): boolean {
  return type === 'heading_open';
}

function nameHeadings(tokens: readonly Token[]): readonly Heading[] {
  const slugger = new GithubSlugger();
  return tokens.flatMap((token, index) => {
    if (!isHeading(token)) return [];
    const text = textOf(tokens[index + 1]?.children ?? []);
    return [{ level: Number(token.tag.slice(1)), id: slugger.slug(text), text }];
  });
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ type, content }) => (type === 'text' || type === 'code_inline' ? content : '')).join('');
}

function flat(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token) => [token, ...(token.children ?? [])]);
}

function targetAttribute({ type }: Token): 'href' | 'src' | undefined {
  return type === 'link_open' ? 'href' : type === 'image' ? 'src' : undefined;
}

/** markdown-it writes addresses with percent signs. */
function decoded(target: string): string {
  try {
    return decodeURI(target);
  } catch {
    return target;
  }
}

function linksOf(tokens: readonly Token[]): readonly Link[] {
  return flat(tokens).flatMap((token) => {
    const children = token.type === 'inline' ? (token.children ?? []) : [];
    return children.flatMap((child, index) => {
      const target = child.attrGet(targetAttribute(child) ?? 'href');
      if (targetAttribute(child) === undefined || typeof target !== 'string') return [];
      const isPicture = child.type === 'image';
      const end = children.findIndex(({ type }, place) => place > index && type === 'link_close');
      const text = textOf(isPicture ? (child.children ?? []) : children.slice(index + 1, end));
      return [{ target: decoded(target), text, isPicture }];
    });
  });
}

function listsOf(tokens: readonly Token[]): MarkdownText['lists'] {
  const lists: { heading: string; links: Link[] }[] = [];
  tokens.forEach((token, index) => {
    if (isHeading(token) && token.tag === 'h2') lists.push({ heading: textOf(tokens[index + 1]?.children ?? []), links: [] });
    if (token.type !== 'list_item_open') return;
    const [first] = linksOf(tokens.slice(index + 1, index + 3));
    if (first && !first.isPicture) lists.at(-1)?.links.push(first);
  });
  return lists;
}
