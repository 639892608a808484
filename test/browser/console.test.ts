/** The console page in a real Chromium, against the real server and desk: what a person types and presses there. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../api-spec/scopes.ts';
import { PromptCancelledError, PromptTimedOutError } from '../../daemon/prompt/errors.ts';
import type { Prompt } from '../../daemon/prompt/prompt.ts';
import {
  armed,
  atRest,
  CHANGE,
  CONSENT,
  errors,
  focused,
  KEYPAD,
  LAST,
  launchBrowser,
  openConsoleDesk,
  remains,
  takeTexts,
  textOf,
  UNBLOCK,
  VERIFY,
  type ChromiumBrowser,
} from './console-window.ts';

const PIN = '739146';

let chromium: ChromiumBrowser;
beforeAll(async () => (chromium = await launchBrowser()));
afterAll(() => chromium[Symbol.asyncDispose]());

describe('a PIN', () => {
  it('typed with the keyboard alone reaches whoever asked, and nothing of it stays in the page', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(VERIFY);
    await armed(page);
    expect(await focused(page)).toBe('field-pin');
    await page.keyboard.type(PIN);
    expect(await page.locator('#field-pin').inputValue()).toBe(PIN);
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: PIN });
    await atRest(page);
    expect(await textOf(page, '#notice')).toBe('Sent.');
    const left = await remains(page);
    expect(left).not.toContain(PIN);
    expect(left).toContain(`"url":"${desk.origin}/"`);
    expect(left).toContain('"databases":[],"caches":[]');
    expect(await page.context().cookies()).toEqual([]);
    expect(window.complaints).toEqual([]);
  });

  it('with letters beyond ASCII arrives in UTF-8, and is measured in its bytes', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(VERIFY);
    await armed(page);
    await page.keyboard.type('åäöåä');
    await page.keyboard.press('Enter');
    expect(await errors(page)).toEqual([expect.stringContaining('Letters such as å and é count as two.')]);
    await page.keyboard.type('åäö1');
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: 'åäö1' });
  });

  it.each([
    ['', 'Nothing was entered.'],
    ['12345', 'It has 6 to 8 characters.'],
    ['123456789', 'It has 6 to 8 characters.'],
  ])('%j is never sent', async (text, problem) => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(VERIFY);
    await armed(page);
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    expect(await errors(page)).toEqual([expect.stringContaining(problem)]);
    const field = page.locator('#field-pin');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await field.getAttribute('aria-describedby')).toContain('error-pin');
    await page.keyboard.press('Escape');
    await expect(answer).rejects.toThrow(PromptCancelledError);
  });

  it('is changed when both new ones are the same', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(CHANGE);
    await armed(page);
    for (const text of [PIN, '111111', '111112']) {
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    }
    expect(await errors(page)).toEqual([expect.stringContaining('The two are not the same.')]);
    expect(await focused(page)).toBe('field-repeat');
    await page.keyboard.type('111111');
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: PIN, newPin: '111111' });
    await atRest(page);
    const left = await remains(page);
    for (const typed of [PIN, '111111', '111112']) expect(left).not.toContain(typed);
  });

  it('is unblocked with a PUK of another length', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(UNBLOCK);
    await armed(page);
    await page.getByLabel('PUK').fill('12345678');
    await page.getByLabel('New PIN', { exact: true }).fill('222222');
    await page.getByLabel('New PIN again').fill('222222');
    await page.getByRole('button', { name: 'OK' }).click();
    expect(await answer).toEqual({ puk: '12345678', newPin: '222222' });
  });

  it('is never offered to be kept or filled in', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const abort = new AbortController();
    const answer = desk.ask(CHANGE, { signal: abort.signal });
    await armed(window.page);
    for (const field of await window.page.locator('input').all()) {
      expect(await field.getAttribute('type')).toBe('password');
      expect(await field.getAttribute('autocomplete')).toBe('one-time-code');
      expect(await field.getAttribute('name')).toBeNull();
    }
    abort.abort();
    await expect(answer).rejects.toThrow();
  });
});

describe('a prompt', () => {
  it.each(['Escape', 'the button'])('is cancelled with %s', async (way) => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(VERIFY);
    await armed(page);
    await page.keyboard.type(PIN);
    if (way === 'Escape') await page.keyboard.press('Escape');
    else await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(answer).rejects.toThrow(PromptCancelledError);
    await atRest(page);
    expect(await remains(page)).not.toContain(PIN);
    expect(await textOf(page, '#notice')).toBe('You cancelled. Nothing was sent.');
  });

  it('that nobody answers ends by the page’s own clock', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const answer = desk.ask(VERIFY, { timeoutMs: 700 });
    await expect(answer).rejects.toThrow(PromptTimedOutError);
    await atRest(window.page);
    expect(await textOf(window.page, '#notice')).toBe('Time ran out before you answered. Nothing was sent.');
  });

  it('goes when whoever asked goes, with what was typed', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const abort = new AbortController();
    const answer = desk.ask(VERIFY, { signal: abort.signal });
    await armed(page);
    await page.keyboard.type(PIN);
    abort.abort(new Error('the page was closed'));
    await expect(answer).rejects.toThrow('the page was closed');
    await atRest(page);
    expect(await remains(page)).not.toContain(PIN);
    expect(await textOf(page, '#notice')).toBe('The question was withdrawn. You need not answer it.');
    expect(await textOf(page, '#polite')).toBe('The question was withdrawn. You need not answer it.');
    expect(await focused(page)).toBe('rest-title');
  });

  it('waits for the one before it, and may be withdrawn meanwhile', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const [station] = desk.prompts.stations;
    const abort = new AbortController();
    const ask = (prompt: Prompt, signal = new AbortController().signal): Promise<Readonly<Record<string, string>>> => {
      const asked = station?.ask(prompt, { signal, timeoutMs: 20_000 }) ?? Promise.reject(new Error('no station'));
      const answer = asked.then(takeTexts);
      answer.catch(() => undefined); // looked at below
      return answer;
    };
    const answers = [ask(VERIFY), ask({ ...VERIFY, card: 'Second' }, abort.signal), ask({ ...VERIFY, card: 'Third' })];
    await armed(page);
    abort.abort(new Error('gone'));
    await expect(answers[1]).rejects.toThrow('gone');
    expect(await textOf(page, '#details')).toContain('Anna Andersson');
    await page.keyboard.type(PIN);
    await page.keyboard.press('Enter');
    expect(await answers[0]).toEqual({ pin: PIN });
    await page.locator('#details', { hasText: 'Third' }).waitFor();
    await armed(page);
    await page.keyboard.type('654321');
    await page.keyboard.press('Enter');
    expect(await answers[2]).toEqual({ pin: '654321' });
    await atRest(page);
  });

  it('tells of itself in title, icon and live region, and asks for no permission', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const icon = (): Promise<string | null> => page.locator('#icon').getAttribute('href');
    expect([await page.title(), await icon()]).toEqual(['kortd', '/icon.svg']);
    const asked = 'Notification.requestPermission = () => { window.permissionAsked = true; return Promise.resolve("denied"); }';
    await page.evaluate(asked);
    const answer = desk.ask(VERIFY);
    await armed(page);
    expect([await page.title(), await icon()]).toEqual(['Answer needed – kortd', '/icon-waiting.svg']);
    expect(await page.locator('#urgent').textContent()).toBe('Enter your PIN');
    await page.keyboard.press('Escape');
    await expect(answer).rejects.toThrow(PromptCancelledError);
    await atRest(page);
    expect([await page.title(), await icon()]).toEqual(['kortd', '/icon.svg']);
    expect(await page.evaluate('window.permissionAsked')).toBeUndefined();
  });
});

describe('the last try', () => {
  const { triesLeft: _, ...untold } = VERIFY;

  it.each([
    ['known', LAST, 'This is the last try'],
    ['untold', untold, 'This may be the last try'],
  ] as const)('is confirmed before anything can be typed: %s', async (_name, prompt, warning) => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(prompt);
    await armed(page);
    expect(await page.locator('input').count()).toBe(0);
    expect(await focused(page)).toBe('Cancel');
    expect(await textOf(page, '[role=alertdialog].warning .alarm')).toContain(warning);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('#field-pin').waitFor();
    expect(await textOf(page, '.prompt.warning .alarm')).toContain(warning);
    await page.keyboard.type(PIN);
    await armed(page);
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: PIN });
  });

  it('is not used by Enter alone', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const answer = desk.ask(LAST);
    await armed(window.page);
    await window.page.keyboard.press('Enter');
    await expect(answer).rejects.toThrow(PromptCancelledError);
  });

  it.each([true, false])('on a keypad is asked for without an entry: %s', async (isUsed) => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(KEYPAD);
    await armed(page);
    await page.getByRole('button', { name: isUsed ? 'Use the last try' : 'Cancel' }).click();
    if (isUsed) expect(await answer).toEqual({});
    else await expect(answer).rejects.toThrow(PromptCancelledError);
    await atRest(page);
  });
});

describe('consent', () => {
  it('says who wants what, and is denied by Enter', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(CONSENT);
    await armed(page);
    const text = await textOf(page, '.prompt');
    for (const scope of CONSENT.scopes) expect(text).toContain(SCOPES[scope].summary);
    for (const part of ['https://portal.example', 'K7PQ2M', '“to hand out cards at this desk”']) expect(text).toContain(part);
    expect(await focused(page)).toBe('Deny');
    await page.keyboard.press('Enter');
    await expect(answer).rejects.toThrow(PromptCancelledError);
    await atRest(page);
    expect(await textOf(page, '#notice')).toBe('You denied it.');
  });

  it('is given by the button', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const answer = desk.ask(CONSENT);
    await armed(window.page);
    await window.page.getByRole('button', { name: 'Allow' }).click();
    expect(await answer).toEqual({});
  });
});

describe('a prompt under typing hands', () => {
  it('takes no key until they rest', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const answer = desk.ask(VERIFY);
    await page.locator('.prompt').waitFor();
    await page.keyboard.type('xxx\nxxx\n\nxxxxx\n');
    expect(await page.locator('#field-pin').inputValue()).toBe('');
    expect(await errors(page)).toEqual([]);
    expect(await page.locator('[data-answer]:not([aria-disabled])').count()).toBe(0);
    await armed(page);
    await page.keyboard.type(PIN);
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: PIN });
  });

  it('is not allowed by a click that was on its way', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const pressAsItAppears = `new MutationObserver(() => {
      const button = document.querySelector('.prompt .primary');
      if (!button || window.pressed) return;
      window.pressed = button.getAttribute('aria-disabled');
      button.click();
    }).observe(document.body, { childList: true, subtree: true })`;
    await page.evaluate(pressAsItAppears);
    const answer = desk.ask(CONSENT);
    await armed(page);
    expect(await page.evaluate('window.pressed')).toBe('true');
    await page.keyboard.press('Escape');
    await expect(answer).rejects.toThrow(PromptCancelledError);
  });

  it('takes no answer in a window without the focus', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const debugging = await page.context().newCDPSession(page);
    await debugging.send('Emulation.setFocusEmulationEnabled', { enabled: false });
    const other = await page.context().newPage();
    await other.bringToFront();
    expect(await page.evaluate('document.hasFocus()')).toBe(false);
    const answer = desk.ask(CONSENT);
    await page.locator('.prompt').waitFor();
    // Longer than the quiet time, by the page's own clock.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 800))');
    expect(await page.locator('[data-answer]:not([aria-disabled])').count()).toBe(0);
    await page.getByRole('button', { name: 'Allow' }).dispatchEvent('click');
    await page.bringToFront();
    await armed(page);
    await page.getByRole('button', { name: 'Allow' }).click();
    expect(await answer).toEqual({});
  });
});
