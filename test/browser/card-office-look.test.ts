/** The card office of the example for everybody: with the keyboard alone, heard, in both languages, in light and dark, and in a small window. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { PINS, openCardOffice, preparePage, type CardOffice, type PageOfOffice, type Portal } from './card-office.ts';
import { launchBrowser, type ChromiumBrowser } from './console-window.ts';
import { UNREADABLE } from './contrast.ts';

const MAX_TABS = 60;

let browser: ChromiumBrowser;
let prepared: PageOfOffice;
beforeAll(async () => {
  prepared = await preparePage();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await prepared[Symbol.asyncDispose]();
});

const open = (): Promise<CardOffice> => openCardOffice({ browser, pageFolder: prepared.folder });

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const nameOf = `(({ activeElement: it }) => it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent)(document)`;
  for (let tabs = 0; tabs < MAX_TABS; tabs++) {
    await page.keyboard.press('Tab');
    if (name.test(await page.evaluate<string>(nameOf))) return;
  }
  throw new Error(`no Tab leads to ${String(name)}`);
}

const focusedText = (page: Page): Promise<string> => page.evaluate<string>('document.activeElement.textContent');
const said = (page: Page): Promise<string> => page.locator('#polite').innerText();

describe('with the keyboard alone', () => {
  it('an order is filled in, corrected and signed; the focus follows what is to be done', async () => {
    await using office = await open();
    const portal = await office.openPage();
    const { page } = portal;
    await page.keyboard.press('Tab');
    expect(await focusedText(page)).toBe('To the content');
    await page.keyboard.press('Enter');
    await tabTo(page, /^Begin: Reserve card, LoA3$/);
    await page.keyboard.press('Enter');
    await page.locator('.case').waitFor();
    await expect.poll(() => focusedText(page)).toBe('Reserve card, LoA3');
    await tabTo(page, /^Save$/);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('field-holderName');
    const name = page.locator('#field-holderName');
    expect(await name.getAttribute('aria-invalid')).toBe('true');
    expect(await page.locator('#problem-holderName').innerText()).toBe('Fill this in.');
    await tabTo(page, /^Fill in an example$/);
    await page.keyboard.press('Enter');
    await tabTo(page, /^Save$/);
    await page.keyboard.press('Enter');
    await expect.poll(() => focusedText(page)).toBe('Sign the order');
    await tabTo(page, /^Sign$/);
    await page.keyboard.press('Enter');
    await portal.typePin(PINS.underskrift);
    await expect.poll(() => focusedText(page)).toBe('Review and sign the order');
    await tabTo(page, /^Cancel the case/);
    await page.keyboard.press('Enter');
    await page.locator('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await focusedText(page)).toBe('Cancel the case …');
  });

  it('a card is moved at the simulated desk, and it is said where it is', async () => {
    await using office = await open();
    const portal = await office.openPage();
    const { page } = portal;
    await tabTo(page, /^Card in the reader Colleague$/);
    await page.keyboard.type('David');
    await expect.poll(() => said(page)).toBe('David Ek is in the reader Colleague.');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Card in the reader Colleague');
  });
});

describe('in another language', () => {
  it('the page goes on where it was, with what was typed, and the statement is signed as it was read', async () => {
    await using office = await open();
    const portal = await office.openPage();
    const { page } = portal;
    await portal.begin('Reserve card, LoA3');
    await portal.press('Fill in an example');
    await page.getByLabel("Holder's name").fill('Cecilia Maria Öberg');
    await page.getByRole('button', { name: 'Svenska' }).click();
    expect(await page.locator('html').getAttribute('lang')).toBe('sv');
    expect(await page.getByLabel('Innehavarens namn').inputValue()).toBe('Cecilia Maria Öberg');
    await portal.press('Spara');
    await portal.atStep('Underteckna beställningen');
    expect(await page.locator('.statement').innerText()).toContain('Jag har kontrollerat identiteten för Cecilia Maria Öberg');
    await portal.press('Underteckna');
    await portal.typePin(PINS.underskrift);
    await portal.atStep('Granska och underteckna beställningen');
    const { steps } = await portal.stored();
    expect(steps.find(({ step }) => step === 'ordered')?.statement).toMatch(
      /^Jag har kontrollerat identiteten för Cecilia Maria/,
    );
    await page.reload();
    await portal.atStep('Granska och underteckna beställningen');
  });

  it('what failed is told anew, at its fields, and is gone when another step is next', async () => {
    await using office = await open();
    const portal = await office.openPage();
    const { page } = portal;
    await portal.begin('Reserve card, LoA3');
    await portal.press('Save');
    expect(await portal.problem()).toContain('Correct what is marked below.');
    const marked = await page.locator('[aria-invalid=true]').count();
    expect(marked).toBeGreaterThan(5);
    await page.getByRole('button', { name: 'Svenska' }).click();
    expect(await portal.problem()).toMatch(/^Det gick inte[\s\S]*Rätta det som är markerat nedan\.$/);
    expect(await page.locator('[aria-invalid=true]').count()).toBe(marked);
    expect(await focusedText(page)).toBe('Svenska');
    const { ceremony, program } = { ceremony: portal.ceremony, program: office.program };
    await portal.press('Fyll i ett exempel');
    const fields = await page.evaluate<Record<string, string>>(
      `Object.fromEntries([...document.querySelectorAll('.fields input, .fields select')].map((one) => [one.id.slice(6), one.value]))`,
    );
    await program.call('issuance.record', { ceremony, step: 'order', fields });
    await portal.atStep('Underteckna beställningen');
    expect(await page.locator('.alarm:not([hidden])').count()).toBe(0);
  });
});

describe('everybody', () => {
  it.each([
    ['light', 'en-GB', 1100, 850],
    ['dark', 'sv-SE', 800, 600],
    ['light', 'sv-SE', 800, 600],
    ['dark', 'en-GB', 1100, 850],
    ['light', 'sv-SE', 360, 740],
  ] as const)('can read it, %s, %s, %i by %i: contrast, names, nothing cut off', async (colorScheme, locale, width, height) => {
    await using office = await open();
    const portal = await office.openPage({ colorScheme, locale, viewport: { width, height }, reducedMotion: 'reduce' });
    await walk(portal, async () => {
      const { page } = portal;
      expect(await page.evaluate(UNREADABLE)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      expect(await page.evaluate('document.getAnimations().length')).toBe(0);
      const tree = await page.locator('body').ariaSnapshot();
      expect(tree).not.toMatch(/(button|textbox|combobox|checkbox|link)(:| \[|$)/m);
      expect(tree).toMatch(/heading "[^"]+" \[level=1\]/);
    });
    expect(portal.window.complaints).toEqual([]);
  });
});

/** To each kind of thing that the page shows, in any language. */
async function walk(portal: Portal, look: () => Promise<void>): Promise<void> {
  const { page } = portal;
  const submit = (): Promise<void> => page.locator('button[type=submit].primary').click();
  const alarm = page.locator('.alarm:not([hidden])');
  const step = async (n: number): Promise<void> => {
    await page.locator(`.steps li:nth-child(${n}).next`).waitFor();
    await page.locator('.panel:not([aria-busy])').waitFor();
  };
  await look();
  await page.locator('.routines button').first().click();
  await step(1);
  await submit();
  await alarm.waitFor();
  await look();
  await page.locator('form > button.small').click();
  await submit();
  await step(2);
  await page.locator('.tries').waitFor();
  await look();
  await submit();
  await page.locator('.waiting button').waitFor();
  await look();
  await portal.typePin('111111');
  await alarm.waitFor();
  await look();
  await page.locator('.quiet').click();
  await look();
  await page.locator('#reason').fill('-');
  await page.locator('dialog button[type=submit]').click();
  await page.locator('.panel h2.wrong').waitFor();
  await look();
}
