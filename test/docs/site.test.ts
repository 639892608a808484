/** The pages of the documentation: complete, the same each time, and nothing in them leads nowhere. Each checker is first shown something bad. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf } from '../../docs/site/address.ts';
import { buildSite, DocumentationError } from '../../docs/site/site.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'kortd-docs-'));
const out = join(folder, 'pages');
let pages: readonly string[] = [];

beforeAll(() => {
  pages = buildSite({ root: ROOT, out });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(address: string, place = out): string {
  return readFileSync(join(place, address), 'utf8');
}

function listFiles(place: string): readonly string[] {
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.relative(place, posix.join(entry.parentPath, entry.name)))
    .sort();
}

function attributes(html: string, name: string): readonly string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
}

describe('the pages', () => {
  it('are the guides, and everything that they lead to', () => {
    const guides = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
    expect(pages).toEqual(expect.arrayContaining(guides.map((name) => addressOf(`docs/${name}`))));
    expect(pages).toContain('repository/api-spec/generated/reference.html');
    expect(pages).toContain('repository/daemon/configuration/generated/reference.html');
    expect(listFiles(out).filter((file) => file.endsWith('.html'))).toEqual([...pages].sort());
  });

  it('lead to files and headings that are there', () => {
    const files = new Set(listFiles(out));
    const names = new Map(pages.map((page) => [page, new Set(attributes(read(page), 'id'))]));
    const broken = pages.flatMap((page) =>
      [...attributes(read(page), 'href'), ...attributes(read(page), 'src')].flatMap((link) => {
        if (/^https?:/.test(link)) return [];
        const [path = '', name] = link.split('#');
        const target = path === '' ? page : posix.join(posix.dirname(page), decodeURI(path));
        const isThere = files.has(target) && (name === undefined || names.get(target)?.has(name) === true);
        return isThere ? [] : [`${page}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('have one title, headings in order, landmarks and names that stand once', () => {
    for (const page of pages) {
      const html = read(page);
      const levels = [...html.matchAll(/<h([1-6])[ >]/g)].map(([, level]) => Number(level));
      expect(
        levels.filter((level) => level === 1),
        page,
      ).toHaveLength(1);
      expect(
        levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1),
        page,
      ).toEqual([]);
      for (const landmark of ['<header>', '<nav ', '<main ', '<footer>', 'class="skip" href="#content"', 'lang="en"'])
        expect(html, page).toContain(landmark);
      const ids = attributes(html, 'id');
      expect(new Set(ids).size, page).toBe(ids.length);
    }
  });

  it('run no script, load nothing from elsewhere, and say of each picture what it shows', () => {
    for (const page of pages) {
      const html = read(page);
      expect(html, page).not.toMatch(/<(script|iframe|object|embed|form|style)\b|\son\w+="|\sstyle="/i);
      expect(
        attributes(html, 'src').filter((source) => /^(\w+:|\/)/.test(source)),
        page,
      ).toEqual([]);
      for (const [picture] of html.matchAll(/<img [^>]*>/g)) expect(picture, page).toMatch(/ alt="[^"]{20,}"/);
    }
    expect(read('style.css')).not.toMatch(/url\(|@import/);
  });

  it('are the same bytes when they are made again', () => {
    const again = join(folder, 'again');
    buildSite({ root: ROOT, out: again });
    expect(listFiles(again)).toEqual(listFiles(out));
    for (const file of listFiles(out))
      expect(readFileSync(join(again, file)).equals(readFileSync(join(out, file))), file).toBe(true);
  });

  it('show the way to every guide, and where one is', () => {
    const html = read('administrator.html');
    expect(html).toContain('<a href="administrator.html" aria-current="page">');
    expect(attributes(html, 'href')).toEqual(expect.arrayContaining(['index.html', 'quick-start.html', 'security.html']));
    expect(read('repository/daemon/tls/index.html')).toContain('href="../../../administrator.html"');
  });
});

/** A repository with these files. */
function repository(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(folder, 'repository-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  try {
    buildSite({ root: repository(files), out: join(folder, 'never') });
  } catch (error) {
    if (error instanceof DocumentationError) return error.problems;
    throw error;
  }
  return [];
}

describe('the build', () => {
  it.each([
    ['a file that is not there', '[x](missing.md)', /missing\.md.*no such file/],
    ['a heading that is not there', '[x](other.md#two)', /other\.md#two.*no such heading/],
    ['a heading of the same page that is not there', '[x](#two)', /#two.*no such heading/],
    ['a folder without a README', '[x](empty)', /a folder without a README/],
    ['what is outside the repository', '[x](../../secret.md)', /nothing that is kept/],
    ['what a build made', '[x](../dist/main.js)', /nothing that is kept/],
    ['a path of the machine', '[x](/etc/passwd)', /neither an address of the web/],
    ['an address that is not of the web', '[x](ftp://host.example/x)', /neither an address of the web/],
    ['a picture without words', '![](picture.png)', /nothing stands for/],
    ['raw HTML', 'a<br>b', /raw HTML/],
    ['a second title', '# Again', /a second title/],
    ['a skipped level', '### Deep', /skips a level/],
  ])('is refused with %s', (_, text, problem) => {
    const files = { 'docs/other.md': '# Other\n\n## One\n', 'docs/picture.png': '', 'docs/empty/x.txt': '' };
    const problems = problemsOf({ ...files, 'docs/README.md': `# Index\n\n[other](other.md)\n\n${text}\n` });
    expect(problems.filter((each) => problem.test(each))).toHaveLength(1);
  });

  it('is refused with a problem on a page that only another page leads to', () => {
    const files = { 'docs/README.md': '# Index\n\n[a](../a.md)\n', 'a.md': '# A\n\n[b](b.md)\n', 'b.md': '# B\n\n[x](x.md)\n' };
    expect(problemsOf(files)).toEqual(['b.md: the link to "x.md": no such file']);
  });

  it('is refused when two files would have one address', () => {
    const files = {
      'docs/README.md': '# Index\n\n[a](../a/README.md) [b](../a/index.md)\n',
      'a/README.md': '# A\n',
      'a/index.md': '# B\n',
    };
    expect(problemsOf(files)).toEqual(['a/index.md: would be written over a/README.md']);
  });

  it('leaves what is there when it is refused', () => {
    const place = join(folder, 'kept');
    const root = repository({ 'docs/README.md': '# Index\n' });
    buildSite({ root, out: place });
    writeFileSync(join(root, 'docs/README.md'), '# Index\n\n[x](missing.md)\n');
    expect(() => buildSite({ root, out: place })).toThrow(DocumentationError);
    expect(read('index.html', place)).toContain('<h1 id="index">Index</h1>');
  });

  it('takes comments out, gives headings the names of GitHub, and writes no empty heading of a column', () => {
    const place = join(folder, 'small');
    const text =
      '<!-- made -->\n\n# Index\n\n## `kortd` & you: twice\n\n## `kortd` & you: twice\n\n|  | b |\n| --- | --- |\n| 1 | 2 |\n';
    buildSite({ root: repository({ 'docs/README.md': text }), out: place });
    const html = read('index.html', place);
    expect(html).not.toContain('made --');
    expect(attributes(html, 'id')).toEqual(['content', 'index', 'kortd--you-twice', 'kortd--you-twice-1']);
    expect(html).toMatch(/<td><\/td>\s*<th scope="col">b<\/th>/);
  });
});
