/** What the console shows, to whom, and in what words: names, languages, contrast, narrow windows, and texts that want to pass for ours. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../api-spec/scopes.ts';
import { PromptCancelledError } from '../../daemon/prompt/errors.ts';
import { UNREADABLE } from './contrast.ts';
import {
  armed,
  atRest,
  BATCH,
  CHANGE,
  CONSENT,
  DOCUMENTS,
  focused,
  KEYPAD,
  LAST,
  launchBrowser,
  openConsoleDesk,
  textOf,
  UNBLOCK,
  VERIFY,
  type ChromiumBrowser,
} from './console-window.ts';

const PROMPTS = {
  verify: VERIFY,
  change: CHANGE,
  unblock: UNBLOCK,
  last: LAST,
  keypad: KEYPAD,
  batch: BATCH,
  documents: DOCUMENTS,
  consent: CONSENT,
};

let chromium: ChromiumBrowser;
beforeAll(async () => (chromium = await launchBrowser()));
afterAll(() => chromium[Symbol.asyncDispose]());

describe('words of others', () => {
  it('stand there as text, in one line, and cannot pass for ours', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const abort = new AbortController();
    const answer = desk.ask(
      {
        ...VERIFY,
        asker: { kind: 'program', name: '<img src=x onerror=alert(1)>\u202egpj.exe' },
        card: 'a”\nTries left: 9',
        purpose: '<b>bold</b>\u2066\u200b',
      },
      { signal: abort.signal },
    );
    await armed(page);
    expect(await textOf(page, '.name')).toBe('<img src=x onerror=alert(1)>?gpj.exe');
    expect(await page.locator('dd').allInnerTexts()).toEqual(["“a' Tries left: 9”", '“<b>bold</b>??”']);
    expect(await page.locator('.prompt :is(img, b)').count()).toBe(0);
    abort.abort();
    await expect(answer).rejects.toThrow();
    expect(window.complaints).toEqual([]);
  });

  it('as a long host name keep their end, and are whole on demand', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const name = `https://${'login.bank.example.'.repeat(12)}evil.example:8443`;
    const abort = new AbortController();
    const answer = desk.ask({ ...VERIFY, asker: { kind: 'origin', name } }, { signal: abort.signal });
    await armed(page);
    expect(await textOf(page, '.name')).toMatch(/^….{40,59}\.evil\.example:8443$/);
    expect(await textOf(page, '.name strong')).toMatch(/\.evil\.example$/);
    await page.getByRole('button', { name: 'Show the whole name' }).click();
    expect(await textOf(page, '.name')).toBe(name);
    expect(await focused(page)).toBe('field-pin');
    abort.abort();
    await expect(answer).rejects.toThrow();
  });
});

describe('a list of documents', () => {
  it('is there whole, is scrolled with the keyboard, and its names are text', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk, { viewport: { width: 800, height: 900 } });
    const { page } = window;
    const names = [...(BATCH.documents?.names ?? []), '<img src=x onerror=alert(1)>\u202egpj.exe', 'last”\nTries left: 9'];
    const answer = desk.ask({ ...BATCH, documents: { names, checksum: '1a2b 3c4d 5e6f 7081' } });
    await armed(page);
    expect(await focused(page)).toBe('field-pin');
    const shown = await page.locator('.documents li').allInnerTexts();
    expect(shown).toHaveLength(122);
    expect(shown.slice(-2)).toEqual(['“<img src=x onerror=alert(1)>?gpj.exe”', "“last' Tries left: 9”"]);
    expect(await page.locator('.documents :is(img, b)').count()).toBe(0);
    expect(await page.locator('.prompt').getAttribute('aria-describedby')).toBe('details documents tries');
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('documents');
    await page.keyboard.press('End');
    const isAtEnd = '(({ scrollTop, clientHeight, scrollHeight }) => scrollTop + clientHeight > scrollHeight - 2)';
    await expect.poll(() => page.evaluate(`${isAtEnd}(document.querySelector('.documents'))`)).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.type('739146');
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: '739146' });
    expect(window.complaints).toEqual([]);
  });

  it('without a PIN is signed when the person says so, and Enter alone does not', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk, { locale: 'sv-SE' });
    const { page } = window;
    const refused = desk.ask(DOCUMENTS);
    await armed(page);
    await page.keyboard.press('Enter');
    await expect(refused).rejects.toThrow(PromptCancelledError);
    await atRest(page);
    const agreed = desk.ask(DOCUMENTS);
    await armed(page);
    expect(await textOf(page, '.prompt')).toMatch(/Signera dessa dokument\?[\s\S]*Ska signeras: 3 dokument[\s\S]*knappsats/);
    await page.getByRole('button', { name: 'Signera' }).click();
    expect(await agreed).toEqual({});
    await atRest(page);
    expect(await textOf(page, '#notice')).toBe('Fortsätt på läsarens knappsats.');
  });
});

describe('everybody', () => {
  const snapshots: Readonly<Record<keyof typeof PROMPTS, readonly [string, RegExp]>> = {
    verify: ['dialog', /textbox "PIN"[\s\S]*button "OK"[\s\S]*button "Cancel"/],
    change: ['dialog', /textbox "PIN"[\s\S]*textbox "New PIN"[\s\S]*textbox "New PIN again"[\s\S]*button "OK"/],
    unblock: ['dialog', /textbox "PUK"[\s\S]*textbox "New PIN"[\s\S]*textbox "New PIN again"/],
    last: ['alertdialog', /This is the last try[\s\S]*button "Use the last try"[\s\S]*button "Cancel"/],
    keypad: ['alertdialog', /keypad of the reader[\s\S]*button "Use the last try"/],
    batch: [
      'dialog',
      /To be signed: 120 documents[\s\S]*list "To be signed: 120 documents[\s\S]*listitem: “Kvittens 120 av 120[\s\S]*textbox "PIN"/,
    ],
    documents: [
      'alertdialog',
      /listitem: “Kvittens 3 av 120[\s\S]*sign all of them[\s\S]*keypad[\s\S]*button "Sign"[\s\S]*button "Cancel"/,
    ],
    consent: ['alertdialog', /listitem: Have a card sign[\s\S]*K7PQ2M[\s\S]*button "Allow"[\s\S]*button "Deny"/],
  };

  it.each(Object.keys(PROMPTS) as (keyof typeof PROMPTS)[])('finds names for everything in the prompt: %s', async (name) => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const abort = new AbortController();
    const answer = desk.ask(PROMPTS[name], { signal: abort.signal });
    await armed(page);
    const tree = await page.locator('body').ariaSnapshot();
    const [role, content] = snapshots[name];
    const asker = name === 'keypad' ? 'A program asks ssh \\(process 4711\\)' : 'A web page asks https://portal.example';
    expect(tree).toMatch(new RegExp(`- ${role} "[^"]+ ${asker}"`));
    expect(tree).toMatch(content);
    expect(tree).not.toMatch(/(button|textbox)(:| \[|$)/m);
    expect(tree).toContain('group "Language"');
    abort.abort();
    await expect(answer).rejects.toThrow();
  });

  it('gets a prompt in their language, and may switch', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk, { locale: 'sv-SE' });
    const { page } = window;
    expect(await page.locator('html').getAttribute('lang')).toBe('sv');
    expect(await textOf(page, '#rest-title')).toBe('Ansluten, väntar');
    const answer = desk.ask(CONSENT);
    await armed(page);
    const text = await textOf(page, '.prompt');
    for (const scope of CONSENT.scopes) expect(text).toContain(SCOPES[scope].sv);
    expect(text).toMatch(/En webbsida frågar[\s\S]*Tillåta åtkomst\?[\s\S]*Neka/);
    await page.getByRole('button', { name: 'English' }).click();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await textOf(page, '.prompt')).toMatch(/A web page asks[\s\S]*Allow access\?/);
    await armed(page);
    await page.getByRole('button', { name: 'Deny' }).click();
    await expect(answer).rejects.toThrow(PromptCancelledError);
    await atRest(page);
    expect(await textOf(page, '#notice')).toBe('You denied it.');
  });

  it.each([
    ['light', 1100],
    ['dark', 1100],
    ['light', 320],
    ['dark', 320],
  ] as const)('can read it, %s and %i pixels wide: contrast, nothing cut off, every state', async (colorScheme, width) => {
    await using desk = await openConsoleDesk();
    const viewport = { width, height: 640 };
    await using window = await chromium.connect(desk, { colorScheme, viewport, locale: 'sv-SE', reducedMotion: 'reduce' });
    const { page } = window;
    expect(await page.evaluate(UNREADABLE)).toEqual([]);
    for (const prompt of Object.values(PROMPTS)) {
      const abort = new AbortController();
      const answer = desk.ask(prompt, { signal: abort.signal });
      await armed(page);
      if (prompt === CHANGE) await page.locator('.primary').click();
      expect(await page.evaluate(UNREADABLE), prompt.kind).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await page.evaluate('document.getAnimations().length')).toBe(0);
      abort.abort();
      await expect(answer).rejects.toThrow();
      await atRest(page);
    }
    expect(window.complaints).toEqual([]);
  });
});
