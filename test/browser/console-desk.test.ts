/**
 * The page that shows the desk: what each view says while devices come and go, in both languages, light and dark, for everybody. With
 * KORTD_SCREENSHOTS=1 it renews the pictures in docs/console/.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Scope } from '../../api-spec/scopes.ts';
import { violationsOf } from './axe.ts';
import { armed, launchBrowser, type ChromiumBrowser } from './console-window.ts';
import { UNREADABLE } from './contrast.ts';
import { goTo, openShownDesk, type ShownDesk } from './desk-window.ts';

const PICTURES = join(import.meta.dirname, '..', '..', 'docs', 'console');
const OFFICE = join(import.meta.dirname, '..', '..', 'drivers', 'simulated', 'scenarios', 'office.json');
const ORIGIN = 'https://portal.example';
const VIEWS = ['readers', 'access', 'audit', 'health'] as const;
const WRONG_PIN = '999999';

let chromium: ChromiumBrowser;
let desk: ShownDesk;
beforeAll(async () => {
  chromium = await launchBrowser();
  const origins = [{ origin: ORIGIN, scopes: ['card.read', 'sign'] }];
  desk = await openShownDesk({ browser: chromium, policy: { origins } });
});
afterAll(async () => {
  await desk[Symbol.asyncDispose]();
  await chromium[Symbol.asyncDispose]();
});

/** As the page of that origin does; it waits until somebody decides, or the daemon ends. */
function askForAccess(origin: string, scopes: readonly Scope[]): void {
  const headers = { origin, 'content-type': 'application/json' };
  const request = httpRequest(`${desk.daemon.url}/v1/access/request`, { method: 'POST', headers, agent: false });
  request.on('response', (response) => response.resume());
  request.on('error', () => undefined); // kortd ended before anybody answered
  request.end(JSON.stringify({ scopes, reason: 'to hand out “cards”\nat this desk' }));
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

async function denyAll(): Promise<void> {
  const { requests } = await desk.program.call('access.list');
  for (const { code } of requests) await desk.program.call('access.deny', { code });
}

const triesLeft = (count: number): RegExp => new RegExp(`\\b${count} (of \\d+ )?(try|tries) left`);
const tile = (page: Page, text: string) => page.getByRole('article').filter({ hasText: text });

async function operatorCard(): Promise<string> {
  const { cards } = await desk.program.call('card.list');
  const card = cards.find(({ role }) => role === 'operator');
  if (!card) throw new Error('the office has no card of the operator');
  return card.id;
}

describe('readers and cards', () => {
  it('are there with their roles, and follow what is put in, taken out and unplugged', async () => {
    const { page, complaints } = await desk.look('readers');
    const operator = tile(page, 'Simulated Operator');
    await operator.getByText('Ready').waitFor();
    expect(await operator.innerText()).toMatch(/^Operator\n/);
    const [row] = desk.scenario.readers;
    const card = row?.reader.remove();
    if (!row || !card) throw new Error('the office has no reader, or no card in the first');
    await operator.getByText('No card').waitFor();
    row.reader.unplug();
    await operator.waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Roles without a reader' }).getByText('Operator', { exact: true }).waitFor();
    row.reader.plug();
    row.reader.insert(card);
    await operator.getByText('Ready').waitFor();
    await page.getByRole('region', { name: 'Roles without a reader' }).waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });
});

describe('the window where kortd asks', () => {
  it('opens the desk in a window that knows nothing of it', async () => {
    const { url } = await desk.program.call('console.open');
    await using asking = await chromium.visit(url);
    const opened = asking.page.context().waitForEvent('page');
    await asking.page.getByRole('button', { name: 'Show the desk' }).click();
    const page = await opened;
    await page.getByRole('heading', { level: 1, name: 'Readers and cards' }).waitFor();
    await tile(page, 'Simulated Operator').getByText('Ready').waitFor();
    expect(await page.evaluate('window.opener')).toBe(null);
    expect(new URL(page.url()).hostname).toBe('localhost');
    expect(await violationsOf(asking.page)).toEqual([]);
    expect(asking.complaints).toEqual([]);
  });
});

describe('a card', () => {
  it('shows its holder, its certificates with how long they hold, and the tries that are left', async () => {
    const { page, complaints } = await desk.look('readers');
    await tile(page, 'Simulated Operator').getByRole('link', { name: 'Show the card' }).click();
    await page.getByRole('heading', { name: 'Certificates' }).waitFor();
    expect(await page.locator('main').innerText()).toMatch(/Name\n\S+ \S+/);
    const meters = page.getByRole('meter', { name: 'Validity' });
    expect(await meters.count()).toBeGreaterThan(1);
    expect(await meters.first().getAttribute('aria-valuetext')).toMatch(/^(\d+ (days|months) left|Valid until \d{4}-\d\d-\d\d)$/);
    const [pin] = (await desk.program.call('card.read', { card: await operatorCard() })).pins;
    if (!pin) throw new Error('the operator’s card has no PIN');
    const left = pin.attemptsRemaining ?? 0;
    const pinTile = tile(page, pin.label).filter({ hasText: 'left' });
    await pinTile.getByText(triesLeft(left)).waitFor();
    const wrong = desk.program.call('pin.verify', { card: await operatorCard(), pin: WRONG_PIN, pinReference: pin.reference });
    await expect(wrong).rejects.toThrow();
    await pinTile.getByText(triesLeft(left - 1)).waitFor();
    expect(complaints).toEqual([]);
  });

  it('that was taken out is said to be gone', async () => {
    const { page } = await desk.look(`readers/${await operatorCard()}`);
    await page.getByRole('heading', { name: 'Certificates' }).waitFor();
    const [row] = desk.scenario.readers;
    const card = row?.reader.remove();
    if (!row || !card) throw new Error('the office has no reader, or no card in the first');
    await page.getByText('no longer in a reader').waitFor();
    row.reader.insert(card);
    await page.getByRole('link', { name: 'All readers' }).click();
    await tile(page, 'Simulated Operator').getByText('Ready').waitFor();
  });
});

describe('what waits for a person', () => {
  it('is listed with who asks and since when, counted in every view, and gone when it was answered elsewhere', async () => {
    const { page, complaints } = await desk.look('readers');
    const { url } = await desk.program.call('console.open');
    await using asking = await chromium.visit(url);
    await asking.page.locator('body[data-state=connected]').waitFor();
    const asked = desk.program.call('pin.verify', { card: await operatorCard() });
    const cancelled = expect(asked).rejects.toMatchObject({ code: 'pin_cancelled' });
    const tileOfPin = page.locator('[data-prompt=pin]');
    await tileOfPin.getByText('In kortd’s window').waitFor();
    expect(await tileOfPin.innerText()).toMatch(/A PIN is asked for\n.*Who asks\n\S.*Since\n\S/s);
    await keep(page, 'waiting');
    await goTo(page, 'audit');
    await page.getByRole('navigation').getByText('1 waiting').waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await goTo(page, 'readers');
    await armed(asking.page);
    await asking.page.getByRole('button', { name: 'Cancel' }).click();
    await cancelled;
    await tileOfPin.waitFor({ state: 'detached' });
    askForAccess('https://elsewhere.example', ['card.read']);
    const request = page.locator('[data-prompt=consent]');
    await request.getByText('https://elsewhere.example').waitFor();
    await denyAll();
    await request.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });
});

describe('a PIN that is typed on a reader', () => {
  it.each([
    [
      'en-GB',
      /A PIN is asked for\n.*Who asks\n\S.*PIN\n.*Underskrift.*On the reader’s keypad\n.*Reader\nSimulated Operator.*Since/s,
    ],
    [
      'sv-SE',
      /PIN-kod efterfrågas\n.*Vem som frågar\n\S.*PIN-kod\n.*Underskrift.*På läsarens knappsats\n.*Läsare\nSimulated Operator.*Sedan/s,
    ],
  ])('stands among what waits (%s), with who asks, which PIN and which reader', async (locale, words) => {
    await using stack = new AsyncDisposableStack();
    const scenario = join(stack.adopt(mkdtempSync(join(tmpdir(), 'kortd-keypad-')), remove), 'keypad.json');
    const office = JSON.parse(readFileSync(OFFICE, 'utf8')) as { readers: object[] };
    const [operator, ...others] = office.readers;
    writeFileSync(
      scenario,
      JSON.stringify({ ...office, readers: [{ ...operator, card: 'operatorEid', keypad: ['timeout', '964731'] }, ...others] }),
    );
    const keypads = stack.use(await openShownDesk({ browser: chromium, scenario }));
    const { cards } = await keypads.program.call('card.list');
    const card = cards.find(({ role }) => role === 'operator')?.id ?? '';
    const [, pin] = (await keypads.program.call('card.read', { card })).pins;
    const asked = { card, pinReference: pin?.reference ?? '' };
    await expect(keypads.program.call('pin.verify', asked)).rejects.toThrow(); // nobody typed
    // After that: what is told of the first prompt must not pass for the second.
    const { page, complaints } = await keypads.look('readers', { locale });
    keypads.scenario.readers[0]?.reader.arm([{ kind: 'delay', delayMs: 1_200 }]);
    const typed = keypads.program.call('pin.verify', asked).catch(() => undefined);
    const tileOfPin = page.locator('[data-prompt=pin]');
    await tileOfPin.waitFor();
    await expect.poll(() => tileOfPin.innerText()).toMatch(words);
    await typed;
    await tileOfPin.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  });
});

describe('web sites', () => {
  it('that ask are shown when they ask, with their words as text, and can be refused; kortd refuses what would allow them', async () => {
    const { page, complaints } = await desk.look('access');
    await page.getByText('No web site is waiting').waitFor();
    askForAccess('https://stranger.example', ['card.read', 'sign']);
    const stranger = tile(page, 'https://stranger.example');
    await stranger.getByText('Have a card sign').waitFor();
    expect(await stranger.innerText()).toContain("to hand out 'cards' at this desk");
    await stranger.getByRole('button', { name: 'Deny' }).click();
    await stranger.waitFor({ state: 'detached' });
    const { records } = await desk.program.call('audit.list', { method: 'access.deny' });
    expect(records.at(-1)).toMatchObject({ caller: expect.stringMatching(/^console of /) as string, outcome: 'ok' });
    expect(complaints).toEqual([]);
  });

  it('with access by policy say so, and have no button that would do nothing', async () => {
    const { page } = await desk.look('access');
    await tile(page, ORIGIN).getByText('Allowed by the administrator').waitFor();
    expect(await tile(page, ORIGIN).getByRole('button').count()).toBe(0);
  });
});

describe('the audit log', () => {
  it('is checked, and shows the latest records first, a page at a time, and only what was asked for', async () => {
    const card = await operatorCard();
    for (let count = 0; count < 60; count++) await desk.program.call('console.open', { page: 'desk' });
    await expect(desk.program.call('key.delete', { card, keyReference: '9A' })).rejects.toThrow();
    const { page, complaints } = await desk.look('audit');
    await page.getByText('The log is whole').waitFor();
    const rows = page.locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(50);
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText(/^Records 1 to |^Records \d to /).waitFor();
    await page.getByRole('button', { name: 'Newer' }).click();
    await page.getByLabel('How it ended').selectOption('failed');
    await expect
      .poll(async () => (await rows.locator('td:last-child').allInnerTexts()).every((text) => text.startsWith('Failed')))
      .toBe(true);
    expect(await rows.first().innerText()).toContain('Deleting the key');
    await page.getByLabel('How it ended').selectOption('all');
    await page.getByLabel('What was done').selectOption('key.delete');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByLabel('What was done').selectOption('');
    const latest = rows.first().locator('td').first();
    const before = Number(await latest.innerText());
    await desk.program.call('console.open', { page: 'desk' });
    await expect.poll(async () => Number(await latest.innerText()), { timeout: 3_000 }).toBe(before + 1);
    expect(complaints).toEqual([]);
  });
});

describe('health', () => {
  it('says how the service is, and that the desk is simulated', async () => {
    const { page, complaints } = await desk.look('health');
    await page.getByText('Everything works').waitFor();
    await page.getByText('A simulated desk').waitFor();
    await page.getByRole('heading', { name: 'Simulated readers' }).waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('everybody', () => {
  it.each([...VIEWS, 'card'] as const)(
    'can use the view %s: axe-core finds nothing, no text is too faint, and it fits a narrow window',
    async (view) => {
      if (view === 'access') askForAccess('https://waiting.example', ['card.read']);
      const path = view === 'card' ? `readers/${await operatorCard()}` : view;
      for (const [locale, colorScheme] of [
        ['en-GB', 'light'],
        ['sv-SE', 'dark'],
      ] as const) {
        const { page } = await desk.look(path, { locale, colorScheme, viewport: { width: 1_100, height: 800 } });
        await settled(page);
        if (locale === 'en-GB') await keep(page, view);
        expect(await violationsOf(page)).toEqual([]);
        expect(await page.evaluate(UNREADABLE)).toEqual([]);
        await page.setViewportSize({ width: 360, height: 740 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
        expect(await violationsOf(page)).toEqual([]);
        if (locale === 'sv-SE') await keep(page, `${view}-narrow`);
      }
      if (view === 'access') await denyAll();
    },
  );

  it('goes through the views with the keyboard, and hears where they are', async () => {
    const { page } = await desk.look('readers');
    await page.getByRole('link', { name: 'Audit log' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(await page.title()).toBe('Audit log – kortd');
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Readers and cards' }).waitFor();
  });

  it('chooses the language, and finds it again', async () => {
    const { page } = await desk.look('readers');
    await page.getByRole('button', { name: 'Svenska' }).click();
    await page.getByRole('heading', { level: 1, name: 'Läsare och kort' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Läsare och kort' }).waitFor();
    await goTo(page, 'health');
    await page.getByText('Allt fungerar').waitFor();
  });
});

/** Nothing is on its way any more. */
async function settled(page: Page): Promise<void> {
  await page.locator('main .soft:text-matches("^(Reading|Läser|Checking|Kontrollerar)")').first().waitFor({ state: 'detached' });
}

async function keep(page: Page, name: string): Promise<void> {
  if (process.env['KORTD_SCREENSHOTS'] !== '1') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled' });
}
