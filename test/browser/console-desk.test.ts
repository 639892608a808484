/** The page that shows the desk: what each view says while devices come and go, in both languages, light and dark, for everybody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violationsOf } from './axe.ts';
import { launchBrowser, type ChromiumBrowser } from './console-window.ts';
import { UNREADABLE } from './contrast.ts';
import { openShownDesk, type ShownDesk } from './desk-window.ts';

let chromium: ChromiumBrowser;
let desk: ShownDesk;
beforeAll(async () => {
  chromium = await launchBrowser();
  desk = await openShownDesk({ browser: chromium });
});
afterAll(async () => {
  await desk[Symbol.asyncDispose]();
  await chromium[Symbol.asyncDispose]();
});

describe('readers and cards', () => {
  it('are there with their roles, and follow what is put in and taken out', async () => {
    const { page, complaints } = await desk.look('readers');
    const operator = page.getByRole('article').filter({ hasText: 'Simulated Operator' });
    await operator.getByText('Ready').waitFor();
    expect(await operator.innerText()).toContain('Operator');
    const [reader] = desk.scenario.readers;
    const card = reader?.reader.remove();
    if (!reader || !card) throw new Error('the office has no reader, or no card in the first');
    await operator.getByText('No card').waitFor();
    reader.reader.insert(card);
    await operator.getByText('Ready').waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('everybody', () => {
  it.each(['readers'])('can use %s: axe-core finds nothing, and no text is too faint, light and dark', async (view) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await desk.look(view, { colorScheme, viewport: { width: 1_100, height: 800 } });
      await page.locator('main p.soft:text("Reading")').waitFor({ state: 'detached' });
      expect(await violationsOf(page)).toEqual([]);
      expect(await page.evaluate(UNREADABLE)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      expect(await violationsOf(page)).toEqual([]);
    }
  });
});
