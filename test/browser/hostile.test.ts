/**
 * Everything that a web page can send to kortd without having been given access, from Debian's Chromium. Each attack is made without and with a
 * card in the reader: the page sees the same, and kortd does nothing. What reached kortd shows that the attack was made at all.
 */
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, type Chromium } from './chromium.ts';
import { openDesk, type Arrival, type BrowserDesk } from './desk.ts';
import { openWebSite, type WebSite } from './web-site.ts';

let site: WebSite;
let browser: Chromium;
let folder: string;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-hostile-'));
  resources.defer(() => rm(folder, { recursive: true }));
  site = resources.use(await openWebSite());
  const sandboxed = '<!doctype html><iframe sandbox="allow-scripts" allow="loopback-network" src="/"></iframe>';
  site.addPage('/sandboxing', { html: sandboxed });
  // The browser lets these pages through: what is left is kortd's own defence.
  browser = resources.use(await launchChromium({ site, loopback: { [site.origin('allowed')]: 'allow' } }));
});
afterAll(() => resources.disposeAsync());

const JSON_POST = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"scopes":["card.read"]}' };
const GUESSED = 'kortd.token.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
/** Of a script that gets no answer to read. */
const UNREADABLE = { ok: false, error: 'TypeError: Failed to fetch' };
const REFUSED_SOCKET = { ok: false, error: 'TypeError: closed with 1006' };

function openSocket(page: Page | Frame, desk: BrowserDesk, host = '127.0.0.1'): ReturnType<typeof browser.run<'webSocket'>> {
  return browser.run(page, 'webSocket', `ws://${host}:${desk.port}/v1/ws`, ['kortd.v1', GUESSED]);
}

/** What came of that origin, without what comes twice because the attack is made twice. */
function arrived(desk: BrowserDesk, origin: string | undefined): readonly string[] {
  const mine = desk.arrivals.filter((arrival) => arrival.origin === origin);
  const show = ({ method, path, isUpgrade }: Arrival): string => `${isUpgrade ? 'WebSocket' : method} ${path}`;
  return [...new Set(mine.map(show))];
}

/** Text of a tab: what a person sees, and no script of another origin. */
async function codeIn(page: Page): Promise<unknown> {
  await browser.doing('loading the tab', page.waitForLoadState());
  const text = await browser.doing('reading the tab', page.evaluate('document.body.innerText'));
  return (JSON.parse(String(text)) as { error: { code: string } }).error.code;
}

describe('a page without access, let through by the browser', () => {
  it('gets no answer that it can read, with a guessed token or none, and no WebSocket', async () => {
    await using desk = await openDesk();
    const origin = site.origin('allowed');
    const page = await browser.open(`${origin}/`);
    const authorized = { headers: { authorization: `Bearer ${GUESSED}` } };
    for (const path of ['/v1/readers', '/v1/cards', '/v1/access', '/v1/nothing']) {
      expect(await desk.unmoved(() => browser.run(page, 'fetch', desk.url + path))).toEqual(UNREADABLE);
      expect(await desk.unmoved(() => browser.run(page, 'fetch', desk.url + path, authorized))).toEqual(UNREADABLE);
    }
    expect(await desk.unmoved(() => browser.run(page, 'fetch', `${desk.url}/v1/pin/verify`, JSON_POST))).toEqual(UNREADABLE);
    expect(await desk.unmoved(() => openSocket(page, desk))).toEqual(REFUSED_SOCKET);
    expect(arrived(desk, origin)).toEqual(
      expect.arrayContaining(['GET /v1/readers', 'OPTIONS /v1/cards', 'OPTIONS /v1/pin/verify', 'WebSocket /v1/ws']),
    );
    expect(arrived(desk, origin)).not.toContain('POST /v1/pin/verify');
  });

  it('gets nothing done by a request that needs no preflight', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('allowed')}/`);
    const simple = { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body: JSON_POST.body } as const;
    for (const path of ['/v1/access/request', '/v1/access/approve', '/v1/cards/lease'])
      expect(await desk.unmoved(() => browser.run(page, 'fetch', desk.url + path, simple))).toEqual({
        ok: true,
        result: { type: 'opaque', status: 0, text: '' },
      });
    expect(arrived(desk, site.origin('allowed'))).toContain('POST /v1/access/request');
  });

  it('gets nothing by another name for this computer, with targetAddressSpace', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('allowed')}/`);
    const attack = (host: string, targetAddressSpace: string): Promise<unknown> => {
      const options = { ...JSON_POST, targetAddressSpace };
      return browser.run(page, 'fetch', `http://${host}:${desk.port}/v1/access/request`, options);
    };
    expect(await desk.unmoved(() => attack('kort.test', 'loopback'))).toEqual(UNREADABLE);
    expect(arrived(desk, site.origin('allowed'))).toEqual(['OPTIONS /v1/access/request']);
    expect(desk.arrivals.every(({ host }) => host === `kort.test:${desk.port}`)).toBe(true);
    expect(await desk.unmoved(() => attack('127.0.0.1', 'local'))).toEqual(UNREADABLE);
    expect(arrived(desk, site.origin('allowed'))).not.toContain('POST /v1/access/request');
  });
});

