/**
 * Debian's Chromium, headless, on a profile of its own. Nothing waits for a browser that died: what was under way fails with what Chromium
 * wrote to standard error.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Frame, type Page } from 'playwright-core';
import { within } from '../api/transports.ts';
import type { PageFunctions } from './page.ts';
import type { WebSite } from './web-site.ts';

const EXECUTABLE = '/usr/bin/chromium';
const LAUNCH_DEADLINE_MS = 60_000;
const DEADLINE_MS = 30_000;
/** Content settings of Chromium: 1 allows, 2 blocks. */
const SETTINGS = { allow: 1, block: 2 } as const;

export interface ChromiumOptions {
  readonly site: WebSite;
  /**
   * The person's choices for loopback, by origin of the top page, from before the start. What is granted through the debugging protocol while
   * it runs passes over Permissions-Policy and frames.
   */
  readonly loopback?: Readonly<Record<string, keyof typeof SETTINGS>>;
}

type PageResult<N extends keyof PageFunctions> = Awaited<ReturnType<PageFunctions[N]>>;

export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext;
  /** What it wrote to standard error so far. */
  readonly log: () => string;
  /** Rejects with Chromium's log when the browser ends first, or after a deadline. */
  doing<T>(what: string, work: Promise<T>): Promise<T>;
  /** A tab on this page, which has loaded the client. */
  open(url: string): Promise<Page>;
  /** Calls a function of page.ts. */
  run<N extends keyof PageFunctions>(
    page: Page | Frame,
    name: N,
    ...parameters: Parameters<PageFunctions[N]>
  ): Promise<PageResult<N>>;
  /** As the person does in the settings of the site, while the browser runs. */
  blockLoopback(origin: string): Promise<void>;
}

export async function launchChromium({ site, loopback = {} }: ChromiumOptions): Promise<Chromium> {
  await using undo = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), 'kortd-chromium-'));
  undo.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const profile = join(home, 'profile');
  await writePreferences(profile, loopback);
  const logFile = join(home, 'stderr.log');
  const executablePath = join(home, 'chromium');
  await writeFile(executablePath, `#!/bin/sh\nexec ${EXECUTABLE} "$@" 2>'${logFile}'\n`, { mode: 0o700 });
  const log = (): string => readFileSync(logFile, 'utf8');
  const launching = chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    timeout: LAUNCH_DEADLINE_MS,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      `--ip-address-space-overrides=127.0.0.1:${site.port}=public`,
      `--ignore-certificate-errors-spki-list=${site.publicKeyHash}`,
    ],
  });
  const context = await launching.catch((error: unknown) => {
    throw new Error(`starting Chromium failed. It wrote:\n${log()}`, { cause: error });
  });
  undo.defer(() => within(context.close(), 'closing Chromium', DEADLINE_MS));
  context.setDefaultTimeout(DEADLINE_MS);
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => undefined); // told to whoever waits
  const ended = (cause?: unknown): Error => new Error(`Chromium ended. It wrote:\n${log()}`, { cause });
  context.once('close', () => died.reject(ended()));
  const doing: Chromium['doing'] = (what, work) => {
    const explained = work.catch((error: unknown) => {
      throw /has been closed|Target crashed/.test(String(error)) ? ended(error) : error;
    });
    return within(Promise.race([explained, died.promise]), what, DEADLINE_MS);
  };
  const resources = undo.move();
  return {
    context,
    log,
    doing,
    open: async (url) => {
      const page = await doing('opening a tab', context.newPage());
      page.once('crash', () => died.reject(ended('a tab crashed')));
      await doing(`opening ${url}`, page.goto(url));
      return page;
    },
    run: async <N extends keyof PageFunctions>(
      page: Page | Frame,
      name: N,
      ...parameters: Parameters<PageFunctions[N]>
    ): Promise<PageResult<N>> => {
      const seen: unknown = await doing(`${name} in the page`, page.evaluate(`page.${name}(...${JSON.stringify(parameters)})`));
      return seen as PageResult<N>;
    },
    blockLoopback: async (origin) => {
      const [page] = context.pages();
      if (!page) throw new Error('setting a permission: no tab is open');
      const session = await context.newCDPSession(page); // what it sets ends with it
      await doing(
        'setting a permission',
        session.send('Browser.setPermission', { permission: { name: 'loopback-network' }, setting: 'denied', origin }),
      );
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function writePreferences(profile: string, loopback: NonNullable<ChromiumOptions['loopback']>): Promise<void> {
  const choices = Object.entries(loopback).map(([origin, choice]) => [`${origin},*`, { setting: SETTINGS[choice] }]);
  const preferences = {
    profile: { content_settings: { exceptions: { loopback_network: Object.fromEntries(choices) as object } } },
  };
  await mkdir(join(profile, 'Default'), { recursive: true });
  await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
}
