/** Ceremonies, pads and scans as the page shows them, on the simulated office: compared for what they show, and for everybody. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import type { Params } from '../../api-spec/methods/index.ts';
import { eventually } from '../api/transports.ts';
import { issueAll } from '../issuance/authority.ts';
import { violationsOf } from './axe.ts';
import { launchBrowser, type ChromiumBrowser, type Window } from './console-window.ts';
import { UNREADABLE } from './contrast.ts';
import { goTo, openShownDesk, type ShownDesk } from './desk-window.ts';

/** Pictures for the documents, made when KORTD_SCREENSHOTS=1. */
const PICTURES = join(import.meta.dirname, '..', '..', 'docs', 'console');
const PAD = 'SIMPAD0001';
const PAD_ID = `wacom-stu-${PAD}`;
const content = { data: Buffer.from('receipt').toString('base64') };

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const ORDER = {
  ...{ holderName: 'Cecilia Öberg', personalNumber: '198112189876', hsaId: 'SE2321000016-BENCH3' },
  ...{ cardNumber: '9752000000000000102', validTo: inDays(60) },
  ...{ documentKind: 'drivingLicence', documentNumber: 'SE-774411', documentValidTo: inDays(400) },
};

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

type PadAct = Params<'simulation.usePad'>['act'];
const usePad = (act: PadAct, rest: object = {}) => desk.program.call('simulation.usePad', { pad: PAD, act, ...rest });

