/** The pages of the documentation in Chromium: everybody can use them, light and dark, wide and narrow, by keyboard, from a folder without a server. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildSite } from '../../docs/site/site.ts';
import { violationsOf } from './axe.ts';
import { launchBrowser, type ChromiumBrowser } from './console-window.ts';
import { UNREADABLE } from './contrast.ts';

const PAGES = [
  ...['index', 'quick-start', 'administrator', 'integrator', 'vendor', 'test-bench', 'security'],
  ...['repository/index', 'repository/SECURITY', 'repository/daemon/configuration/generated/reference'],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'kortd-docs-'));
const addressOf = (page: string): string => pathToFileURL(join(folder, `${page}.html`)).href;
let chromium: ChromiumBrowser;

beforeAll(async () => {
  buildSite({ root: join(import.meta.dirname, '..', '..'), out: folder });
  chromium = await launchBrowser();
});

afterAll(async () => {
  await chromium[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('the pages', () => {
  it.each(PAGES)('%s: axe-core finds nothing, no text is too faint, and it fits a narrow window', async (name) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await using window = await chromium.visit(addressOf(name), { colorScheme, viewport: { width: 1_300, height: 800 } });
      const { page, complaints } = window;
      // Before axe-core, which fetches the style sheet in a way that no page of a folder may.
      expect(complaints).toEqual([]);
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate(UNREADABLE)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    }
  });

  it('let the keyboard skip to the text', async () => {
    await using window = await chromium.visit(addressOf('administrator'));
    const { page } = window;
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('MAIN');
  });

  it('show their pictures', async () => {
    await using window = await chromium.visit(addressOf('quick-start'));
    await expect
      .poll(() => window.page.evaluate('[...document.images].map((image) => image.complete && image.naturalWidth > 0)'))
      .toEqual([true, true]);
  });
});
