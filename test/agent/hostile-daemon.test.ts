/** What a daemon in disorder, or a program that plays one, may do to the agent: it stays up, shows nothing that it should not, and keeps nothing. */
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { silentLog } from '../../daemon/log.ts';
import { runAgent } from '../../daemon/prompt/agent/agent.ts';
import { answerPrompts, MAX_WAITING, type Show } from '../../daemon/prompt/agent/daemon-connection.ts';
import { EnteredPins } from '../../daemon/prompt/entered-pins.ts';
import type { PinPrompt } from '../../daemon/prompt/prompt.ts';
import { STATION_SUBPROTOCOL, type StationAnswer, type ToStation } from '../../daemon/prompt/station-messages.ts';
import { Secret } from '../../apdu/secret.ts';
import { forSeeds, FUZZ_TIMEOUT_MS } from '../fuzz/seeded.ts';
import { childrenRunning, openPseudoTerminal, until, type PseudoTerminal } from '../pinentry/pseudo-terminal.ts';
import { startAgent, type AgentProcess } from './agent-process.ts';
import { listen } from './daemon-side.ts';

const FRONT = 'pinentry-tty';
const PROMPT: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'SITHS 9752',
  purpose: 'sign order 4711',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
};

function encode(id: number, change: object = {}): string {
  return JSON.stringify({ type: 'prompt', id, timeoutMs: 20_000, prompt: { ...PROMPT, ...change } });
}

/** A socket to which agents come one after the other, and what the last one said. */
class HostileDaemon implements AsyncDisposable {
  readonly path: string;
  readonly answers: StationAnswer[] = [];
  /** In hexadecimal. */
  readonly entries: string[] = [];
  connections = 0;
  pings = 0;
  #socket: WebSocket | undefined;
  #server: AsyncDisposable | undefined;

  constructor(folder: string) {
    this.path = join(folder, `socket-${Math.random().toString(36).slice(2)}`);
  }

