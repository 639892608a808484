/** The trusted prompt through Debian's pinentry-tty and pinentry-curses, each in a terminal of its own. Without them this fails. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PromptCancelledError, PromptEntryError, PromptTimedOutError } from '../../daemon/prompt/errors.ts';
import { findProgram } from '../../daemon/prompt/pinentry/find-program.ts';
import type { EnteredPins, EntryName } from '../../daemon/prompt/entered-pins.ts';
import { showPrompt } from '../../daemon/prompt/pinentry/show-prompt.ts';
import type { PromptLanguage } from '../../daemon/prompt/pinentry/texts.ts';
import type { ConsentPrompt, DocumentsPrompt, LastTryPrompt, PinPrompt, Prompt } from '../../daemon/prompt/prompt.ts';
import { childrenRunning, isRunning, openPseudoTerminal, until, type PseudoTerminal } from './pseudo-terminal.ts';

const PIN = '739146';
const ENTER = '\r';
const PINENTRY = join(import.meta.dirname, '..', '..', 'daemon', 'prompt', 'pinentry', 'show-prompt.ts');
const REQUEST: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'SITHS 9752',
  purpose: 'sign order 4711',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
  pukLength: { min: 8, max: 8 },
};
const CONSENT: ConsentPrompt = {
  kind: 'consent',
  asker: { kind: 'origin', name: 'https://portal.example' },
  scopes: ['card.read', 'sign'],
  reason: 'to sign orders',
  code: 'KX4-7QP',
};
const LAST_TRY: LastTryPrompt = {
  kind: 'lastTry',
  entry: 'pin',
  asker: { kind: 'program', name: 'ssh' },
  card: 'SITHS 9752',
  purpose: 'log in',
  triesLeft: 1,
};

const DOCUMENTS: DocumentsPrompt = {
  kind: 'documents',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'SITHS 9752',
  documents: { names: Array.from({ length: 500 }, (_, index) => `Receipt ${index + 1}.pdf`), checksum: '1a2b 3c4d 5e6f 7081' },
  keypadFollows: false,
};

interface Front {
  readonly name: string;
  readonly cancelKey: string;
  readonly confirmKey: string;
  readonly refuseKeys: string;
  readonly allowKey: string;
  readonly denyKeys: readonly string[];
  readonly signKey: string;
  readonly dontSignKeys: string;
}

/** Keys as each program reads them: letters of the buttons; Enter on the first, Tab to the second and the third. */
const FRONTS: readonly Front[] = [
  {
    name: 'pinentry-tty',
    cancelKey: '\x04',
    confirmKey: 'u',
    refuseKeys: `${ENTER}d`,
    allowKey: 'a',
    denyKeys: ['d', `${ENTER}d`, '\x1bd'],
    signKey: 's',
    dontSignKeys: `${ENTER}c`,
  },
  {
    name: 'pinentry-curses',
    cancelKey: '\t\t\r',
    confirmKey: `\t${ENTER}`,
    refuseKeys: ENTER,
    allowKey: `\t${ENTER}`,
    denyKeys: [ENTER, `\t\t${ENTER}`, `ay ${ENTER}`],
    signKey: `\t${ENTER}`,
    dontSignKeys: ENTER,
  },
];

interface Asking {
  readonly pins: Promise<EnteredPins>;
  readonly controller: AbortController;
  /** Its process id, as soon as it runs. */
  readonly processId: () => Promise<number>;
}

function ask(front: Front, terminal: PseudoTerminal, change: Partial<PinPrompt> = {}, timeoutMs = 20_000): Asking {
  return show(front, terminal, { ...REQUEST, ...change }, { timeoutMs });
}

