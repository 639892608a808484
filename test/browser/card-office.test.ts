/** The card office of the example in a real Chromium: three people, four readers, PINs in kortd's own window, and what goes wrong at a desk. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normalSerial } from '../../drivers/simulated/authority/authority.ts';
import { PINS, openCardOffice, preparePage, type CardOffice, type PageOfOffice, type Portal } from './card-office.ts';
import { armed, launchBrowser, type ChromiumBrowser } from './console-window.ts';

const MINUTE_MS = 60_000;
const WRONG_PIN = '111111';

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

async function fillInOrder(portal: Portal): Promise<void> {
  await portal.begin('Reserve card, LoA3');
  await portal.press('Fill in an example');
  await portal.press('Save');
  await portal.atStep('Sign the order');
}

async function acceptTerms(portal: Portal): Promise<void> {
  await portal.atStep('Accept the terms');
  await portal.page.getByLabel('I accept the terms of use').check();
  await portal.press('Save');
}

/** Everything up to the download. */
async function orderCard(portal: Portal): Promise<void> {
  await fillInOrder(portal);
  await portal.sign();
  await portal.atStep('Review and sign the order');
  await portal.sign();
  await acceptTerms(portal);
  await portal.atStep('Download the certificates');
}

async function downloadCard(portal: Portal): Promise<void> {
  await portal.press('Download to the card');
  for (const pin of [PINS.legitimering, PINS.underskrift, PINS.legitimering]) await portal.typePin(pin);
  await portal.atStep('Sign the receipt');
}

async function finish(portal: Portal): Promise<void> {
  await portal.atStep('Finish');
  await portal.press('Finish: the card is as it should be');
}

async function certificatesOnCard({ program }: CardOffice): Promise<number> {
  const { certificates } = await program.call('card.read', { card: { role: 'holder' }, refresh: true });
  return certificates.length;
}