describe('a page without an origin', () => {
  it('in a sandboxed frame gets nothing', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('allowed')}/sandboxing`);
    const [, frame] = page.frames();
    if (!frame) throw new Error('there is no frame');
    const connect = (): Promise<unknown> => browser.run(frame, 'connect', { url: desk.url, scopes: ['card.read'] });
    expect(await desk.unmoved(connect)).toMatchObject({ ok: false, reason: 'not-granted' });
    expect(await desk.unmoved(() => browser.run(frame, 'fetch', `${desk.url}/v1/readers`))).toEqual(UNREADABLE);
    expect(await desk.unmoved(() => openSocket(frame, desk))).toEqual(REFUSED_SOCKET);
    expect(arrived(desk, 'null')).toEqual(['OPTIONS /v1/access/request', 'GET /v1/readers', 'WebSocket /v1/ws']);
  });

  it('from a file gets nothing, and the browser does not ask', async () => {
    await using desk = await openDesk();
    const file = join(folder, 'page.html');
    await writeFile(file, '<!doctype html>');
    const page = await browser.open(`file://${file}`);
    const attack = (): Promise<unknown> =>
      browser.doing('fetching', page.evaluate(`fetch('${desk.url}/v1/readers').then((answer) => answer.status, String)`));
    expect(await desk.unmoved(attack)).toBe(UNREADABLE.error);
    expect(arrived(desk, 'null')).toEqual(['GET /v1/readers']);
  });

  it('by a form in a new tab gets nothing done, though the browser does not ask', async () => {
    await using desk = await openDesk();
    const form = (path: string): string =>
      `<form method="post" action="${desk.url}${path}" target="_blank" enctype="text/plain"><input name='{"scopes":["card.read"],"reason":"' value='"}'></form>`;
    for (const path of ['/v1/access/request', '/v1/pin/verify', '/v1/access/approve']) {
      site.addPage(`/form${path}`, { html: `<!doctype html>${form(path)}` });
      const page = await browser.open(`${site.origin('fresh')}/form${path}`);
      const submit = (): Promise<unknown> =>
        inNewTab(() => browser.doing('submitting', page.evaluate('document.forms[0].submit()')), codeIn);
      expect(await desk.unmoved(submit)).toBe('origin_refused');
      expect(arrived(desk, 'null')).toContain(`POST ${path}`);
    }
  });
});

