/** The page that shows the desk, in a real Chromium, on the simulated office: kortd in this process, and windows that come by links. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { openSource } from '../../daemon/cli/serve.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import type { Scenario } from '../../drivers/simulated/scenario.ts';
import { eventually } from '../api/transports.ts';
import type { ChromiumBrowser, Window } from './console-window.ts';

export interface ShownDesk extends AsyncDisposable {
  readonly scenario: Scenario;
  readonly daemon: Daemon;
  /** As a native program sees it. */
  readonly program: Client;
  /** The page at a view, connected. */
  look(view: string, options?: BrowserContextOptions): Promise<Window>;
  stopKortd(): Promise<void>;
}

export interface ShownDeskOptions {
  readonly browser: ChromiumBrowser;
  readonly scenario?: string;
  /** Of the policy file, beside what the scenario needs. */
  readonly policy?: object;
}

export async function openShownDesk({ browser, scenario: name = 'office', policy = {} }: ShownDeskOptions): Promise<ShownDesk> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-desk-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const policyFolder = join(folder, 'policy.d');
  mkdirSync(policyFolder);
  writeFileSync(join(policyFolder, '50.json'), JSON.stringify(policy), { mode: 0o600 });
  const { source, scenario, ...simulatedDesk } = await openSource(name, { log: silentLog, resources: undo });
  if (!scenario) throw new Error(`opening ${name}: it is no scenario`);
  const kortd = undo.use(new AsyncDisposableStack());
  const daemon = kortd.use(
    await startDaemon({
      ...{ dataFolder: join(folder, 'data'), policyFolder, port: 0, log: silentLog },
      ...{ sources: [source], simulated: true, ...simulatedDesk },
    }),
  );
  const program = await connect({ url: daemon.url, token: daemon.token });
  kortd.defer(async () => {
    program.close();
    await program.closed;
  });
  await eventually('reading the cards', () => daemon.desk.cards.every(({ status }) => status !== 'identifying'));
  const windows = undo.use(new AsyncDisposableStack());
  const resources = undo.move();
  return {
    ...{ scenario, daemon, program },
    look: async (view, options) => {
      const { url } = await program.call('console.open', { page: 'desk' });
      const window = windows.use(await browser.visit(url, options));
      await window.page.locator('[data-state=connected]').waitFor({ state: 'attached' });
      await goTo(window.page, view);
      return window;
    },
    stopKortd: () => kortd.disposeAsync(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export async function goTo(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = '#/${view}'`);
  await page.locator(`nav a[aria-current=page][href="#/${view.split('/')[0] ?? ''}"]`).waitFor();
}
