/** The administrator's answer to the browser's question: the files that `kortd browsers install` makes, where Debian's Chromium reads them, and their end. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { installMachinePolicies, removeMachinePolicies } from '../../daemon/browsers/machine-policies.ts';
import { POLICY_PLACES } from '../../daemon/cli/browser-policy.ts';
import { launchChromium } from './chromium.ts';
import { openDesk } from './desk.ts';
import { openWebSite } from './web-site.ts';

it('lets the page through that it names, without a question, and no other', async () => {
  if (process.env['KORTD_PRIVATE_NAMESPACES'] !== '1') throw new Error('this test writes to /etc: run it by scripts/test.mjs');
  await using undo = new AsyncDisposableStack();
  const site = undo.use(await openWebSite());
  const origin = site.origin('approved');
  undo.defer(() => void removeMachinePolicies('/'));
  expect(installMachinePolicies('/', { origins: [origin] }).files).toContain(POLICY_PLACES.chromium.file);
  const browser = undo.use(await launchChromium({ site }));
  const desk = undo.use(await openDesk({ origins: [{ origin, scopes: ['card.read'] }] }));
  const page = await browser.open(`${origin}/`);
  expect(await browser.run(page, 'loopbackPermission')).toBe('granted');
  const options = { url: desk.url, scopes: ['card.read'] } as const;
  expect(await browser.run(page, 'connect', options)).toEqual({ ok: true, result: 'kortd' });
  const other = await browser.open(`${site.origin('other')}/`);
  expect(await browser.run(other, 'loopbackPermission')).toBe('prompt');
  expect(await browser.run(other, 'connect', options)).toMatchObject({ ok: false, reason: 'permission-denied' });
  expect(desk.arrivals.filter((arrival) => arrival.origin !== origin)).toEqual([]);
  removeMachinePolicies('/');
  expect(existsSync(POLICY_PLACES.chromium.file)).toBe(false);
});
