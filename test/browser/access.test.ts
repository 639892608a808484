/** A web page in Debian's Chromium and the typed client in it: each way to a connection, and each way not to get one, told by its reason. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { launchChromium, type Chromium } from './chromium.ts';
import { openDesk, type BrowserDesk } from './desk.ts';
import type { Outcome } from './page.ts';
import { PLAIN, openWebSite, type WebSite } from './web-site.ts';

const README = join(import.meta.dirname, '..', '..', 'api-spec', 'client', 'README.md');

let site: WebSite;
let browser: Chromium;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  site = resources.use(await openWebSite());
  const frameOf = (attributes: string): string => `<!doctype html><iframe ${attributes}></iframe>`;
  site.addPage('/framing', { html: frameOf(`src="${site.origin('inner')}/"`) });
  site.addPage('/delegating', { html: frameOf(`allow="loopback-network" src="${site.origin('inner')}/"`) });
  site.addPage('/forbidding', { ...PLAIN, headers: { 'permissions-policy': 'loopback-network=()' } });
  const html = /```html\n(<!doctype html>.*?)```/s.exec(await readFile(README, 'utf8'))?.[1] ?? '';
  site.addPage('/example', { html: html.replaceAll('http://127.0.0.1:27150', '${KORTD}') });
  const loopback = {
    [site.origin('allowed')]: 'allow',
    [site.origin('blocked')]: 'block',
    [site.origin('blocked-later')]: 'allow',
  } as const;
  browser = resources.use(await launchChromium({ site, loopback }));
});
afterAll(() => resources.disposeAsync());

const SCOPES = ['card.read'] as const;

function connect(page: Parameters<Chromium['run']>[0], desk: BrowserDesk): Promise<Outcome> {
  return browser.run(page, 'connect', { url: desk.url, scopes: SCOPES });
}

/** A page that the person gave access, connected. */
async function connected(desk: BrowserDesk, origin: string): Promise<Page> {
  const page = await browser.open(`${origin}/`);
  const [outcome] = await Promise.all([connect(page, desk), desk.decideNext('access.approve')]);
  expect(outcome).toEqual({ ok: true, result: 'kortd' });
  return page;
}

describe('a page that the browser keeps from kortd', () => {
  it('is told so when nobody said yes to the browser, and nothing reaches kortd', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('fresh')}/`);
    expect(await browser.run(page, 'loopbackPermission')).toBe('prompt');
    // Headless Chromium says no in the person's place.
    const reason = await desk.unmoved(async () => (await connect(page, desk)).reason);
    expect(reason).toBe('permission-denied');
    expect(desk.arrivals).toEqual([]);
  });

  it('is told so when the person blocked it, and nothing reaches kortd', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('blocked')}/`);
    expect(await desk.unmoved(() => connect(page, desk))).toMatchObject({ ok: false, reason: 'permission-denied' });
    expect(await desk.unmoved(() => browser.run(page, 'fetch', `${desk.url}/v1/readers`))).toMatchObject({ ok: false });
    expect(desk.arrivals).toEqual([]);
  });

  it('is told so when it is no https page', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`http://plain.test:${site.localPort}/`);
    expect(await desk.unmoved(() => connect(page, desk))).toMatchObject({ ok: false, reason: 'insecure-page' });
  });

  it('is told so in a frame without delegation, and under a Permissions-Policy that forbids it', async () => {
    await using desk = await openDesk();
    const framing = await browser.open(`${site.origin('allowed')}/framing`);
    const forbidding = await browser.open(`${site.origin('allowed')}/forbidding`);
    for (const page of [frameOf(framing), forbidding])
      expect(await desk.unmoved(() => connect(page, desk))).toMatchObject({ ok: false, reason: 'not-delegated' });
    expect(desk.arrivals).toEqual([]);
  });
});