describe('the LoA3 routine', () => {
  it('leads from the order to the confirmed card, and tells each person what they do', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    expect(await portal.cardState().innerText()).toContain('This is the card that is expected.');
    await downloadCard(portal);
    expect(await portal.page.locator('.countdown').innerText()).toMatch(/^1[45] min \d+ s left$/);
    expect(await portal.page.locator('.statement').innerText()).toContain('I, Cecilia Öberg, have received the reserve card');
    await portal.sign();
    await finish(portal);
    await portal.atStep('Finished');
    expect(await portal.stored()).toMatchObject({ state: 'finished', reports: [] });
    expect(await portal.page.locator('.steps').innerText()).toMatch(
      /by Anna Lindqvist[\s\S]*by Björn Åkesson[\s\S]*by Cecilia Öberg/,
    );
    expect(await certificatesOnCard(office)).toBe(2);
    expect(portal.window.complaints).toEqual([]);
    expect(portal.prompt.complaints).toEqual([]);
  });

  it('asks nobody for evidence of a scanner or a pad, which the portal has not', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await portal.begin('Reserve card, LoA3');
    await portal.atStep('Order the card');
    const { routines } = await office.program.call('issuance.listRoutines', {});
    const order = routines.find(({ id }) => id === 'reserve-card-loa3')?.steps[0];
    const fields = order?.kind === 'record' ? Object.values(order.fields) : [];
    expect(fields.filter(({ optional }) => optional).map(({ kind }) => kind)).toEqual(['documentVerdict']);
    expect(await portal.page.locator('.fields .field').count()).toBe(fields.length - 1);
    expect(await portal.page.locator('.fields').innerText()).not.toMatch(/verdict|optional/iu);
  });

  it('takes a wrong PIN for what it is, with the tries left, and goes on with the right one', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await fillInOrder(portal);
    await portal.sign(WRONG_PIN);
    expect(await portal.problem()).toMatch(/wrong; 2 tries are left|2 (tries|attempts)/);
    await expect.poll(() => portal.cardState().innerText()).toContain('Underskrift: 2 tries left');
    await portal.sign();
    await portal.atStep('Review and sign the order');
    expect(await portal.page.locator('.alarm:not([hidden])').count()).toBe(0);
  });

  it('wants two administrators: the same person is refused before any PIN, and told who is wanted', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await fillInOrder(portal);
    await portal.sign();
    await portal.atStep('Review and sign the order');
    await portal.put('anna', 'Administrator 2');
    await portal.press('Sign');
    expect(await portal.problem()).toContain('Administrator 2 must be somebody else');
    expect(await portal.problem()).toContain('In the reader Administrator 2 is the card of Anna Lindqvist.');
    expect(await portal.prompt.page.locator('.prompt').count()).toBe(0);
    await portal.put('bjorn', 'Administrator 2');
    await portal.sign();
    await portal.atStep('Accept the terms');
  });

  it('changes nothing on a card in the wrong reader, and says which one is expected', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await portal.put('reserve-2', 'Holder');
    await expect.poll(() => portal.cardState().innerText()).toContain('Another card is expected: 9752000000000000102');
    await portal.press('Download to the card');
    expect(await portal.problem()).toContain('this is another card than the one that is meant (9752000000000000102)');
    expect(await certificatesOnCard(office)).toBe(0);
    await portal.put('', 'Holder');
    await expect.poll(() => portal.cardState().innerText()).toBe('Put the card into the reader Holder.');
    await portal.press('Download to the card');
    expect(await portal.problem()).toContain('no card is in the reader');
    await portal.put('reserve', 'Holder');
    await downloadCard(portal);
  });

  it('goes on after a reload in the middle of the download, and from the list of open cases', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await portal.press('Download to the card');
    await portal.typePin(PINS.legitimering);
    await armed(portal.prompt.page);
    await portal.page.reload();
    await portal.atStep('Download the certificates');
    await portal.prompt.page.locator('.prompt').waitFor({ state: 'detached' });
    expect(await portal.page.locator('.key').first().innerText()).toMatch(/Authentication\s+key made\s*: Done/);
    await portal.page.getByRole('link', { name: 'All cases' }).click();
    await portal.page.getByRole('link', { name: /^Go on: Reserve card, LoA3/ }).click();
    await portal.press('Go on with the card');
    await portal.typePin(PINS.underskrift);
    await portal.typePin(PINS.legitimering);
    await portal.atStep('Sign the receipt');
    await portal.page.reload();
    await portal.atStep('Sign the receipt');
    await portal.sign();
    await finish(portal);
    await portal.atStep('Finished');
  });

  it('goes on when kortd was stopped in the middle of the download, and started again', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await portal.press('Download to the card');
    await portal.typePin(PINS.legitimering);
    await armed(portal.prompt.page);
    await office.stopKortd();
    await portal.page.locator('body[data-link=lost]').waitFor();
    const told = 'No connection to kortd. What was begun is kept. It goes on when kortd is back.';
    await expect.poll(() => portal.page.locator('#link').innerText()).toBe(told);
    await office.startKortd();
    await portal.page.locator('body[data-link=connected]').waitFor();
    await portal.page.getByRole('button', { name: 'Go on with the card' }).waitFor();
    expect(await portal.stored()).toMatchObject({ state: 'open', nextCall: 'issuance.resume' });
    const exceptions = portal.window.complaints.filter((one) => !one.includes('ERR_CONNECTION_REFUSED'));
    expect(exceptions).toEqual([]);
  });

  it('takes the certificates off the card and has them revoked when the fifteen minutes have run out', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await downloadCard(portal);
    office.clock.now = new Date(office.clock.now.getTime() + 14 * MINUTE_MS);
    await portal.page.reload();
    await portal.page.locator('.countdown.urgent').waitFor();
    expect(await portal.page.locator('.countdown').innerText()).toMatch(/^[01] min \d+ s left$/);
    office.clock.now = new Date(office.clock.now.getTime() + 2 * MINUTE_MS);
    await portal.atStep('Put the card back as it was');
    await portal.page.locator('.panel', { hasText: 'have been revoked at the certification authority' }).waitFor();
    const issued = office.authority.authority.issued();
    expect(issued.map(({ revocation }) => revocation !== undefined)).toEqual([true, true]);
    await portal.press('Take the certificates off the card');
    for (const pin of [PINS.legitimering, PINS.underskrift]) await portal.typePin(pin);
    await portal.atStep('Cancelled');
    expect(await portal.page.locator('.panel').innerText()).toContain('The case was cancelled: the time ran out.');
    expect(await portal.stored()).toMatchObject({ state: 'cancelled', reports: ['revocation'] });
    expect(await certificatesOnCard(office)).toBe(0);
  });

  it('is cancelled with a reason, and the card is as before', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await portal.press('Download to the card');
    await portal.typePin(PINS.legitimering);
    await armed(portal.prompt.page);
    await portal.press('Stop');
    await portal.page.locator('.panel:not([aria-busy])').waitFor();
    await portal.press('Cancel the case …');
    await portal.press('Cancel the case');
    expect(await portal.page.locator('#reason-problem').innerText()).toBe('Fill this in.');
    await portal.page.getByLabel('Why?').fill('The holder did not come.');
    await portal.press('Cancel the case');
    await portal.typePin(PINS.legitimering);
    await portal.atStep('Cancelled');
    expect(await portal.page.locator('.panel').innerText()).toContain('The holder did not come.');
    expect(await portal.stored()).toMatchObject({ state: 'cancelled' });
    expect(await certificatesOnCard(office)).toBe(0);
  });

  it('stops where it is while the certification authority is away, and says so', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await office.authority[Symbol.asyncDispose]();
    await portal.press('Download to the card');
    await portal.typePin(PINS.legitimering);
    await portal.typePin(PINS.underskrift);
    expect(await portal.problem()).toContain('The certification authority does not answer. Nothing was changed on the card.');
    expect(await portal.stored()).toMatchObject({ state: 'open', nextCall: 'issuance.writeCertificates' });
  });
});