describe('a navigation to the API', () => {
  it('in the same tab and by window.open shows an error, which its opener cannot read', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.origin('fresh')}/`);
    for (const path of ['/v1/readers', '/v1/access', '/v1/access/request']) {
      const open = `void (globalThis.opened = window.open('${desk.url}${path}'))`;
      const seen = await desk.unmoved(() =>
        inNewTab(
          () => browser.doing('window.open', page.evaluate(open)),
          async (tab) => [
            await codeIn(tab),
            await browser.doing('looking in', page.evaluate('try { String(opened.document.body) } catch (error) { error.name }')),
          ],
        ),
      );
      expect(seen).toEqual(['origin_refused', 'SecurityError']);
    }
    const navigate = async (): Promise<unknown> => {
      const tab = await browser.open(`${site.origin('fresh')}/`);
      const loaded = tab.waitForURL(`${desk.url}/v1/readers`);
      await browser.doing('navigating', Promise.all([loaded, tab.evaluate(`void (location.href = '${desk.url}/v1/readers')`)]));
      return await codeIn(tab);
    };
    expect(await desk.unmoved(navigate)).toBe('origin_refused');
    expect(arrived(desk, undefined)).toEqual(expect.arrayContaining(['GET /v1/readers', 'GET /v1/access/request']));
  });
});

describe('a page whose name was rebound to this computer', () => {
  it('is refused by its Host, also where it needs no Origin', async () => {
    await using desk = await openDesk();
    const host = `rebound.test:${desk.port}`;
    const page = await browser.open(`http://${host}/`); // an answer of kortd: a document of the attacker's origin
    expect(await codeIn(page)).toBe('host_refused');
    const attack = async (path: string, options: object): Promise<unknown> => {
      const script = `fetch('${path}', ${JSON.stringify(options)}).then(async (answer) => [answer.status, (await answer.json()).error.code])`;
      return await browser.doing('fetching', page.evaluate(script));
    };
    for (const path of ['/v1/readers', '/v1/cards', '/v1/system/info'])
      expect(await desk.unmoved(() => attack(path, {}))).toEqual([421, 'host_refused']);
    expect(await desk.unmoved(() => attack('/v1/access/request', JSON_POST))).toEqual([421, 'host_refused']);
    const socket = `new Promise((resolve) => { const socket = new WebSocket('ws://${host}/v1/ws', ['kortd.v1', '${GUESSED}']);
      socket.onopen = () => resolve('open'); socket.onclose = ({ code }) => resolve(code); })`;
    expect(await desk.unmoved(() => browser.doing('a WebSocket', page.evaluate(socket)))).toBe(1006);
    expect(desk.arrivals.every((arrival) => arrival.host === host)).toBe(true);
    expect(arrived(desk, undefined)).toContain('GET /v1/readers');
    expect(arrived(desk, `http://${host}`)).toEqual(['POST /v1/access/request', 'WebSocket /v1/ws']);
  });
});

describe('another program of this computer that serves pages', () => {
  it('gets nothing, though the browser does not ask', async () => {
    await using desk = await openDesk();
    const page = await browser.open(`${site.localOrigin}/`);
    const connect = (): Promise<unknown> => browser.run(page, 'connect', { url: desk.url, scopes: ['card.read'] });
    expect(await desk.unmoved(connect)).toMatchObject({ ok: false, reason: 'not-granted', permission: 'exempt' });
    expect(await desk.unmoved(() => browser.run(page, 'fetch', `${desk.url}/v1/readers`))).toEqual(UNREADABLE);
    for (const host of ['127.0.0.1', 'localhost'])
      expect(await desk.unmoved(() => openSocket(page, desk, host))).toEqual(REFUSED_SOCKET);
    expect(arrived(desk, site.localOrigin)).toEqual(['OPTIONS /v1/access/request', 'GET /v1/readers', 'WebSocket /v1/ws']);
  });
});

describe('a public page that redirects to kortd', () => {
  it('arrives without an origin, and gets nothing', async () => {
    await using desk = await openDesk();
    site.addPage('/redirect', {
      html: '',
      status: 307,
      headers: { location: `${desk.url}/v1/readers`, 'access-control-allow-origin': '*' },
    });
    const page = await browser.open(`${site.origin('allowed')}/`);
    const attack = (): Promise<unknown> => browser.run(page, 'fetch', `${site.origin('elsewhere')}/redirect`);
    expect(await desk.unmoved(attack)).toEqual(UNREADABLE);
    expect(arrived(desk, 'null')).toEqual(['GET /v1/readers']);
  });
});

/** Does what opens a tab, looks at it, and closes it. */
async function inNewTab<T>(open: () => Promise<unknown>, look: (tab: Page) => Promise<T>): Promise<T> {
  const [tab] = await browser.doing('opening a tab', Promise.all([browser.context.waitForEvent('page'), open()]));
  const seen = await look(tab);
  await browser.doing('closing the tab', tab.close());
  return seen;
}
