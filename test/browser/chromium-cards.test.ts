/**
 * Chromium, set up by `kortd pkcs11 enable --chromium`, and a page that wants a certificate. It asks for the PIN in a window of its own, and so on a screen.
 * Where kortd asks too, Chromium asks first all the same, and takes any answer for "go on": NSS gives the token no PIN then (PK11_DoPassword, "protectedAuthPath").
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chromium, type BrowserContext } from 'playwright-core';
import { serverAddress } from '../../daemon/pkcs11/module-file.ts';
import { programSetups } from '../../daemon/pkcs11/setup/index.ts';
import { thisMachine } from '../../daemon/pkcs11/setup/machine.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { cardKey, certificateFor, openBench, PIN, testKey, watchedPivCard, type Bench } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { openMutualTlsPage, type MutualTlsPage } from './mutual-tls.ts';
import { openScreen, type Screen } from './screen.ts';

const DEADLINE_MS = 60_000;
const POLICY = '/etc/chromium/policies/managed/cards.json';
/** The administrator's: no question which certificate. */
const SELECTION = { AutoSelectCertificateForUrls: [JSON.stringify({ pattern: 'https://localhost', filter: {} })] };
const QUESTION = 'Unlock Security Device';

let undo: AsyncDisposableStack;
let folder: string;
let page: MutualTlsPage;
let bench: Bench;
let screen: Screen;

beforeEach(async () => {
  if (process.env['KORTD_PRIVATE_NAMESPACES'] !== '1') throw new Error('this test writes to /etc: run it by scripts/test.mjs');
  undo = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'kortd-chromium-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  mkdirSync(dirname(POLICY), { recursive: true });
  writeFileSync(POLICY, JSON.stringify(SELECTION));
  undo.defer(() => rmSync(POLICY));
  page = undo.use(await openMutualTlsPage(folder));
  bench = undo.use(await openBench());
  screen = undo.use(await openScreen());
});
afterEach(() => undo.disposeAsync());

/** A user whose home is the test's folder. */
async function launch(): Promise<BrowserContext> {
  const user = { ...thisMachine(), home: folder, config: join(folder, '.config'), data: join(folder, '.local', 'share') };
  const setups = programSetups(user, serverAddress(bench.dataFolder));
  await setups.p11Kit.enable();
  undo.defer(async () => {
    await setups.p11Kit.disable();
  });
  await setups.chromium.enable();
  const { XDG_DATA_HOME: _, ...inherited } = process.env;
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: '/usr/bin/chromium',
    headless: false,
    ignoreHTTPSErrors: true,
    timeout: DEADLINE_MS,
    env: { ...inherited, HOME: folder, XDG_CONFIG_HOME: join(folder, '.config'), DISPLAY: screen.display },
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
  undo.defer(() => context.close());
  context.setDefaultTimeout(DEADLINE_MS);
  return context;
}

it('shows the certificate of a PIV card, and asks for the PIN once', async () => {
  const certificate = certificateFor(testKey('RSA-2048', '9A').publicKey, { name: 'Person 9A' });
  await bench.insert(watchedPivCard({ keys: { '9A': cardKey('RSA-2048', { name: '9A', certificate }) } }));
  const tab = await (await launch()).newPage();
  const first = tab.goto(`${page.url}/first`);
  await screen.type(QUESTION, PIN);
  await first;
  await tab.goto(`${page.url}/second`);
  expect(await tab.title()).toBe('/second Person 9A');
  expect(page.visits).toEqual(['/first Person 9A', '/second Person 9A']);
});

it('shows the certificate of an e-ID card; where kortd asks for the PIN, what is typed in Chromium goes nowhere', async () => {
  await bench.insert(createEidCard({ persona: 'anna', pins: { legitimering: PIN, underskrift: '964731', puk: '12345679' } }));
  await using station = await TestStation.open(bench);
  const tab = await (await launch()).newPage();
  const first = tab.goto(`${page.url}/first`);
  await screen.type(QUESTION, 'nothing');
  const { id, prompt } = await station.prompt();
  expect(prompt.asker.name).toMatch(/^chromium \(\/usr\/lib\/chromium\/chromium, process \d+\)$/);
  station.type(id, { pin: PIN });
  await first;
  expect(await tab.title()).toBe('/first Anna Lindqvist');
  expect(station.messages).toHaveLength(1);
});