  async listen(options?: { autoPong?: boolean; first?: string }): Promise<this> {
    this.#server = await listen(
      this.path,
      (socket) => {
        this.connections++;
        this.#socket = socket;
        socket.on('error', () => undefined);
        socket.on('ping', () => this.pings++);
        socket.on('message', (data: Buffer, isBinary) => {
          if (isBinary) this.entries.push(data.toString('hex'));
          else this.answers.push(JSON.parse(data.toString()) as StationAnswer);
        });
        if (options?.first !== undefined) socket.send(options.first);
      },
      options,
    );
    return this;
  }

  send(message: string | Buffer): void {
    this.#socket?.send(message);
  }

  hangUp(): void {
    this.#socket?.close();
  }

  async whenConnected(count: number, log: () => string): Promise<void> {
    await until(
      () => this.connections >= count,
      () => `connection ${count} of the agent: ${log()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'kortd-hostile-'))));
afterAll(() => rm(folder, { recursive: true }));

interface Victim extends AsyncDisposable {
  readonly daemon: HostileDaemon;
  readonly terminal: PseudoTerminal;
  readonly agent: AgentProcess;
}

async function openVictim(): Promise<Victim> {
  await using undo = new AsyncDisposableStack();
  const daemon = undo.use(await new HostileDaemon(folder).listen());
  const terminal = undo.use(await openPseudoTerminal());
  const agent = undo.use(startAgent(['--socket', daemon.path, '--pinentry', `/usr/bin/${FRONT}`], { GPG_TTY: terminal.device }));
  await daemon.whenConnected(1, agent.log);
  const resources = undo.move();
  return { daemon, terminal, agent, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

const MALFORMED: readonly (readonly [string, string | Buffer])[] = [
  ['no JSON', 'hello'],
  ['JSON of no object', '[1]'],
  ['a type that is none', '{"type":"upgrade","id":1}'],
  ['a kind that is none', encode(1, { kind: 'password' })],
  ['bytes', Buffer.from('hello')],
  ['ten megabytes', 'x'.repeat(10_000_000)],
  ['a purpose of a megabyte', encode(1, { purpose: 'x'.repeat(1_000_000) })],
  ['a depth of a hundred thousand', '['.repeat(16_000) + ']'.repeat(16_000)],
  ['text that is no UTF-8', Buffer.from([0xff, 0xfe, 0xfd])],
];

describe('the agent', () => {
  it('hangs up on a daemon that sends rubbish, comes again, and shows what is none', async () => {
    await using victim = await openVictim();
    for (const [index, message] of ['hello', 'x'.repeat(10_000_000)].entries()) {
      victim.daemon.send(message);
      await victim.daemon.whenConnected(index + 2, victim.agent.log);
    }
    expect(childrenRunning(FRONT, victim.agent.pid)).toEqual([]);
    victim.daemon.send(encode(7));
    await victim.terminal.waitFor(/PIN: ?/);
    expect(victim.agent.log()).not.toContain('xxxx');
    victim.agent.kill('SIGTERM');
    expect(await victim.agent.ended()).toBe(0);
  });

  it('takes its dialog away when the daemon breaks the protocol meanwhile', async () => {
    await using victim = await openVictim();
    victim.daemon.send(encode(1));
    await victim.terminal.waitFor(/PIN: ?/);
    victim.daemon.send(encode(1));
    await victim.daemon.whenConnected(2, victim.agent.log);
    expect(childrenRunning(FRONT, victim.agent.pid)).toEqual([]);
    expect(victim.terminal.echoes()).toBe(true);
    expect(victim.daemon.answers).toEqual([]);
  });

  it('shows texts that would rearrange the dialog as one plain line each', async () => {
    await using victim = await openVictim();
    const evil = 'ok”\u001b[2J\r\nTries left: 9\u202e\u2066\u0000\u2028Card: “mine';
    victim.daemon.send(encode(1, { asker: { kind: 'origin', name: evil }, card: evil, purpose: evil }));
    await victim.terminal.waitFor(/Tries left: 3[^]*PIN: ?/);
    const screen = victim.terminal.screen();
    expect(screen).not.toMatch(/[\u202e\u2066\u2028\u0000]|\u001b\[2J/u);
    expect(screen.split('\n').filter((line) => /^(Tries left|Card):/.test(line))).toHaveLength(2);
  });

  it('shows one of a thousand prompts, keeps a few, and refuses the others', async () => {
    await using victim = await openVictim();
    const before = await residentBytes(victim.agent.pid);
    const refusedOf = (rounds: number): number => 1_000 * rounds - MAX_WAITING;
    for (let round = 1; round <= 3; round++) {
      for (let id = 1; id <= 1_000; id++) victim.daemon.send(encode(1_000 * round + id, { purpose: 'x'.repeat(900) }));
      await until(
        () => victim.daemon.answers.length === refusedOf(round),
        () => `${refusedOf(round)} refusals, not ${victim.daemon.answers.length}: ${victim.agent.log()}`,
      );
    }
    expect(victim.daemon.answers.every(({ outcome }) => outcome === 'failed')).toBe(true);
    expect((await residentBytes(victim.agent.pid)) - before).toBeLessThan(100_000_000);
    await victim.terminal.waitFor(/PIN: ?/);
    expect(childrenRunning(FRONT, victim.agent.pid)).toHaveLength(1);
    for (let id = 1_001; id < 1_001 + MAX_WAITING; id++) victim.daemon.send(JSON.stringify({ type: 'withdraw', id }));
    await until(
      () => childrenRunning(FRONT, victim.agent.pid).length === 0,
      () => 'the dialogs to end',
    );
    expect(victim.terminal.echoes()).toBe(true);
    expect(victim.daemon.connections).toBe(1);
  });

  it('answers nothing for a prompt that was withdrawn, and does with one that used its number again', async () => {
    await using victim = await openVictim();
    for (let round = 0; round < 20; round++) {
      victim.daemon.send(encode(1));
      victim.daemon.send('{"type":"withdraw","id":1}');
      victim.daemon.send('{"type":"withdraw","id":999}');
    }
    victim.daemon.send(encode(1, { pinLength: { min: 3, max: 3 } }));
    await victim.terminal.waitFor(/PIN: ?/);
    await victim.terminal.press('\x04');
    await until(
      () => victim.daemon.answers.length > 0,
      () => 'an answer',
    );
    expect(victim.daemon.answers).toEqual([{ type: 'answer', id: 1, outcome: 'cancelled' }]);
  });

  it.each([
    ['every user can write to the folder', 0o777],
    ['every user can write to it though they cannot read it', 0o702],
  ])('refuses a socket where %s, and ends', async (_, mode) => {
    const open = await mkdtemp(join(folder, 'open-'));
    await using daemon = await new HostileDaemon(open).listen();
    await chmod(open, mode);
    await using agent = startAgent(['--socket', daemon.path]);
    expect(await agent.ended()).toBe(1);
    expect(agent.log()).toContain(`${open}: every user can write to it; PINs are not asked for through it`);
    expect(daemon.connections).toBe(0);
  });
});

/** As the command runs it, with a person who is quicker than a pinentry. */
async function runInProcess(
  options: Partial<Parameters<typeof runAgent>[0]> & { readonly path: string; readonly stop: AbortController },
): Promise<void> {
  await runAgent({
    socketPath: () => options.path,
    trustedUsers: new Set([0, process.getuid?.() ?? 0]),
    show: () => Promise.resolve(new EnteredPins()),
    log: silentLog,
    signal: options.stop.signal,
    random: () => 0,
    ...options,
  });
}

describe('the connection of the agent', () => {
  it('ends when the daemon does not answer its pings, and begins again', async () => {
    await using daemon = await new HostileDaemon(folder).listen({ autoPong: false });
    const stop = new AbortController();
    const agent = runInProcess({ path: daemon.path, stop, heartbeatMs: 50 });
    await daemon.whenConnected(3, () => '');
    stop.abort();
    await agent;
  });

  it('stays when the daemon answers them', async () => {
    await using daemon = await new HostileDaemon(folder).listen();
    const stop = new AbortController();
    const agent = runInProcess({ path: daemon.path, stop, heartbeatMs: 50 });
    await until(
      () => daemon.pings >= 6,
      () => 'six pings',
    );
    expect(daemon.connections).toBe(1);
    stop.abort();
    await agent;
  });

  it.each(MALFORMED)('ends when the daemon sends %s, shows nothing, and begins again', async (_, message) => {
    await using daemon = await new HostileDaemon(folder).listen();
    const stop = new AbortController();
    const show = vi.fn(() => Promise.resolve(new EnteredPins()));
    const agent = runInProcess({ path: daemon.path, stop, show });
    await daemon.whenConnected(1, () => '');
    daemon.send(message);
    await daemon.whenConnected(2, () => '');
    expect(show).not.toHaveBeenCalled();
    stop.abort();
    await agent;
  });

  it('takes a prompt that comes with the handshake', async () => {
    const first = JSON.stringify({ type: 'prompt', id: 1, timeoutMs: 9_000, prompt: { ...CONSENT_OF_ANY } });
    await using daemon = await new HostileDaemon(folder).listen({ first });
    const stop = new AbortController();
    const agent = runInProcess({ path: daemon.path, stop });
    await until(
      () => daemon.answers.length === 1,
      () => 'an answer',
    );
    expect(daemon.answers).toEqual([{ type: 'answer', id: 1, outcome: 'approved' }]);
    stop.abort();
    await agent;
  });

  it('wipes what it sent, and what the person typed', async () => {
    const send = vi.spyOn(WebSocket.prototype, 'send');
    try {
      const pin = Uint8Array.from(Buffer.from('739146'));
      const pins = new EnteredPins();
      pins.add('pin', Secret.take(pin));
      await using daemon = await new HostileDaemon(folder).listen({ first: encode(1) });
      const stop = new AbortController();
      const agent = runInProcess({ path: daemon.path, stop, show: () => Promise.resolve(pins) });
      await until(
        () => daemon.entries.length === 1,
        () => 'the entries',
      );
      expect(daemon.entries).toEqual(['000000010006373339313436']);
      const sent = send.mock.calls.map(([data]) => data).filter((data): data is Buffer => Buffer.isBuffer(data));
      expect(sent.map((message) => message.length)).toEqual([12]);
      await until(
        () => [pin, ...sent].every((bytes) => bytes.every((byte) => byte === 0)),
        () => 'the message to be wiped',
      );
      stop.abort();
      await agent;
    } finally {
      send.mockRestore();
    }
  });

  it('gives up on a program that takes the connection and says nothing, or rubbish', { timeout: 60_000 }, async () => {
    const path = join(folder, 'mute');
    const greetings = ['', 'HTTP/1.1 200 OK\r\n\r\n', `${'x'.repeat(100_000)}\r\n`, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'];
    let connections = 0;
    let open = 0;
    const server = createServer((socket) => {
      open++;
      socket.on('error', () => undefined);
      socket.on('close', () => open--);
      socket.resume();
      const greeting = greetings[connections++ % greetings.length] ?? '';
      if (greeting !== '') socket.write(greeting);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const stop = new AbortController();
    const agent = runInProcess({ path, stop });
    await vi.waitFor(() => expect(connections).toBeGreaterThan(greetings.length), { timeout: 50_000, interval: 20 });
    stop.abort();
    await agent;
    await until(
      () => open === 0,
      () => 'the agent to close its connections',
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it('survives whatever messages come, and has no dialog open in the end', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await using daemon = await new HostileDaemon(folder).listen();
    const valid = [encode(1), encode(2, { action: 'change' }), '{"type":"withdraw","id":1}'].map((text) => Buffer.from(text));
    await forSeeds({ first: 1, rounds: 200 }, async (random) => {
      const socket = new WebSocket(`ws+unix:${daemon.path}:/v1/prompts`, STATION_SUBPROTOCOL);
      socket.on('error', () => undefined);
      await once(socket, 'open');
      let open = 0;
      const show: Show = async (_, { signal }) => {
        open++;
        await new Promise((resolve) =>
          random.below(2) === 0 ? setImmediate(resolve) : signal.addEventListener('abort', resolve),
        );
        open--;
        return new EnteredPins();
      };
      const ended = answerPrompts(socket, { show, log: silentLog, signal: new AbortController().signal, heartbeatMs: 9_000 });
      await daemon.whenConnected(1, () => '');
      for (let count = random.below(20); count > 0; count--) {
        const message = valid[random.below(valid.length)] ?? Buffer.alloc(0);
        if (random.below(3) === 0) daemon.send(Buffer.from(random.bytes(random.below(60))));
        else daemon.send(Buffer.from(random.below(2) === 0 ? message : random.damage(message)).toString());
      }
      daemon.hangUp();
      await ended;
      expect(open).toBe(0);
    });
  });
});

const CONSENT_OF_ANY = { kind: 'consent', asker: PROMPT.asker, scopes: ['sign'], code: 'K' } satisfies Partial<
  Extract<ToStation, { type: 'prompt' }>['prompt']
>;