describe('a page that the browser lets through', () => {
  it('is connected when the person consents, reads, and is let in at once the next time', async () => {
    await using desk = await openDesk();
    const origin = site.origin('allowed');
    const page = await connected(desk, origin);
    expect(await browser.run(page, 'call', 'reader.list', {})).toMatchObject({ ok: true, result: { readers: [{}] } });
    expect(await connect(page, desk)).toEqual({ ok: true, result: 'kortd' });
    expect(desk.arrivals.filter(({ isUpgrade }) => isUpgrade)).toMatchObject([{ origin }, { origin }]);
  });

  it('is connected in a frame with delegation, by the origin of the frame', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('allowed')}/delegating`);
    const [outcome, request] = await Promise.all([connect(frameOf(page), desk), desk.decideNext('access.approve')]);
    expect(outcome).toEqual({ ok: true, result: 'kortd' });
    expect(request.origin).toBe(site.origin('inner'));
  });

  it('is connected from this computer itself only when a policy file names its origin', async () => {
    await using desk = await openDesk({ developmentOrigins: [site.localOrigin] });
    await connected(desk, site.localOrigin);
  });

  it('is told that kortd is not running', async () => {
    const { url } = await closedDesk();
    const page = await browser.open(`${site.origin('allowed')}/`);
    const outcome = await browser.run(page, 'connect', { url, scopes: SCOPES });
    expect(outcome).toMatchObject({ ok: false, reason: 'not-running', permission: 'granted' });
  });

  it('is told that the person refused, that nobody answered, and what no page can have', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('allowed')}/`);
    const [refused] = await Promise.all([connect(page, desk), desk.decideNext('access.deny')]);
    expect(refused).toMatchObject({ ok: false, reason: 'not-granted', code: 'access_denied' });
    const impatient = { url: desk.url, scopes: SCOPES, consentTimeoutMs: 200 };
    expect(await browser.run(page, 'connect', impatient)).toMatchObject({ reason: 'timeout', code: 'deadline_exceeded' });
    const greedy = { url: desk.url, scopes: ['pin.direct'] as const };
    expect(await browser.run(page, 'connect', greedy)).toMatchObject({ reason: 'not-granted', code: 'scope_not_for_web' });
  });

  it('keeps its WebSocket when the browser takes its permission back, and is told when it connects again', async () => {
    await using desk = await openDesk();
    const origin = site.origin('blocked-later');
    const page = await connected(desk, origin);
    await browser.blockLoopback(origin);
    const another = await browser.open(`${origin}/`);
    expect(await connect(another, desk)).toMatchObject({ ok: false, reason: 'permission-denied' });
    expect(await browser.run(page, 'call', 'reader.list', {})).toMatchObject({ ok: true });
  });

  it('loses its WebSocket when its access is taken back in kortd, and is told so', async () => {
    await using desk = await openDesk();
    const origin = site.origin('allowed');
    const page = await connected(desk, origin);
    const closed = browser.run(page, 'closed');
    await desk.person.call('access.revoke', { origin });
    expect(await closed).toMatchObject({ ok: false, reason: 'revoked' });
    expect(await browser.run(page, 'call', 'reader.list', {})).toMatchObject({ ok: false, reason: 'revoked' });
  });
});

describe('the page of the README', () => {
  it('lists the readers at a click, and says in words why it cannot', async () => {
    await using desk = await openDesk();
    const { html } = site.page('/example');
    for (const [path, url] of [
      ['/works', desk.url],
      ['/fails', (await closedDesk()).url],
    ] as const)
      site.addPage(path, { html: html.replaceAll('${KORTD}', url) });
    const page = await browser.open(`${site.origin('allowed')}/works`);
    await Promise.all([browser.doing('the click', page.click('button')), desk.decideNext('access.approve')]);
    await browser.doing('the list', page.waitForFunction("document.querySelector('pre').textContent.includes('Browser 0')"));
    const failing = await browser.open(`${site.origin('allowed')}/fails`);
    await browser.doing('the click', failing.click('button'));
    await browser.doing(
      'the reason',
      failing.waitForFunction("document.querySelector('pre').textContent.includes('Start or install')"),
    );
  });
});

describe('these tests', () => {
  it('fail with what Chromium wrote when it crashes', async () => {
    await using doomed = await launchChromium({ site });
    const page = await doomed.open(`${site.origin('allowed')}/`);
    const session = await doomed.context.newCDPSession(page);
    const waiting = doomed.doing('waiting for ever', page.evaluate('new Promise(() => undefined)'));
    await Promise.all([
      expect(waiting).rejects.toThrow(/Chromium ended\. It wrote:\n[^]*\S/),
      session.send('Browser.crash').catch(() => undefined),
    ]);
  });
});

function frameOf(page: Page): ReturnType<Page['mainFrame']> {
  const [, frame] = page.frames();
  if (!frame) throw new Error(`${page.url()} shows no frame`);
  return frame;
}

/** Where a kortd was, so that nothing listens there. */
async function closedDesk(): Promise<{ readonly url: string }> {
  await using desk = await openDesk();
  return { url: desk.url };
}
