/**
 * The card office of the example, whole: kortd on the simulated desk `card-office` in this process, with a clock that the test moves, the test authority by the same clock, the portal, and two
 * windows of one Chromium: the portal's page, and kortd's own in which PINs are typed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { connect, type Client } from '../../api-spec/client/client.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import type { Card } from '../../api-spec/schemas.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import { serveTestAuthority, type AuthorityServer } from '../../drivers/simulated/authority/server.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';
import { bundlePage } from '../../examples/card-office/bundle-page.ts';
import { policyFor } from '../../examples/card-office/policy.ts';
import { servePortal } from '../../examples/card-office/portal.ts';
import { eventually } from '../api/transports.ts';
import { armed, type ChromiumBrowser, type Window } from './console-window.ts';

export const PINS = { legitimering: '123456', underskrift: '654321' } as const;

type Ceremony = Result<'issuance.get'>;

export interface CardOffice extends AsyncDisposable {
  readonly origin: string;
  /** As a native program sees it. */
  readonly program: Client;
  readonly authority: AuthorityServer;
  readonly clock: { now: Date };
  stopKortd(): Promise<void>;
  /** Again, at the same address and on the same folder. */
  startKortd(): Promise<void>;
  /** The portal's page, connected. */
  openPage(options?: BrowserContextOptions): Promise<Portal>;
}

export interface OfficeOptions {
  readonly browser: ChromiumBrowser;
  /** As `bundlePage` made it. */
  readonly pageFolder: string;
  /** A file instead of `card-office`. */
  readonly scenario?: string;
}

export async function openCardOffice({
  browser,
  pageFolder,
  scenario: name = 'card-office',
}: OfficeOptions): Promise<CardOffice> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-card-office-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const clock = { now: new Date() };
  const now = (): Date => clock.now;
  const scenario = undo.use(await loadScenario(name));
  const authority = undo.use(await serveTestAuthority({ scenario, port: 0, now }));
  const kortd = { url: '' };
  const addresses = (): { kortd: string; authority: string } => ({ kortd: kortd.url, authority: authority.url });
  const portal = undo.use(await servePortal({ port: 0, pageFolder, addresses }));
  const roles = Object.fromEntries(
    scenario.readers.map(({ role = 'none', reader }) => [role, { reader: { serialNumber: reader.state().serialNumber } }]),
  );
  const policyFolder = join(folder, 'policy.d');
  mkdirSync(policyFolder);
  writeFileSync(join(policyFolder, '50.json'), JSON.stringify({ ...policyFor(portal.origin), roles }), { mode: 0o600 });
  const live: { kortd: AsyncDisposableStack; program?: Client } = { kortd: new AsyncDisposableStack() };
  const startKortd = async (port = 0): Promise<void> => {
    const stack = new AsyncDisposableStack();
    live.kortd = stack;
    const daemon = stack.use(
      await startDaemon({
        dataFolder: join(folder, 'data'),
        policyFolder,
        port,
        sources: [scenario.source],
        simulated: true,
        simulatedAuthorities: scenario,
        simulatedAdministrators: scenario.administrators,
        simulatedDesk: scenario,
        now,
        log: silentLog,
      }),
    );
    kortd.url = daemon.url;
    const client = await connect({ url: daemon.url, token: daemon.token });
    stack.defer(async () => {
      client.close();
      await client.closed;
    });
    live.program = client;
    await eventually('reading the cards', () => daemon.desk.cards.filter(({ status }) => status === 'ready').length === 3);
  };
  undo.defer(() => live.kortd.disposeAsync());
  await startKortd();
  const program = (): Client => {
    if (!live.program) throw new Error('kortd is not running');
    return live.program;
  };
  const windows = undo.use(new AsyncDisposableStack());
  const openPage = async (options: BrowserContextOptions = {}): Promise<Portal> => {
    const { url } = await program().call('console.open');
    const prompt = windows.use(await browser.visit(url, { locale: 'en-GB', ...options }));
    await prompt.page.locator('body[data-state=connected]').waitFor();
    const window = windows.use(await browser.visit(portal.origin, { locale: 'en-GB', ...options }));
    await window.page.locator('body[data-link=connected]').waitFor();
    return new Portal(window, prompt, program);
  };
  const resources = undo.move();
  return {
    ...{ origin: portal.origin, authority, clock, openPage },
    get program() {
      return program();
    },
    stopKortd: () => live.kortd.disposeAsync(),
    startKortd: () => startKortd(Number(new URL(kortd.url).port)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** What a person does at the page, and in kortd's window beside it. */
export class Portal {
  readonly page: Page;
  readonly window: Window;
  readonly prompt: Window;
  readonly #program: () => Client;

  constructor(window: Window, prompt: Window, program: () => Client) {
    this.window = window;
    this.page = window.page;
    this.prompt = prompt;
    this.#program = program;
  }

  /** As the address names it. */
  get ceremony(): string {
    return new URL(this.page.url()).hash.slice(1);
  }

  async stored(): Promise<Ceremony> {
    return await this.#program().call('issuance.get', { ceremony: this.ceremony });
  }

  async begin(routine: string): Promise<void> {
    await this.page.getByRole('button', { name: `Begin: ${routine}` }).click();
    await this.page.locator('.case').waitFor();
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** The heading of what is to be done. */
  async atStep(title: string): Promise<void> {
    await this.page.locator('#panel-title', { hasText: title }).waitFor();
    await this.page.locator('.panel:not([aria-busy])').waitFor();
  }

  /** Types it where kortd asks, which is never in the page. */
  async typePin(pin: string): Promise<void> {
    const { page } = this.prompt;
    await armed(page);
    // The next question may come at once.
    await page.evaluate("document.querySelector('.prompt').dataset.answered = 'yes'");
    await page.keyboard.type(pin);
    await page.keyboard.press('Enter');
    await page.locator('.prompt[data-answered]').waitFor({ state: 'detached' });
  }

  /** The message of what failed. */
  async problem(): Promise<string> {
    const alarm = this.page.locator('.alarm:not([hidden])');
    await alarm.waitFor();
    return await alarm.innerText();
  }

  /** Moves a card in the strip, as at a desk. An empty name takes out. */
  async put(card: string, reader: string): Promise<void> {
    const select = this.page.getByLabel(`Card in the reader ${reader}`);
    const id = ((await select.getAttribute('id')) ?? '').replace('simulated-', '');
    const before = await this.#cardIn(id);
    await select.selectOption(card);
    await eventually(`seeing ${card} in ${reader}`, async () => {
      const seen = await this.#cardIn(id);
      return card === '' ? seen === undefined : seen?.id !== before?.id && seen?.status === 'ready';
    });
  }

  async #cardIn(reader: string): Promise<Card | undefined> {
    const { cards } = await this.#program().call('card.list');
    return cards.find((one) => one.reader === reader);
  }

  async sign(pin: string = PINS.underskrift): Promise<void> {
    await this.press('Sign');
    await this.typePin(pin);
  }

  cardState(): Locator {
    return this.page.locator('.card-state');
  }
}

export interface PageOfOffice extends AsyncDisposable {
  readonly folder: string;
}

/** Bundled as `npm run example:card-office` does it; one does for many tests. */
export async function preparePage(): Promise<PageOfOffice> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-card-office-page-'));
  await bundlePage(folder);
  return {
    folder,
    [Symbol.asyncDispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}
