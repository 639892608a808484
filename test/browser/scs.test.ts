/** The signature creation service, asked by pages in Debian's Chromium: one that holds a grant, and one that holds none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium, type Chromium } from './chromium.ts';
import { openDesk, type BrowserDesk } from './desk.ts';
import type { Outcome } from './page.ts';
import { openWebSite, type WebSite } from './web-site.ts';

let site: WebSite;
let browser: Chromium;
const resources = new AsyncDisposableStack();
beforeAll(async () => {
  site = resources.use(await openWebSite());
  const loopback = { [site.origin('granted')]: 'allow', [site.origin('stranger')]: 'allow' } as const;
  browser = resources.use(await launchChromium({ site, loopback }));
});
afterAll(() => resources.disposeAsync());

const openScsDesk = (): Promise<BrowserDesk> =>
  openDesk({ scs: { httpPort: 0 }, origins: [{ origin: site.origin('granted'), scopes: ['sign'] }] });

const SIGN = {
  method: 'POST',
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: JSON.stringify({ version: '1.1', content: 'YSByZWNlaXB0', contentType: 'data', hashAlgorithm: 'SHA256' }),
};

async function ask(name: string, desk: BrowserDesk, path: string, options?: RequestInit): Promise<Outcome> {
  const page = await browser.open(`${site.origin(name)}/`);
  return await browser.run(page, 'fetch', `http://127.0.0.1:${desk.scsPort ?? 0}${path}`, options);
}

describe('a page that asks the signature creation service', () => {
  it('reads every answer when it holds a grant', async () => {
    await using desk = await openScsDesk();
    const version = await ask('granted', desk, '/version');
    expect(version).toMatchObject({ ok: true, result: { type: 'cors', status: 200 } });
    expect(JSON.parse((version.result as { text: string }).text)).toMatchObject({ version: '1.1', selectorAvailable: true });
    const sign = await ask('granted', desk, '/sign', SIGN);
    expect(sign).toMatchObject({ ok: true, result: { status: 200 } });
    expect(JSON.parse((sign.result as { text: string }).text)).toMatchObject({ status: 'failed', reasonCode: 404 });
  });

  it('reads nothing when it holds none', async () => {
    await using desk = await openScsDesk();
    expect(await ask('stranger', desk, '/version')).toMatchObject({ ok: false });
    expect(await ask('stranger', desk, '/sign', SIGN)).toMatchObject({ ok: false });
  });
});