function show(
  front: Front,
  terminal: PseudoTerminal,
  prompt: Prompt,
  {
    language = 'en',
    timeoutMs = 20_000,
    LANG = 'C.UTF-8',
  }: { language?: PromptLanguage; timeoutMs?: number; LANG?: string } = {},
): Asking {
  const controller = new AbortController();
  const pins = showPrompt(prompt, {
    signal: controller.signal,
    program: `/usr/bin/${front.name}`,
    environment: { GPG_TTY: terminal.device, TERM: 'xterm', LANG },
    timeoutMs,
    language,
  });
  // Each test waits for it later; a rejection before that is not one that nobody handles.
  pins.catch(() => undefined);
  const processId = async (): Promise<number> => {
    await until(
      () => childrenRunning(front.name).length === 1,
      () => `${front.name} to run`,
    );
    return childrenRunning(front.name)[0] ?? 0;
  };
  return { pins, controller, processId };
}

function textOf(pins: EnteredPins, name: EntryName): string {
  return pins.require(name).use((bytes) => Buffer.from(bytes).toString());
}

/** What must hold after every dialog, however it ended. */
function expectNothingLeft(front: Front, terminal: PseudoTerminal): void {
  expect(childrenRunning(front.name)).toEqual([]);
  expect(terminal.echoes()).toBe(true);
  expect(terminal.screen()).not.toContain(PIN);
}

