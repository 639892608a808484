/** The console in a real Chromium: the server on a prompt desk of its own, and windows of a person who opens links. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { ownUser } from '../../daemon/access/local-user.ts';
import { openConsole, type Console } from '../../daemon/console/console-server.ts';
import { silentLog } from '../../daemon/log.ts';
import type { EnteredPins } from '../../daemon/prompt/entered-pins.ts';
import type {
  ConsentPrompt,
  DocumentsPrompt,
  LastTryPrompt,
  PinPrompt,
  Prompt,
  PromptStation,
} from '../../daemon/prompt/prompt.ts';
import { PromptDesk } from '../../daemon/prompt/prompt-desk.ts';
import { within } from '../api/transports.ts';

export const USER = ownUser();
const LAUNCH_DEADLINE_MS = 60_000;
const DEADLINE_MS = 20_000;

export const VERIFY: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'Anna Andersson, 7520 0012 3456',
  purpose: 'sign the order of 22 November',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
};
export const CHANGE: PinPrompt = { ...VERIFY, action: 'change' };
export const UNBLOCK: PinPrompt = { ...VERIFY, action: 'unblock', pukLength: { min: 8, max: 8 }, triesLeft: 9 };
export const LAST: PinPrompt = { ...VERIFY, triesLeft: 1 };
export const KEYPAD: LastTryPrompt = {
  kind: 'lastTry',
  entry: 'pin',
  asker: { kind: 'program', name: 'ssh (process 4711)' },
  card: VERIFY.card,
  purpose: 'log in to build.example',
  triesLeft: 1,
};
const NAMES = Array.from({ length: 120 }, (_, index) => `Kvittens ${index + 1} av 120, Region Exempel.pdf`);
export const BATCH: PinPrompt = {
  ...VERIFY,
  task: { en: 'Signing the documents', sv: 'Att signera dokumenten' },
  documents: { names: NAMES, checksum: '1a2b 3c4d 5e6f 7081' },
};
export const DOCUMENTS: DocumentsPrompt = {
  kind: 'documents',
  asker: VERIFY.asker,
  card: VERIFY.card,
  documents: { names: NAMES.slice(0, 3), checksum: '1a2b 3c4d 5e6f 7081' },
  keypadFollows: true,
};
export const CONSENT: ConsentPrompt = {
  kind: 'consent',
  asker: VERIFY.asker,
  scopes: ['card.read', 'pin.manage', 'sign'],
  reason: 'to hand out cards at this desk',
  code: 'K7PQ2M',
};

/** Remembers who came: a station can be asked directly, as a desk never would. */
class RecordingDesk extends PromptDesk {
  readonly stations: PromptStation[] = [];

  override add(station: PromptStation): Disposable {
    this.stations.push(station);
    return super.add(station);
  }
}

export interface ConsoleDesk extends AsyncDisposable {
  readonly console: Console;
  readonly prompts: RecordingDesk;
  readonly origin: string;
  /** What the console's clock is ahead of the real one by. */
  advance(ms: number): void;
  /** Asks this user; what was typed, by name, as text. */
  ask(
    prompt: Prompt,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<Readonly<Record<string, string>>>;
}

export async function openConsoleDesk(port = 0): Promise<ConsoleDesk> {
  const prompts = new RecordingDesk();
  let ahead = 0;
  const console = await openConsole({ port, prompts, log: silentLog, now: () => Date.now() + ahead });
  return {
    console,
    prompts,
    origin: `http://127.0.0.1:${console.port}`,
    advance: (ms) => void (ahead += ms),
    ask: (prompt, { timeoutMs = DEADLINE_MS, signal = new AbortController().signal } = {}) => {
      const answer = prompts.ask(prompt, { user: USER, signal, timeoutMs }).then(takeTexts);
      answer.catch(() => undefined); // told to whoever waits for it, later
      return answer;
    },
    [Symbol.asyncDispose]: () => console[Symbol.asyncDispose](),
  };
}

export function takeTexts(entered: EnteredPins): Readonly<Record<string, string>> {
  using pins = entered;
  return Object.fromEntries(
    [...pins.secrets].map(([name, secret]) => [name, secret.use((bytes) => Buffer.from(bytes).toString())]),
  );
}

export interface Window extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of: exceptions, violations of the policy, requests that failed. */
  readonly complaints: readonly string[];
}

export interface ChromiumBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** A window of its own profile that goes to this address. */
  visit(address: string, options?: BrowserContextOptions): Promise<Window>;
  /** One that came by a link, and waits. */
  connect(desk: ConsoleDesk, options?: BrowserContextOptions): Promise<Window>;
}

export async function launchBrowser(): Promise<ChromiumBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'kortd-console-'));
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    headless: true,
    timeout: LAUNCH_DEADLINE_MS,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), XDG_CACHE_HOME: join(home, 'cache') },
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
  const visit: ChromiumBrowser['visit'] = async (address, options = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    context.setDefaultTimeout(DEADLINE_MS);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(address);
    return { page, complaints, [Symbol.asyncDispose]: () => within(context.close(), 'closing a window', DEADLINE_MS) };
  };
  return {
    browser,
    visit,
    connect: async (desk, options) => {
      const window = await visit(desk.console.issueLink(USER), options);
      await desk.prompts.whenPlace(USER, AbortSignal.timeout(DEADLINE_MS));
      await window.page.locator('body[data-state=connected]').waitFor();
      return window;
    },
    async [Symbol.asyncDispose]() {
      await within(browser.close(), 'closing Chromium', DEADLINE_MS);
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The prompt is there and takes an answer. */
export async function armed(page: Page): Promise<void> {
  await page.locator('.prompt [data-answer]:not([aria-disabled])').first().waitFor();
}

export const atRest = (page: Page): Promise<void> => page.locator('#rest').waitFor({ state: 'visible' });
export const textOf = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();
export const inState = (page: Page, state: string): Promise<void> => page.locator(`body[data-state=${state}]`).waitFor();
export const errors = (page: Page): Promise<string[]> => page.locator('.error:not(:empty)').allInnerTexts();
export const focused = (page: Page): Promise<string> =>
  page.evaluate<string>('document.activeElement.id || document.activeElement.textContent');

/** Everything that a page can keep, and everything of it that can be seen. */
export function remains(page: Page): Promise<string> {
  const looks = `(async () => JSON.stringify({
    dom: document.documentElement.outerHTML,
    values: [...document.querySelectorAll('input')].map((input) => input.value),
    url: location.href,
    title: document.title,
    history: history.state,
    cookies: document.cookie,
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
  }))()`;
  return page.evaluate<string>(looks);
}
