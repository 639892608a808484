/** The card office of the example in a real Chromium: three people, four readers, PINs in kortd's own window, and what goes wrong at a desk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundlePage } from '../../examples/card-office/bundle-page.ts';
import { PINS, RESERVE_NUMBER, openCardOffice, type CardOffice, type Portal } from './card-office.ts';
import { launchBrowser, type ChromiumBrowser } from './console-window.ts';

let browser: ChromiumBrowser;
let pageFolder: string;
beforeAll(async () => {
  pageFolder = await mkdtemp(join(tmpdir(), 'kortd-card-office-page-'));
  await bundlePage(pageFolder);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await rm(pageFolder, { recursive: true });
});

const open = (): Promise<CardOffice> => openCardOffice({ browser, pageFolder });

/** Everything up to the download. */
async function orderCard(portal: Portal): Promise<void> {
  await portal.begin('Reserve card, LoA3');
  await portal.press('Fill in an example');
  await portal.press('Save');
  await portal.atStep('Sign the order');
  await portal.sign();
  await portal.atStep('Review and sign the order');
  await portal.sign();
  await portal.atStep('Accept the terms');
  await portal.page.getByLabel('I accept the terms of use').check();
  await portal.press('Save');
  await portal.atStep('Download the certificates');
}

async function downloadCard(portal: Portal): Promise<void> {
  await portal.press('Download to the card');
  await portal.typePin(PINS.legitimering);
  await portal.typePin(PINS.underskrift);
  await portal.typePin(PINS.legitimering);
  await portal.atStep('Sign the receipt');
}

describe('the LoA3 routine', () => {
  it('leads from the order to the confirmed card', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await downloadCard(portal);
    expect(await portal.page.locator('.countdown').innerText()).toMatch(/^1[45] min \d+ s left$/);
    await portal.sign();
    await portal.atStep('Finish');
    await portal.press('Finish: the card is as it should be');
    await portal.atStep('Finished');
    expect(await portal.stored()).toMatchObject({ state: 'finished', reports: [] });
    expect(await portal.cardState().count()).toBe(0);
    expect(portal.window.complaints).toEqual([]);
    expect(RESERVE_NUMBER).toHaveLength(19);
  });
});