describe.each(FRONTS)('$name', (front) => {
  it('is installed where it is looked for', async () => {
    const isProgram = (path: string): Promise<boolean> => Promise.resolve(path.endsWith(front.name));
    const found = await findProgram({ environment: { GPG_TTY: '/dev/tty' }, isProgram });
    expect(await findProgram({ environment: {}, configured: found })).toBe(`/usr/bin/${front.name}`);
  });

  it('shows who asks, for what, and the tries left, and gives the right PIN', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    for (const shown of ['https://portal.example', 'SITHS 9752', 'sign order 4711', 'Tries left: 3'])
      expect(terminal.screen()).toContain(shown);
    await terminal.press(PIN + ENTER);
    using entered = await pins;
    expect(textOf(entered, 'pin')).toBe(PIN);
    expect(inspect(entered, { depth: 9, showHidden: true })).not.toContain(PIN);
    expectNothingLeft(front, terminal);
  });

  it('gives an entry that needs escapes as it was typed', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    await terminal.press(`1%2 +\\${ENTER}`);
    using entered = await pins;
    expect(textOf(entered, 'pin')).toBe('1%2 +\\');
  });

  it('asks again after a wrong length, and takes the right PIN then', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    await terminal.press(`123${ENTER}`);
    await terminal.waitFor(/It has 6 to 8 characters\.[^]*PIN: ?/);
    await terminal.press(PIN + ENTER);
    using entered = await pins;
    expect(textOf(entered, 'pin')).toBe(PIN);
    expectNothingLeft(front, terminal);
  });

  it('asks again after an empty entry, three times and no more', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    for (let again = 0; again < 3; again++) {
      await terminal.press(ENTER);
      await terminal.waitFor(/Nothing was entered\.[^]*PIN: ?/);
    }
    await terminal.press(ENTER);
    await expect(pins).rejects.toBeInstanceOf(PromptEntryError);
    expectNothingLeft(front, terminal);
  });

  it('tells that the person cancelled', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    await terminal.press(front.cancelKey);
    await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
    expectNothingLeft(front, terminal);
  });

  it('is ended when nobody answers in time, with half a PIN typed', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal, {}, 1_500);
    await terminal.waitFor(/PIN: ?/);
    await terminal.press(PIN);
    await expect(pins).rejects.toBeInstanceOf(PromptTimedOutError);
    expectNothingLeft(front, terminal);
  });

  it('is gone when its caller is gone', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins, controller, processId } = ask(front, terminal);
    await terminal.waitFor(/PIN: ?/);
    const id = await processId();
    expect(isRunning(id)).toBe(true);
    const reason = new Error('the socket closed');
    controller.abort(reason);
    await expect(pins).rejects.toBe(reason);
    expect(isRunning(id)).toBe(false);
    expectNothingLeft(front, terminal);
  });

  it.each([
    ['nothing typed', ''],
    ['half a PIN typed', '739'],
  ])('is gone when the process that started it is killed, with %s', async (_, keys) => {
    await using terminal = await openPseudoTerminal();
    const options = {
      program: `/usr/bin/${front.name}`,
      environment: { GPG_TTY: terminal.device, TERM: 'xterm' },
      timeoutMs: 60_000,
      language: 'en',
    };
    const source = `import { showPrompt } from ${JSON.stringify(PINENTRY)};
      await showPrompt(${JSON.stringify(REQUEST)}, { ...${JSON.stringify(options)}, signal: new AbortController().signal });`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'ignore', 'inherit'] });
    await terminal.waitFor(/PIN: ?/);
    if (keys !== '') await terminal.press(keys);
    const [id = 0] = childrenRunning(front.name, parent.pid);
    expect(isRunning(id)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(
      () => !isRunning(id),
      () => `${front.name} to end`,
    );
    expect(terminal.echoes()).toBe(true);
  });

  it('changes a PIN: asks for the old one and twice for the new, and again when the two differ', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal, { action: 'change' });
    await terminal.waitFor(/PIN: ?/);
    await terminal.press(PIN + ENTER);
    await terminal.waitFor(/New PIN: ?/);
    await terminal.press(`111111${ENTER}`);
    await terminal.waitFor(/New PIN again: ?/);
    await terminal.press(`222222${ENTER}`);
    await terminal.waitFor(/The two were not the same\.[^]*New PIN: ?/);
    await terminal.press(`333333${ENTER}`);
    await terminal.waitFor(/New PIN again: ?/);
    await terminal.press(`333333${ENTER}`);
    using entered = await pins;
    expect([textOf(entered, 'pin'), textOf(entered, 'newPin')]).toEqual([PIN, '333333']);
    expectNothingLeft(front, terminal);
  });

  it('unblocks: asks for the PUK and twice for a new PIN', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal, { action: 'unblock' });
    await terminal.waitFor(/PUK: ?/);
    await terminal.press(`12345678${ENTER}`);
    await terminal.waitFor(/New PIN: ?/);
    await terminal.press(PIN + ENTER);
    await terminal.waitFor(/New PIN again: ?/);
    await terminal.press(PIN + ENTER);
    using entered = await pins;
    expect([textOf(entered, 'puk'), textOf(entered, 'newPin')]).toEqual(['12345678', PIN]);
    expectNothingLeft(front, terminal);
  });

  it('says plainly that a try is the last, and takes no PIN before the person agreed to use it', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal, { triesLeft: 1 });
    await terminal.waitFor(/THIS IS THE LAST TRY[^]*se the last try/);
    expect(terminal.screen()).not.toContain('Enter your PIN');
    await terminal.press(front.confirmKey);
    await terminal.waitFor(/Enter your PIN[^]*THIS IS THE LAST TRY[^]*PIN: ?/);
    await terminal.press(PIN + ENTER);
    using entered = await pins;
    expect(textOf(entered, 'pin')).toBe(PIN);
    expectNothingLeft(front, terminal);
  });

  it('asks for no PIN when the person does not want to use the last try', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = ask(front, terminal, { triesLeft: 1 });
    await terminal.waitFor(/THIS IS THE LAST TRY[^]*o not use it/);
    await terminal.press(front.refuseKeys);
    await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
    expect(terminal.screen()).not.toContain('Enter your PIN');
    expectNothingLeft(front, terminal);
  });

  it('speaks Swedish', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = show(front, terminal, { ...REQUEST, triesLeft: 2 }, { language: 'sv' });
    await terminal.waitFor(/PIN-kod: ?/);
    for (const shown of ['Webbsida:', 'Ändamål, med dess egna ord:', 'Försök kvar: 2'])
      expect(terminal.screen()).toContain(shown);
    await terminal.press(front.cancelKey);
    await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
  });

  it.each(['C', 'xx_YY.UTF-8'])('shows all its words in the locale %s too, and takes any character', async (LANG) => {
    await using terminal = await openPseudoTerminal();
    const { pins } = show(front, terminal, REQUEST, { language: 'sv', LANG });
    await terminal.waitFor(/Försök kvar: 3[^]*PIN-kod: ?/);
    await terminal.press(`åö€12${ENTER}`);
    await terminal.waitFor(/Den har 6 till 8 tecken[^]*PIN-kod: ?/);
    await terminal.press(`åö€1${ENTER}`);
    using entered = await pins;
    expect(textOf(entered, 'pin')).toBe('åö€1');
  });

  it('shows what a page wants, and allows it', async () => {
    await using terminal = await openPseudoTerminal();
    const { pins } = show(front, terminal, CONSENT);
    await terminal.waitFor(/https:\/\/portal\.example[^]*KX4-7QP[^]*See readers[^]*Have a card sign[^]*to sign orders/);
    await terminal.waitFor(/eny[^]*llow|llow[^]*eny/);
    await terminal.press(front.allowKey);
    using entered = await pins;
    expect(entered.secrets.size).toBe(0);
    expectNothingLeft(front, terminal);
  });

  it.each(front.denyKeys.map((keys) => [JSON.stringify(keys), keys]))('takes %s for no', async (_, keys) => {
    await using terminal = await openPseudoTerminal();
    const { pins } = show(front, terminal, CONSENT);
    await terminal.waitFor(/eny[^]*llow|llow[^]*eny/);
    await terminal.press(keys);
    await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
    expectNothingLeft(front, terminal);
  });

  it.each(['', '\x1b', 'x'])('takes no answer to be none, after the keys %j', async (keys) => {
    await using terminal = await openPseudoTerminal();
    const { pins } = show(front, terminal, CONSENT, { timeoutMs: 1_500, language: 'sv' });
    await terminal.waitFor(/eka[^]*illåt|illåt[^]*eka/);
    if (keys !== '') await terminal.press(keys);
    await expect(pins).rejects.toBeInstanceOf(PromptTimedOutError);
    expectNothingLeft(front, terminal);
  });

  it('shows the first names of a list, its number and its checksum, and asks whether to sign', async () => {
    for (const isYes of [true, false]) {
      await using terminal = await openPseudoTerminal();
      const { pins } = show(front, terminal, DOCUMENTS);
      await terminal.waitFor(
        /500 documents, checksum of the list 1a2b 3c4d 5e6f 7081[^]*Receipt 4\.pdf[^]*and 496 more[^]*sign all of them/,
      );
      await terminal.waitFor(/ign[^]*ancel|ancel[^]*ign/);
      await terminal.press(isYes ? front.signKey : front.dontSignKeys);
      if (isYes) (await pins)[Symbol.dispose]();
      else await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
      expectNothingLeft(front, terminal);
    }
  });

  it('shows a list and the longest texts beside it above the entry, in both languages', async () => {
    for (const language of ['en', 'sv'] as const) {
      await using terminal = await openPseudoTerminal();
      const { names } = DOCUMENTS.documents;
      const long = 'w'.repeat(120);
      const documents = { names: names.map((name) => `${name} ${long}`.slice(0, 120)), checksum: '1a2b 3c4d 5e6f 7081' };
      const task = { en: 'Signing the documents', sv: 'Att signera dokumenten' };
      const { pins } = show(front, terminal, { ...REQUEST, task, documents, card: long, purpose: long }, { language });
      await terminal.waitFor(/500 doc?kument|500 documents/);
      await terminal.waitFor(/PIN(-kod)?: ?/);
      await terminal.press(PIN + ENTER);
      using entered = await pins;
      expect(textOf(entered, 'pin')).toBe(PIN);
      expectNothingLeft(front, terminal);
    }
  });

  it('asks before a last try on the keypad of the reader', async () => {
    for (const isYes of [true, false]) {
      await using terminal = await openPseudoTerminal();
      const { pins } = show(front, terminal, LAST_TRY);
      await terminal.waitFor(/SITHS 9752[^]*THIS IS THE LAST TRY[^]*keypad[^]*se the last try/);
      await terminal.press(isYes ? front.confirmKey : front.refuseKeys);
      if (isYes) (await pins)[Symbol.dispose]();
      else await expect(pins).rejects.toBeInstanceOf(PromptCancelledError);
      expectNothingLeft(front, terminal);
    }
  });
});