/** Pixels of a canvas that are not transparent, and the box that they fill, as shares of it. */
async function inkOn(page: Page, selector: string): Promise<{ readonly pixels: number; readonly box: readonly number[] }> {
  return await page.evaluate<{ pixels: number; box: number[] }>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    let [pixels, left, top, right, bottom] = [0, width, height, 0, 0];
    for (let at = 0; at < width * height; at++) {
      if (data[4 * at + 3] === 0) continue;
      pixels++;
      const [x, y] = [at % width, Math.floor(at / width)];
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
    }
    return { pixels, box: [left / width, top / height, right / width, bottom / height] };
  })()`);
}

/** What comes to the page from here on. */
async function framesTo(page: Page): Promise<readonly string[]> {
  const frames: string[] = [];
  const session = await page.context().newCDPSession(page);
  session.on('Network.webSocketFrameReceived', ({ response }) => frames.push(response.payloadData));
  await session.send('Network.enable');
  return frames;
}

async function recordsOf(method: string): Promise<readonly { readonly caller: string; readonly purpose?: string | undefined }[]> {
  const { records } = await desk.program.call('audit.list', {});
  return records.filter((record) => record.method === method);
}

describe('a signature pad', () => {
  it('shows the pen as it writes to whoever asks to look on, which the audit log names, and how it ended', async () => {
    const { page, complaints } = await desk.look('pads');
    const sheet = page.locator(`[data-pad="${PAD_ID}"]`);
    await sheet.getByText('None since it was plugged in').waitFor();
    const captured = desk.program.call('pad.capture', { content, language: 'en' });
    await sheet.getByText('Somebody is signing').waitFor();
    await usePad('write', { samples: 120, seed: 1 });
    expect(await sheet.locator('canvas').count()).toBe(0);
    await sheet.getByRole('button', { name: 'Look on' }).click();
    await sheet.getByText('Being written now').waitFor();
    await usePad('write', { samples: 200, seed: 2 });
    const canvas = `[data-pad="${PAD_ID}"] canvas`;
    await eventually('ink', async () => (await inkOn(page, canvas)).pixels > 200);
    const { box } = await inkOn(page, canvas);
    expect(box.every((share) => share >= 0 && share <= 1)).toBe(true);
    await keep(page, 'pads-writing');
    await page.getByRole('img', { name: /^Signature with \d+ strokes?$/ }).waitFor();
    await usePad('accept');
    const { strokes } = await captured;
    expect(strokes).toBeGreaterThan(0);
    await sheet.getByText('Accepted, whole').waitFor();
    const frames = await framesTo(page);
    await sheet.getByRole('button', { name: 'Stop looking on' }).click();
    await sheet.getByRole('button', { name: 'Look on' }).waitFor();
    await eventually('the answer to pad.unwatch', () => frames.some((text) => text.includes('"result":{}')));
    const unseen = desk.program.call('pad.capture', { content, language: 'en' });
    await usePad('write', { samples: 120, seed: 3 });
    await usePad('accept');
    await unseen;
    await eventually('its end', () => frames.some((text) => text.includes('lastCapture')));
    expect(frames.filter((text) => text.includes('pad.pen'))).toEqual([]);
    const looks = await recordsOf('pad.watch');
    expect(looks).toMatchObject([
      { caller: expect.stringMatching(/^console of /) as string, purpose: expect.stringContaining(PAD_ID) as string },
    ]);
    expect(complaints).toEqual([]);
  });

  it('that is pulled goes, and comes back', async () => {
    const { page } = await desk.look('pads');
    await page.locator(`[data-pad="${PAD_ID}"]`).waitFor();
    await usePad('pull');
    await page.locator(`[data-pad="${PAD_ID}"]`).waitFor({ state: 'detached' });
    await usePad('plug');
    await page.locator(`[data-pad="${PAD_ID}"]`).waitFor();
  });
});

describe('a scan', () => {
  it('is listed without its person, and shown in a review with its lights side by side, its checks and its verdict', async () => {
    const { page, complaints } = await desk.look('scans');
    await page.getByText('No scans are kept').waitFor();
    const { scan } = await desk.program.call('scanner.scan', { scanner: 'regula.service' });
    const tile = page.locator(`[data-scan="${scan.id}"]`);
    await tile.waitFor();
    expect(await tile.innerText()).not.toMatch(new RegExp(scan.holder?.surname ?? 'nobody', 'i'));
    expect(await recordsOf('scanner.review')).toEqual([]);
    await desk.program.call('document.verify', { ruleSet: 'loa2', scan: scan.id });
    await tile.getByText('Not looked at').first().waitFor();
    await tile.getByRole('link', { name: 'Review' }).click();
    await page.getByText('Something that the rules ask for is still to be looked at').waitFor();
    for (const { id } of scan.images) await page.locator(`canvas[data-shown="${id}"]`).waitFor();
    expect(await page.locator('section[aria-labelledby=page-1] .picture').count()).toBe(4);
    const white = await page.locator('canvas[data-shown="page-0-uv"]').getAttribute('aria-label');
    expect(white).toMatch(/^Page, ultraviolet\. 3 checks: 3 passed$/);
    expect(await page.locator('.lines').innerText()).toContain('P<');
    expect(await page.getByRole('row', { name: /Document number/ }).innerText()).toContain('Passed');
    expect(await recordsOf('scanner.review')).toMatchObject([{ purpose: `scan ${scan.id}` }]);
    expect(complaints).toEqual([]);
  });

  it('is zoomed in steps, all lights of a page at once, by button and by keyboard', async () => {
    const { page } = await desk.look('scans');
    const { scan } = await desk.program.call('scanner.scan', { scanner: 'desk.main' });
    await goTo(page, `scans/${scan.id}`);
    for (const { id } of scan.images) await page.locator(`canvas[data-shown="${id}"]`).waitFor();
    const looks = (): Promise<readonly string[]> => Promise.all(scan.images.map(({ id }) => pixelsOf(page, id)));
    const before = await looks();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await page.getByText('150 %').waitFor();
    await eventually('all pictures being drawn anew', async () => (await looks()).every((look, index) => look !== before[index]));
    await page.locator('canvas[data-shown="page-white"]').focus();
    await page.keyboard.press('+');
    await page.getByText('200 %').waitFor();
    await page.keyboard.press('0');
    await page.getByText('100 %').waitFor();
    await eventually('all of it being seen again', async () => (await looks()).every((look, index) => look === before[index]));
  });
});

const pixelsOf = (page: Page, id: string): Promise<string> =>
  page.evaluate<string>(`document.querySelector('canvas[data-shown="${id}"]').toDataURL()`);

describe('a ceremony', () => {
  it('shows its steps and whose turn it is, and is cancelled with a reason', async () => {
    const { page, complaints } = await desk.look('ceremonies');
    await page.getByText('No ceremonies yet').waitFor();
    const { ceremony, steps } = await desk.program.call('issuance.start', { routine: 'reserve-card-loa3' });
    const tile = page.locator(`[data-ceremony="${ceremony}"]`);
    await tile.getByText(`0 of ${steps.length} steps taken`).waitFor();
    await tile.getByRole('link').click();
    await page.locator('ol.steps').waitFor();
    expect(await page.locator('ol.steps > li').count()).toBe(steps.length);
    expect(await page.locator('ol.steps > [aria-current=step] h3').innerText()).toContain(steps[0]?.title.en ?? '');
    await page.getByRole('button', { name: 'Cancel the ceremony' }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('Write why it is cancelled').waitFor();
    await page.getByLabel('Why it is cancelled').fill('the holder did not come');
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.locator('[data-situation=cancelled]').getByText('the holder did not come').waitFor();
    expect(await recordsOf('issuance.cancel')).toMatchObject([{ caller: expect.stringMatching(/^console of /) as string }]);
    expect(complaints).toEqual([]);
  });

  it('that pauses says so, and shows the receipt’s clock run down', async () => {
    await using office = await openShownDesk({ browser: chromium, scenario: 'card-office' });
    const { program } = office;
    const { ceremony } = await program.call('issuance.start', { routine: 'reserve-card-loa3' });
    const { page, complaints } = await office.look(`ceremonies/${ceremony}`);
    const standing = (situation: string): Promise<void> => page.locator(`[data-situation=${situation}]`).waitFor();
    await standing('person');
    await program.call('issuance.record', { ceremony, step: 'order', fields: ORDER });
    for (const step of ['ordered', 'reviewed'])
      await program.call('issuance.sign', { ceremony, step, language: 'sv', pin: '654321' });
    await program.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } });
    await program.call('issuance.enrol', { ceremony, step: 'download', pin: '123456' });
    await standing('interrupted');
    await page.getByText('Paused: the card is not ready').waitFor();
    await keep(page, 'ceremony-paused');
    await page.getByRole('button', { name: 'Go on with the card' }).click();
    await page.getByRole('alert').waitFor(); // there is nobody to ask for the PIN
    const waiting = await program.call('issuance.resume', { ceremony, pin: '654321', pinReference: '82' });
    await standing('waiting');
    const certificates = [...issueAll(waiting, 'download')];
    await program.call('issuance.writeCertificates', { ceremony, certificates, pin: '123456' });
    const clock = page.locator('[aria-current=step] [role=timer]');
    const first = await clock.innerText();
    expect(first).toMatch(/^1[45]:\d\d$/);
    await eventually('the clock running down', async () => (await clock.innerText()) < first);
    await keep(page, 'ceremony-clock');
    await program.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv', pin: '654321' });
    await standing('confirm');
    await program.call('issuance.confirm', { ceremony });
    await standing('finished');
    expect(complaints).toEqual([]);
  });

  it('with protected personal data does not show up, neither in the list nor by its address', async () => {
    const { page } = await desk.look('ceremonies');
    const { ceremony } = await desk.program.call('issuance.start', { routine: 'reserve-card-loa3', isProtected: true });
    const { ceremony: other } = await desk.program.call('issuance.start', { routine: 'reserve-card-loa3' });
    await page.locator(`[data-ceremony="${other}"]`).waitFor();
    expect(await page.locator(`[data-ceremony="${ceremony}"]`).count()).toBe(0);
    await goTo(page, `ceremonies/${ceremony}`);
    await page.getByRole('alert').waitFor();
    expect(await page.locator('ol.steps').count()).toBe(0);
  });
});

describe('everybody', () => {
  it.each(['ceremonies', 'pads', 'scans'])('can use %s, light and dark, wide and narrow, in both languages', async (view) => {
    for (const [colorScheme, locale] of [
      ['light', 'en-GB'],
      ['dark', 'sv-SE'],
    ] as const) {
      await using window = await desk.look(view, { colorScheme, locale, viewport: { width: 1_100, height: 800 } });
      await checkOn(window, view, colorScheme);
    }
  });

  it.each(['light', 'dark'] as const)('can review a scan and follow a ceremony, %s', async (colorScheme) => {
    const { scan } = await desk.program.call('scanner.scan', { scanner: 'regula.service' });
    const { ceremony } = await desk.program.call('issuance.start', { routine: 'reserve-card-loa3' });
    await using window = await desk.look('scans', { colorScheme, viewport: { width: 1_100, height: 800 } });
    await goTo(window.page, `scans/${scan.id}`);
    for (const { id } of scan.images) await window.page.locator(`canvas[data-shown="${id}"]`).waitFor();
    await checkOn(window, 'scan', colorScheme);
    await goTo(window.page, `ceremonies/${ceremony}`);
    await window.page.locator('ol.steps').waitFor();
    await checkOn(window, 'ceremony', colorScheme);
  });
});

async function keep(page: Page, name: string): Promise<void> {
  if (process.env['KORTD_SCREENSHOTS'] !== '1') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled', fullPage: true });
}

/** Of pictures for the documents, light ones are wide and dark ones narrow. */
async function checkOn({ page, complaints }: Window, name: string, colorScheme: 'dark' | 'light'): Promise<void> {
  await page.locator('main p.soft:text-matches("^(Reading|Läser) …$")').waitFor({ state: 'detached' });
  expect(await violationsOf(page), name).toEqual([]);
  expect(await page.evaluate(UNREADABLE), name).toEqual([]);
  if (colorScheme === 'light') await keep(page, name);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate('document.documentElement.scrollWidth'), name).toBe(360);
  expect(await violationsOf(page), name).toEqual([]);
  if (colorScheme === 'dark') await keep(page, `${name}-narrow`);
  expect(complaints).toEqual([]);
  await page.setViewportSize({ width: 1_100, height: 800 });
}
