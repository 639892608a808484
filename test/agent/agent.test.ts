/** `kortd agent` with the real pinentry programs, each in a terminal of its own; the daemon's side is the daemon's own code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  PromptCancelledError,
  PromptEntryError,
  PromptProtocolError,
  PromptStationGoneError,
  PromptTimedOutError,
} from '../../daemon/prompt/errors.ts';
import type { EnteredPins, EntryName } from '../../daemon/prompt/entered-pins.ts';
import type { ConsentPrompt, PinPrompt, Prompt } from '../../daemon/prompt/prompt.ts';
import { childrenRunning, isRunning, openPseudoTerminal, until, type PseudoTerminal } from '../pinentry/pseudo-terminal.ts';
import { startAgent, type AgentProcess } from './agent-process.ts';
import { openDaemonSide, USER, type DaemonSide } from './daemon-side.ts';

const PIN = '739146';
const ENTER = '\r';
const PIN_PROMPT: PinPrompt = {
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

interface Front {
  readonly name: string;
  readonly cancelKey: string;
  readonly yesKeys: string;
  readonly noKeys: string;
  readonly lastTryKeys: string;
}

const FRONTS: readonly Front[] = [
  { name: 'pinentry-tty', cancelKey: '\x04', yesKeys: 'a', noKeys: `${ENTER}d`, lastTryKeys: 'u' },
  { name: 'pinentry-curses', cancelKey: '\t\t\r', yesKeys: `\t${ENTER}`, noKeys: ENTER, lastTryKeys: `\t${ENTER}` },
];

/** The daemon's side, a terminal, and the agent in it, connected. */
interface Session extends AsyncDisposable {
  readonly daemon: DaemonSide;
  readonly terminal: PseudoTerminal;
  readonly agent: AgentProcess;
  ask(prompt: Prompt, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<EnteredPins>;
  /** Process id of the dialog that is open. */
  dialog(): number;
}

async function openSession(front: Front, environment: Readonly<Record<string, string>> = {}): Promise<Session> {
  await using undo = new AsyncDisposableStack();
  const daemon = undo.use(await openDaemonSide());
  const terminal = undo.use(await openPseudoTerminal());
  const parameters = ['--socket', daemon.socketPath, '--pinentry', `/usr/bin/${front.name}`];
  const agent = undo.use(startAgent(parameters, { GPG_TTY: terminal.device, ...environment }));
  await daemon.whenAgent();
  const resources = undo.move();
  return {
    daemon,
    terminal,
    agent,
    ask: (prompt, { timeoutMs = 20_000, signal = new AbortController().signal } = {}) => {
      const asked = daemon.prompts.ask(prompt, { user: USER, signal, timeoutMs });
      asked.catch(() => undefined);
      return asked;
    },
    dialog: () => childrenRunning(front.name, agent.pid)[0] ?? 0,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function textOf(pins: EnteredPins, name: EntryName): string {
  return pins.require(name).use((bytes) => Buffer.from(bytes).toString());
}

/** What must hold after every dialog. The agent itself ends its program before it answers. */
function expectNothingLeft({ agent, terminal }: Session, front: Front): void {
  expect(childrenRunning(front.name, agent.pid)).toEqual([]);
  expect(terminal.echoes()).toBe(true);
  expect(agent.log() + agent.output() + terminal.screen()).not.toContain(PIN);
}

describe.each(FRONTS)('kortd agent with $name', (front) => {
  it.each([PIN, 'åö€1', '1%2 +\\'])('brings %s as it was typed', async (pin) => {
    await using session = await openSession(front);
    const asked = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/https:\/\/portal\.example[^]*SITHS 9752[^]*sign order 4711[^]*Tries left: 3[^]*PIN: ?/);
    await session.terminal.press(pin + ENTER);
    using entered = await asked;
    expect(textOf(entered, 'pin')).toBe(pin);
    expectNothingLeft(session, front);
    expect(session.agent.output()).toBe('kortd agent ready\n');
    expect(session.agent.log()).not.toContain(pin);
  });

  it('names a program that the daemon could not see by its file', async () => {
    await using session = await openSession(front);
    const asker = { kind: 'program', name: `program (process ${process.pid})` } as const;
    const asked = session.ask({ ...PIN_PROMPT, asker });
    await session.terminal.waitFor(new RegExp(`bin/node, process ${process.pid}\\)[^]*PIN: ?`));
    await session.terminal.press(front.cancelKey);
    await expect(asked).rejects.toBeInstanceOf(PromptCancelledError);
    expectNothingLeft(session, front);
  });

  it('asks again after a wrong length and an empty entry, and gives up at last', async () => {
    await using session = await openSession(front);
    const asked = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press(`123${ENTER}`);
    for (let again = 0; again < 3; again++) {
      await session.terminal.waitFor(/(It has 6 to 8 characters|Nothing was entered)\.[^]*PIN: ?/);
      await session.terminal.press(ENTER);
    }
    await expect(asked).rejects.toBeInstanceOf(PromptEntryError);
    expectNothingLeft(session, front);
  });

  it('tells that the person cancelled, or did not answer', async () => {
    await using session = await openSession(front);
    const cancelled = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press(front.cancelKey);
    await expect(cancelled).rejects.toBeInstanceOf(PromptCancelledError);
    expectNothingLeft(session, front);
    const late = session.ask(PIN_PROMPT, { timeoutMs: 1_500 });
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press('739');
    await expect(late).rejects.toBeInstanceOf(PromptTimedOutError);
    await until(
      () => session.dialog() === 0,
      () => 'the dialog to end',
    );
    expectNothingLeft(session, front);
  });

  it('takes the dialog away within a second when whoever asked is gone, and shows the next', async () => {
    await using session = await openSession(front);
    const caller = new AbortController();
    const reason = new Error('the page was closed');
    const asked = session.ask(PIN_PROMPT, { signal: caller.signal });
    const next = session.ask(CONSENT);
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press('739');
    const dialog = session.dialog();
    expect(isRunning(dialog)).toBe(true);
    const begun = performance.now();
    caller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await until(
      () => !isRunning(dialog),
      () => 'the dialog to end',
    );
    expect(performance.now() - begun).toBeLessThan(1_000);
    await session.terminal.waitFor(/KX4-7QP[^]*llow/);
    await session.terminal.press(front.yesKeys);
    expect((await next).secrets.size).toBe(0);
    expectNothingLeft(session, front);
  });

  it('brings both entries of a change and of an unblock', async () => {
    await using session = await openSession(front);
    for (const [action, first, old] of [
      ['change', 'pin', '111111'],
      ['unblock', 'puk', '12345678'],
    ] as const) {
      const asked = session.ask({ ...PIN_PROMPT, action });
      await session.terminal.waitFor(/(PIN|PUK): ?/);
      await session.terminal.press(old + ENTER);
      await session.terminal.waitFor(/New PIN: ?/);
      await session.terminal.press(PIN + ENTER);
      await session.terminal.waitFor(/New PIN again: ?/);
      await session.terminal.press(PIN + ENTER);
      using entered = await asked;
      expect([...entered.secrets.keys()].sort()).toEqual(['newPin', first]);
      expect([textOf(entered, first), textOf(entered, 'newPin')]).toEqual([old, PIN]);
      expectNothingLeft(session, front);
    }
  });

  it('brings consent, and its refusal, in the language of the session', async () => {
    await using session = await openSession(front, { LANG: 'sv_SE.UTF-8' });
    const allowed = session.ask(CONSENT);
    await session.terminal.waitFor(/Webbsida[^]*KX4-7QP[^]*Se läsare[^]*illåt/);
    await session.terminal.press(front.name === 'pinentry-tty' ? 't' : front.yesKeys);
    expect((await allowed).secrets.size).toBe(0);
    const denied = session.ask(CONSENT);
    await session.terminal.waitFor(/Webbsida[^]*eka/);
    await session.terminal.press(front.name === 'pinentry-tty' ? 'n' : front.noKeys);
    await expect(denied).rejects.toBeInstanceOf(PromptCancelledError);
    expectNothingLeft(session, front);
  });

  it('asks before a last try on the keypad, and before one in the dialog', async () => {
    await using session = await openSession(front);
    const { asker, card } = PIN_PROMPT;
    const onKeypad = session.ask({ kind: 'lastTry', entry: 'pin', asker, card, purpose: 'Sign the receipt', triesLeft: 1 });
    await session.terminal.waitFor(/LAST TRY[^]*keypad[^]*se the last try/);
    await session.terminal.press(front.lastTryKeys);
    expect((await onKeypad).secrets.size).toBe(0);
    const inDialog = session.ask({ ...PIN_PROMPT, triesLeft: 1 });
    await session.terminal.waitFor(/LAST TRY[^]*se the last try/);
    await session.terminal.press(front.lastTryKeys);
    await session.terminal.waitFor(/Enter your PIN[^]*PIN: ?/);
    await session.terminal.press(PIN + ENTER);
    using entered = await inDialog;
    expect(textOf(entered, 'pin')).toBe(PIN);
    expectNothingLeft(session, front);
  });

  it('takes its dialog away when the daemon is gone, and is there again when the daemon is', async () => {
    await using session = await openSession(front);
    const asked = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/PIN: ?/);
    const dialog = session.dialog();
    await session.daemon.stop();
    await expect(asked).rejects.toBeInstanceOf(PromptStationGoneError);
    await until(
      () => !isRunning(dialog),
      () => 'the dialog to end',
    );
    expect(session.terminal.echoes()).toBe(true);
    await session.daemon.start();
    await session.daemon.whenAgent();
    const again = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press(PIN + ENTER);
    using entered = await again;
    expect(textOf(entered, 'pin')).toBe(PIN);
    expectNothingLeft(session, front);
    expect(session.agent.log().match(/connected with the daemon/g)).toHaveLength(2);
    expect(session.agent.output()).toBe('kortd agent ready\n');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'ended by %s, leaves no dialog, and the terminal its echo',
    async (signal) => {
      await using session = await openSession(front);
      const asked = session.ask(PIN_PROMPT);
      await session.terminal.waitFor(/PIN: ?/);
      await session.terminal.press('739');
      const dialog = session.dialog();
      expect(isRunning(dialog)).toBe(true);
      session.agent.kill(signal);
      await expect(asked).rejects.toBeInstanceOf(PromptStationGoneError);
      expect(await session.agent.ended()).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0);
      await until(
        () => !isRunning(dialog),
        () => 'the dialog to end',
      );
      expect(session.terminal.echoes()).toBe(true);
      await expect(session.ask(PIN_PROMPT)).rejects.toMatchObject({ code: 'pin_required' });
    },
  );

  it('has the PIN in no argument and no variable of a process', async () => {
    await using session = await openSession(front);
    const asked = session.ask(PIN_PROMPT);
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press(PIN);
    for (const pid of [session.agent.pid, session.dialog()])
      for (const file of ['cmdline', 'environ']) {
        const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
        expect(text).not.toBe('');
        expect(text).not.toContain(PIN);
      }
    await session.terminal.press(ENTER);
    (await asked)[Symbol.dispose]();
  });
});

describe('kortd agent', () => {
  const [front = { name: '', cancelKey: '', yesKeys: '', noKeys: '', lastTryKeys: '' }] = FRONTS;

  it('says which package is missing when there is no way to ask, and stays', async () => {
    await using daemon = await openDaemonSide();
    await using agent = startAgent(['--socket', daemon.socketPath]);
    await daemon.whenAgent();
    for (let again = 0; again < 2; again++) {
      const asked = daemon.prompts.ask(PIN_PROMPT, { user: USER, signal: AbortSignal.timeout(10_000) });
      await expect(asked).rejects.toBeInstanceOf(PromptProtocolError);
      await expect(asked).rejects.toThrow(/install pinentry-curses/);
    }
    expect(agent.log()).toContain('install pinentry-curses');
  });

  it('says that the terminal is gone, and stays', async () => {
    await using daemon = await openDaemonSide();
    await using agent = startAgent(['--socket', daemon.socketPath], { GPG_TTY: '/dev/pts/99999' });
    await daemon.whenAgent();
    const asked = daemon.prompts.ask(PIN_PROMPT, { user: USER, signal: AbortSignal.timeout(10_000) });
    await expect(asked).rejects.toThrow(/could not show its dialog/);
    expect(agent.output()).toBe('kortd agent ready\n');
  });

  it('may be there twice: the last to come is asked', async () => {
    await using session = await openSession(front);
    await using terminal = await openPseudoTerminal();
    const parameters = ['--socket', session.daemon.socketPath, '--pinentry', `/usr/bin/${front.name}`];
    await using second = startAgent(parameters, { GPG_TTY: terminal.device });
    await until(
      () => session.daemon.prompts.placesOf(USER).length === 2,
      () => `the second agent: ${second.log()}`,
    );
    const asked = session.ask(PIN_PROMPT);
    await terminal.waitFor(/PIN: ?/);
    second.kill('SIGKILL');
    await session.terminal.waitFor(/PIN: ?/);
    await session.terminal.press(PIN + ENTER);
    (await asked)[Symbol.dispose]();
  });

  it('does not start with a program that is none', async () => {
    await using agent = startAgent(['--socket', '/nonexistent/socket', '--pinentry', '/etc/passwd']);
    expect(await agent.ended()).toBe(1);
    expect(agent.log()).toMatch(/^kortd: looking for a program that asks for a PIN: [^\n]*\n$/);
  });

  it('waits for a daemon that is not there, and ends while it waits', async () => {
    await using daemon = await openDaemonSide();
    await daemon.stop();
    await using agent = startAgent(['--socket', daemon.socketPath], { GPG_TTY: '/dev/null' });
    await until(
      () => agent.log().includes('no connection with the daemon'),
      () => 'the agent to try',
    );
    expect(agent.output()).toBe('');
    await daemon.start();
    await daemon.whenAgent();
    agent.kill('SIGTERM');
    expect(await agent.ended()).toBe(0);
  });
});