describe('certificates that kortd refuses', () => {
  it('are revoked, and others are issued at the next try', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    let given = '';
    await portal.page.route('**/certificates', async (route) => {
      const response = await route.fetch();
      const { certificates } = (await response.json()) as { certificates: string[] };
      [given = ''] = certificates;
      await route.fulfill({ response, json: { certificates: [given] } });
    });
    await portal.press('Download to the card');
    for (const pin of [PINS.legitimering, PINS.underskrift]) await portal.typePin(pin);
    expect(await portal.problem()).toContain('missing');
    await portal.page.unroute('**/certificates');
    await portal.press('Go on with the card');
    await portal.typePin(PINS.legitimering);
    await portal.atStep('Sign the receipt');
    const issued = office.authority.authority.issued();
    expect(issued).toHaveLength(4);
    const revoked = issued.filter(({ revocation }) => revocation !== undefined);
    const { serialNumber } = new X509Certificate(given);
    expect(revoked.map((one) => normalSerial(one.serialNumber))).toEqual([normalSerial(serialNumber)]);
  });
});

describe('the renewal', () => {
  it('puts new certificates in place of the old ones, by the holder alone, once', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await orderCard(portal);
    await downloadCard(portal);
    await portal.sign();
    await finish(portal);
    await portal.atStep('Finished');
    const before = await fingerprints(office);
    await portal.page.getByRole('link', { name: 'Back to all cases' }).click();
    await portal.begin('Renewal of a reserve card');
    await portal.press('Read the card');
    await acceptTerms(portal);
    await portal.atStep('Renew the certificates');
    await portal.press('Download to the card');
    for (const pin of [PINS.legitimering, PINS.underskrift, PINS.underskrift, PINS.legitimering]) await portal.typePin(pin);
    await finish(portal);
    for (const pin of [PINS.legitimering, PINS.underskrift]) await portal.typePin(pin);
    await portal.atStep('Finished');
    const after = await fingerprints(office);
    expect(after).toHaveLength(2);
    expect(after.filter((one) => before.includes(one))).toEqual([]);
    await portal.page.getByRole('link', { name: 'Back to all cases' }).click();
    await portal.begin('Renewal of a reserve card');
    await portal.press('Read the card');
    expect(await portal.problem()).toContain('can be done once only');
  });
});

describe('the colleagues’ routine', () => {
  it('has two people sign the same statement with their own cards, in one reader after the other', async () => {
    await using office = await open();
    const portal = await office.openPage();
    await portal.begin('Reserve card vouched for by two colleagues');
    await portal.press('Read the card');
    await portal.atStep('Who is it for?');
    await portal.press('Fill in an example');
    await portal.press('Save');
    await portal.atStep('The first colleague signs');
    await portal.put('bjorn', 'Colleague');
    await portal.press('Sign');
    expect(await portal.problem()).toContain('is still in a reader');
    await portal.put('', 'Holder');
    await portal.sign();
    await portal.atStep('The second colleague signs');
    expect(await portal.page.getByLabel('Reader', { exact: true }).locator('option:checked').innerText()).toBe('Colleague');
    await portal.press('Sign');
    expect(await portal.problem()).toContain('Colleague 2 must be somebody else');
    await portal.put('anna', 'Colleague');
    await portal.sign();
    await portal.atStep('Record the paper receipt');
    const told = portal.page.getByText('Messages for the portal to send');
    await told.click();
    expect(await portal.page.locator('.steps').innerText()).toContain('You have vouched for Cecilia Öberg');
    await portal.press('Fill in an example');
    await portal.press('Save');
    await portal.atStep('Finished');
    const { steps } = await portal.stored();
    const statements = steps.flatMap(({ kind, statement }) => (kind === 'sign' ? [statement] : []));
    expect(statements[1]).toBe(statements[0]);
    expect(steps.flatMap(({ kind, person }) => (kind === 'sign' ? [person?.name] : []))).toEqual([
      'Björn Åkesson',
      'Anna Lindqvist',
    ]);
  });
});

async function fingerprints({ program }: CardOffice): Promise<readonly (string | undefined)[]> {
  const { certificates } = await program.call('card.read', { card: { role: 'holder' }, refresh: true });
  return certificates.map(({ parsed }) => parsed?.fingerprint);
}
