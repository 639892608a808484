/** Links, windows and sessions of the console in a real Chromium, and what other pages of the same browser try against them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRACE_MS, LINK_MS } from '../../daemon/console/sessions.ts';
import { STATION_SUBPROTOCOL } from '../../daemon/prompt/station-messages.ts';
import {
  armed,
  atRest,
  inState,
  launchBrowser,
  openConsoleDesk,
  remains,
  textOf,
  USER,
  VERIFY,
  type ChromiumBrowser,
} from './console-window.ts';

const PIN = '739146';

let chromium: ChromiumBrowser;
beforeAll(async () => (chromium = await launchBrowser()));
afterAll(() => chromium[Symbol.asyncDispose]());

describe('a link', () => {
  it('is good once, and leaves no trace in the address or the history', async () => {
    await using desk = await openConsoleDesk();
    const link = desk.console.issueLink(USER);
    const code = new URL(link).hash.slice(1);
    await using first = await chromium.visit(link);
    await inState(first.page, 'connected');
    expect(await remains(first.page)).not.toContain(code);
    expect(first.page.url()).toBe(`${desk.origin}/`);
    expect(first.complaints).toEqual([]);
    await using second = await chromium.visit(link);
    await inState(second.page, 'refused');
    expect(await textOf(second.page, '#rest')).toContain('Run “kortd open” to get a new one.');
    expect(desk.prompts.placesOf(USER)).toHaveLength(1);
  });

  it('that is too old is refused, and a page without one says what to do', async () => {
    await using desk = await openConsoleDesk();
    const link = desk.console.issueLink(USER);
    desk.advance(LINK_MS);
    await using old = await chromium.visit(link);
    await inState(old.page, 'refused');
    await using bare = await chromium.visit(`${desk.origin}/`);
    await inState(bare.page, 'closed');
    expect(await textOf(bare.page, '#rest')).toContain('run “kortd open”');
    expect(desk.prompts.placesOf(USER)).toEqual([]);
  });

  it('opens the console in a page that is there already', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.visit(`${desk.origin}/`);
    await inState(window.page, 'closed');
    await window.page.goto(desk.console.issueLink(USER));
    await inState(window.page, 'connected');
    expect(window.page.url()).toBe(`${desk.origin}/`);
  });
});

describe('a window', () => {
  it('that is loaded again goes on, and gets the prompt again', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    await page.reload();
    await inState(page, 'connected');
    const answer = desk.ask(VERIFY);
    await armed(page);
    await page.keyboard.type(PIN);
    await page.keyboard.press('Enter');
    expect(await answer).toEqual({ pin: PIN });
    expect(window.complaints).toEqual([]);
  });

  it('that comes back after the grace is told to open the console anew', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    await page.goto('about:blank');
    await expect.poll(() => desk.prompts.placesOf(USER), { timeout: 10_000, interval: 10 }).toEqual([]);
    desk.advance(GRACE_MS);
    await page.goto(`${desk.origin}/`);
    await inState(page, 'over');
    expect(await textOf(page, '#rest')).toContain('Run “kortd open” to go on.');
    expect(await remains(page)).toContain('"session":{}');
  });

  it('says that the connection is lost, drops its prompt, and finds a kortd that knows it no more', async () => {
    const before = await openConsoleDesk();
    await using window = await chromium.connect(before);
    const { page } = window;
    const answer = before.ask(VERIFY);
    await armed(page);
    await page.keyboard.type(PIN);
    const { port } = before.console;
    await before[Symbol.asyncDispose]();
    await expect(answer).rejects.toThrow();
    await inState(page, 'lost');
    await atRest(page);
    expect(await textOf(page, '#notice')).toContain('Nothing was sent.');
    expect(await remains(page)).not.toContain(PIN);
    await using after = await openConsoleDesk(port);
    await inState(page, 'over');
    expect(after.prompts.placesOf(USER)).toEqual([]);
  });

  it('gives way to another of the same session', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const session = await page.evaluate('sessionStorage.getItem("kortd.session")');
    const twin = await page.context().newPage();
    await twin.goto(`${desk.origin}/`);
    await inState(twin, 'closed');
    await twin.evaluate(`sessionStorage.setItem("kortd.session", ${JSON.stringify(session)})`);
    await twin.reload();
    await inState(twin, 'connected');
    await inState(page, 'replaced');
    expect(desk.prompts.placesOf(USER)).toEqual(['console']);
  });
});

describe('other pages', () => {
  /** A page of another program on this computer, which the browser lets reach loopback. */
  async function openForeignSite(
    html = '<!doctype html><title>other</title>',
  ): Promise<AsyncDisposable & { readonly origin: string }> {
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      },
    };
  }

  it('cannot use a token, a code or a script of the console, even when they know them', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const session = await window.page.evaluate<string>('sessionStorage.getItem("kortd.session")');
    const { token } = JSON.parse(session) as { token: string };
    const code = new URL(desk.console.issueLink(USER)).hash.slice(1);
    await using site = await openForeignSite();
    await using other = await chromium.visit(site.origin);
    const tries = `(async () => {
      const socket = new WebSocket('ws://127.0.0.1:${desk.console.port}/prompts', ['${STATION_SUBPROTOCOL}', 'kortd.session.${token}']);
      const closed = await new Promise((resolve) => { socket.onopen = () => resolve('open'); socket.onclose = ({ code }) => resolve(code); });
      const answer = (options) => fetch('${desk.origin}/session', { method: 'POST', body: '{"code":"${code}"}', ...options })
        .then(({ type, status }) => type + status, ({ name }) => name);
      const posted = await answer({ headers: { 'content-type': 'application/json' } });
      const simple = await answer({ mode: 'no-cors' });
      const script = await import('${desk.origin}/texts.js').then(() => 'loaded', ({ name }) => name);
      return [closed, posted, simple, script];
    })()`;
    expect(await other.page.evaluate(tries)).toEqual([1006, 'TypeError', 'TypeError', 'TypeError']);
    expect(desk.prompts.stations).toHaveLength(1);
    await using still = await chromium.visit(`${desk.origin}/#${code}`);
    await inState(still.page, 'connected');
  });

  it('cannot frame the console, or hold on to a window of it', async () => {
    await using desk = await openConsoleDesk();
    await using site = await openForeignSite(`<!doctype html><iframe src="${desk.origin}/"></iframe>`);
    await using other = await chromium.visit(site.origin);
    const [frame] = other.page.frames().slice(1);
    expect(await frame?.evaluate('document.querySelector("main") === null')).toBe(true);
    const [popup] = await Promise.all([
      other.page.waitForEvent('popup'),
      other.page.evaluate(`window.held = window.open('${desk.origin}/')`).catch(() => undefined),
    ]);
    await inState(popup, 'closed');
    expect(await popup.evaluate('opener')).toBeNull();
    expect(await other.page.evaluate('window.held.closed')).toBe(true);
  });

  it('have nothing to inject: no HTML, script or style of theirs would run, and no browser feature is on', async () => {
    await using desk = await openConsoleDesk();
    await using window = await chromium.connect(desk);
    const { page } = window;
    const inject = `(() => { try { document.body.innerHTML = '<img src=x onerror=window.hit=1>'; return 'taken'; } catch ({ name }) { return name; } })()`;
    expect(await page.evaluate(inject)).toBe('TypeError');
    await page.evaluate(`document.body.append(Object.assign(document.createElement('img'), { src: 'http://127.0.0.1:1/x' }))`);
    await expect.poll(() => window.complaints.join(), { timeout: 10_000 }).toMatch(/Content Security Policy/);
    const features = await page.evaluate<string[]>('document.featurePolicy.allowedFeatures()');
    const others = features.filter((name) => !/^ch-/.test(name)).sort();
    expect(others).toEqual(['aria-notify', 'local-network', 'local-network-access', 'loopback-network']);
  });
});
