/**
 * Debian's Firefox ESR, headless, on a profile of its own, driven by its own remote control. It is looked at from the inside: pages, and the questions that the
 * browser itself asks. Nothing waits for a browser that died.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { within } from '../api/transports.ts';
import { Marionette } from './marionette.ts';

const EXECUTABLE = '/usr/lib/firefox-esr/firefox-esr';
const START_MS = 90_000;
const DEADLINE_MS = 45_000;
const POLL = { timeout: DEADLINE_MS, interval: 100 };

/** Of the profile: the port at which Firefox may be driven. */
const PORT_FILE = 'MarionetteActivePort';
/** Marionette on a port that the system chooses, and no question but those of the test. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'marionette.port': 0,
  'toolkit.telemetry.enabled': false,
};

export interface FirefoxOptions {
  readonly home: string;
  /** Folder; Firefox makes what it needs in it. */
  readonly profile: string;
  readonly preferences?: Readonly<Record<string, boolean | number | string>>;
}

export interface Firefox extends AsyncDisposable {
  readonly pid: number;
  /** Begins to load; what comes of it is told by `title`. */
  open(url: string): Promise<void>;
  title(): Promise<unknown>;
  /** Waits for the title of the page. */
  untilTitle(expected: string): Promise<void>;
  /** Waits for a question of the browser, by the last part of its address; undefined: for none to be left. */
  untilDialog(name: string | undefined): Promise<void>;
  /**
   * Will fill a field of the next question, if one is named, and say yes to it. Beforehand, because the remote control dismisses a question
   * for a password when it is asked for anything else meanwhile.
   */
  acceptNext(question: keyof typeof QUESTIONS, field?: { readonly id: string; readonly value: string }): Promise<void>;
  /** Of the modules of PKCS #11 that it has: name, library, tokens. */
  modules(): Promise<readonly FirefoxModule[]>;
}

export interface FirefoxModule {
  readonly name: string;
  readonly library: string | null;
  readonly tokens: readonly string[];
}

/** What Firefox notifies of when a question is shown. */
const QUESTIONS = { certificate: 'cert-dialog-loaded', password: 'common-dialog-loaded' } as const;
/** What is open and asks nothing. */
const WINDOWS = ['about:blank', 'browser.xhtml', 'dummy.xhtml'];
/** Windows, and what is shown inside them as a question. */
const DOCUMENTS = `
  const documents = [];
  for (const window of Services.ww.getWindowEnumerator()) {
    documents.push(window.document);
    for (const frame of window.document.querySelectorAll('.dialogFrame'))
      if (frame.contentDocument) documents.push(frame.contentDocument);
  }
  const nameOf = (document) => document.documentURI.split('/').at(-1);`;

export async function launchFirefox({ home, profile, preferences = {} }: FirefoxOptions): Promise<Firefox> {
  await using undo = new AsyncDisposableStack();
  mkdirSync(profile, { recursive: true });
  rmSync(join(profile, PORT_FILE), { force: true });
  const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
  const { DISPLAY: _, XDG_CONFIG_HOME: __, XDG_DATA_HOME: ___, ...inherited } = process.env;
  const options = ['--headless', '--no-remote', '--marionette', '--remote-allow-system-access', '--profile', profile];
  const child = spawn(EXECUTABLE, [...options, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...inherited, HOME: home, MOZ_CRASHREPORTER_DISABLE: '1', XDG_RUNTIME_DIR: home },
  });
  undo.defer(() => end(child));
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit').then(([status, signal]): never => {
    throw new Error(`Firefox ended (${String(status ?? signal)}). It wrote:\n${log}`);
  });
  ended.catch(() => undefined); // told to whoever waits
  const doing = <T>(what: string, work: Promise<T>, deadline = DEADLINE_MS): Promise<T> =>
    within(Promise.race([work, ended]), what, deadline);
  const port = await doing('starting Firefox', activePort(profile), START_MS);
  const remote = undo.use(await doing('reaching Firefox', Marionette.connect(port)));
  await doing('opening a session', remote.send('WebDriver:NewSession', { capabilities: {} }), START_MS);
  await doing('reaching its windows', remote.send('Marionette:SetContext', { value: 'chrome' }));
  const run = async (what: string, body: string, ...args: readonly unknown[]): Promise<unknown> => {
    const script = `const [given, done] = [[...arguments].slice(0, -1), [...arguments].at(-1)];
      (async () => { ${body} })().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const answer = await doing(what, remote.send('WebDriver:ExecuteAsyncScript', { script, args }));
    const { value } = answer as { readonly value: { readonly value?: unknown; readonly error?: string } };
    if (value.error !== undefined) throw new Error(`${what}: ${value.error}`);
    return value.value;
  };
  const dialogs = (): Promise<unknown> =>
    run('looking for questions', `${DOCUMENTS} return documents.map(nameOf).filter((name) => !given.includes(name))`, ...WINDOWS);
  const title = (): Promise<unknown> =>
    run('reading the title', `return Services.wm.getMostRecentWindow('navigator:browser').gBrowser.selectedBrowser.contentTitle`);
  const resources = undo.move();
  return {
    pid: child.pid ?? 0,
    open: async (url) => {
      const load = `const { gBrowser } = Services.wm.getMostRecentWindow('navigator:browser');
        const triggeringPrincipal = Services.scriptSecurityManager.getSystemPrincipal();
        gBrowser.selectedBrowser.fixupAndLoadURIString(given[0], { triggeringPrincipal });`;
      await run(`opening ${url}`, load, url);
    },
    title,
    untilTitle: (expected) => expect.poll(title, POLL).toBe(expected),
    untilDialog: async (name) => {
      if (name === undefined) await expect.poll(dialogs, POLL).toEqual([]);
      else await expect.poll(dialogs, POLL).toContain(name);
    },
    acceptNext: async (question, field) => {
      const accept = `Services.obs.addObserver(function answer(subject, topic) {
        Services.obs.removeObserver(answer, topic);
        const document = subject.document ?? subject.ownerDocument;
        if (given[1]) document.getElementById(given[1].id).value = given[1].value;
        Services.tm.dispatchToMainThread(() => document.querySelector('dialog').acceptDialog());
      }, given[0]);`;
      await run(`waiting for ${question}`, accept, QUESTIONS[question], field);
    },
    modules: async () => {
      const list = `const database = Cc['@mozilla.org/security/pkcs11moduledb;1'].getService(Ci.nsIPKCS11ModuleDB);
        return [...(await database.listModules())].map(({ name, libName, slots }) => (
          { name, library: libName, tokens: slots.flatMap(({ tokenName }) => tokenName ? [tokenName] : []) }));`;
      return (await run('listing the modules', list)) as readonly FirefoxModule[];
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Firefox writes the port into its profile. */
async function activePort(profile: string): Promise<number> {
  const read = (): number => {
    try {
      return Number(readFileSync(join(profile, PORT_FILE), 'utf8'));
    } catch {
      return 0; // not yet
    }
  };
  await expect.poll(read, { timeout: START_MS, interval: 100 }).toBeGreaterThan(0);
  return read();
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}
