/** The daemon's end of a station's WebSocket, with a real socket of `ws` at the other end, through a Unix socket. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Secret } from '../../apdu/secret.ts';
import { EnteredPins, type EntryName } from './entered-pins.ts';
import {
  PromptCancelledError,
  PromptEntryError,
  PromptProtocolError,
  PromptStationGoneError,
  PromptTimedOutError,
} from './errors.ts';
import type { ConsentPrompt, PinPrompt, Prompt } from './prompt.ts';
import { StationLink } from './station-link.ts';
import { encodeAnswer, encodeEntries, STATION_MESSAGE_BYTES, type ToStation } from './station-messages.ts';

const PIN = '739146';
const PIN_PROMPT: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'SITHS 9752',
  purpose: 'sign order 4711',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
};
const CONSENT: ConsentPrompt = { kind: 'consent', asker: PIN_PROMPT.asker, scopes: ['sign'], code: 'KX4' };

let folder: string;
let server: Server;
let sockets: WebSocketServer;
let station: WebSocket;
let link: StationLink;
/** What the station was told, in order; `next` waits for one more. */
let told: ToStation[];
let tell: (() => void) | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-station-'));
  server = createServer();
  sockets = new WebSocketServer({ server, maxPayload: STATION_MESSAGE_BYTES, perMessageDeflate: false });
  const path = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const connected = once(sockets, 'connection') as Promise<[WebSocket]>;
  station = new WebSocket(`ws+unix:${path}:/`, { perMessageDeflate: false });
  station.on('error', () => undefined);
  told = [];
  station.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString()) as ToStation);
    tell?.();
  });
  const [socket] = await connected;
  if (station.readyState !== WebSocket.OPEN) await once(station, 'open');
  link = new StationLink(socket, { place: 'agent', user: '1000' });
});

afterEach(async () => {
  station.terminate();
  await link.closed;
  sockets.close();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function next(count = 1): Promise<ToStation> {
  while (told.length < count) await new Promise<void>((resolve) => (tell = resolve));
  return told[count - 1] ?? { type: 'withdraw', id: -1 };
}

function ask(prompt: Prompt, { timeoutMs = 20_000, signal = new AbortController().signal } = {}): Promise<EnteredPins> {
  const asked = link.ask(prompt, { signal, timeoutMs });
  asked.catch(() => undefined);
  return asked;
}

function entries(id: number, typed: Partial<Record<EntryName, string>>): Buffer {
  using pins = new EnteredPins();
  for (const [name, text] of Object.entries(typed)) pins.add(name as EntryName, Secret.fromText(text));
  return encodeEntries(id, pins);
}

function textOf(pins: EnteredPins, name: EntryName): string {
  return pins.require(name).use((bytes) => Buffer.from(bytes).toString());
}

describe('StationLink', () => {
  it('sends the prompt and resolves with what was typed', async () => {
    const asked = ask(PIN_PROMPT);
    expect(await next()).toEqual({ type: 'prompt', id: 1, timeoutMs: 20_000, prompt: PIN_PROMPT });
    station.send(entries(1, { pin: PIN }));
    using pins = await asked;
    expect(textOf(pins, 'pin')).toBe(PIN);
  });

  it('wipes the message that the entries came in', async () => {
    const asked = ask(PIN_PROMPT);
    await next();
    const [socket] = sockets.clients;
    const received = once(socket ?? station, 'message') as Promise<[Buffer, boolean]>;
    station.send(entries(1, { pin: PIN }));
    const [message] = await received;
    (await asked)[Symbol.dispose]();
    expect(message).toHaveLength(4 + 2 + PIN.length);
    expect(message.every((byte) => byte === 0)).toBe(true);
  });

  it('wipes entries that came in fragments too, and a second answer of the same moment', async () => {
    const taken = vi.spyOn(Secret, 'take');
    try {
      const asked = ask(PIN_PROMPT);
      await next();
      const message = entries(1, { pin: PIN });
      station.send(message.subarray(0, 7), { fin: false });
      station.send(message.subarray(7), { fin: true });
      station.send(entries(1, { pin: '000000' }));
      station.ping();
      await once(station, 'pong');
      const pins = await asked;
      expect(textOf(pins, 'pin')).toBe(PIN);
      pins[Symbol.dispose]();
      expect(taken.mock.calls.length).toBeGreaterThanOrEqual(2);
      for (const [bytes] of taken.mock.calls) expect(bytes.every((byte) => byte === 0)).toBe(true);
    } finally {
      taken.mockRestore();
    }
  });

  it('takes the entries of a change and of an unblock', async () => {
    const changed = ask({ ...PIN_PROMPT, action: 'change' });
    await next();
    station.send(entries(1, { pin: PIN, newPin: '111111' }));
    using change = await changed;
    expect([textOf(change, 'pin'), textOf(change, 'newPin')]).toEqual([PIN, '111111']);
    const unblocked = ask({ ...PIN_PROMPT, action: 'unblock', pukLength: { min: 4, max: 4 } });
    await next(2);
    station.send(entries(2, { puk: '1234', newPin: PIN }));
    using unblock = await unblocked;
    expect([textOf(unblock, 'puk'), textOf(unblock, 'newPin')]).toEqual(['1234', PIN]);
  });

  it.each<[string, Prompt, Partial<Record<EntryName, string>>]>([
    ['another entry', PIN_PROMPT, { puk: PIN }],
    ['one too many', PIN_PROMPT, { pin: PIN, newPin: PIN }],
    ['one too few', { ...PIN_PROMPT, action: 'change' }, { pin: PIN }],
    ['none', PIN_PROMPT, {}],
    ['one too short', PIN_PROMPT, { pin: '12345' }],
    ['one too long', PIN_PROMPT, { pin: '123456789' }],
    ['any for a consent', CONSENT, { pin: PIN }],
  ])('refuses %s and wipes them, and the station stays', async (_, prompt, typed) => {
    const taken = vi.spyOn(Secret, 'take');
    try {
      const asked = ask(prompt);
      await next();
      station.send(entries(1, typed));
      await expect(asked).rejects.toBeInstanceOf(PromptProtocolError);
      for (const [bytes] of taken.mock.calls) expect(bytes.every((byte) => byte === 0)).toBe(true);
      const again = ask(CONSENT);
      await next(2);
      station.send(encodeAnswer({ id: 2, outcome: 'approved' }));
      expect((await again).secrets.size).toBe(0);
    } finally {
      taken.mockRestore();
    }
  });

  it.each([
    ['cancelled', PromptCancelledError],
    ['timed_out', PromptTimedOutError],
    ['no_entry', PromptEntryError],
    ['failed', PromptProtocolError],
    ['approved', PromptProtocolError],
  ] as const)('rejects a prompt for a PIN that was answered with %s', async (outcome, expected) => {
    const asked = ask(PIN_PROMPT);
    await next();
    station.send(encodeAnswer({ id: 1, outcome, problem: 'install pinentry-tty' }));
    await expect(asked).rejects.toBeInstanceOf(expected);
    if (outcome === 'failed') await expect(asked).rejects.toThrow('install pinentry-tty');
  });

  it('keeps several prompts apart, and overlooks answers to none', async () => {
    const asked = [ask(CONSENT), ask(PIN_PROMPT), ask(CONSENT)];
    await next(3);
    station.send(encodeAnswer({ id: 77, outcome: 'approved' }));
    station.send(entries(78, { pin: PIN }));
    station.send(encodeAnswer({ id: 3, outcome: 'cancelled' }));
    station.send(encodeAnswer({ id: 1, outcome: 'approved' }));
    station.send(entries(2, { pin: PIN }));
    await expect(asked[2]).rejects.toBeInstanceOf(PromptCancelledError);
    expect((await asked[0])?.secrets.size).toBe(0);
    (await asked[1])?.[Symbol.dispose]();
  });

  it('withdraws the prompt when whoever asked is gone, and wipes what comes for it after all', async () => {
    const caller = new AbortController();
    const asked = ask(PIN_PROMPT, { signal: caller.signal });
    await next();
    const reason = new Error('the call ended');
    caller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(await next(2)).toEqual({ type: 'withdraw', id: 1 });
    const taken = vi.spyOn(Secret, 'take');
    try {
      station.send(entries(1, { pin: PIN }));
      station.ping();
      await once(station, 'pong');
      const [bytes] = taken.mock.calls[0] ?? [];
      expect(bytes?.every((byte) => byte === 0)).toBe(true);
    } finally {
      taken.mockRestore();
    }
  });

  it('does not ask for a caller that is gone', async () => {
    const reason = new Error('gone');
    await expect(ask(PIN_PROMPT, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    station.ping();
    await once(station, 'pong');
    expect(told).toEqual([]);
  });

  it('gives a station that keeps silent two seconds more than the person, and withdraws', async () => {
    const begun = performance.now();
    const asked = ask(PIN_PROMPT, { timeoutMs: 50 });
    await expect(asked).rejects.toBeInstanceOf(PromptTimedOutError);
    await expect(asked).rejects.toMatchObject({ timeoutMs: 50 });
    expect(performance.now() - begun).toBeGreaterThan(2_000);
    expect(await next(2)).toEqual({ type: 'withdraw', id: 1 });
  });

  it('rejects everything when the station is gone, and what is asked afterwards', async () => {
    const asked = [ask(PIN_PROMPT), ask(CONSENT)];
    await next(2);
    station.terminate();
    for (const one of asked) await expect(one).rejects.toBeInstanceOf(PromptStationGoneError);
    await link.closed;
    await expect(ask(CONSENT)).rejects.toBeInstanceOf(PromptStationGoneError);
  });

  it.each<[string, string | Buffer]>([
    ['text that is no JSON', 'hello'],
    ['JSON that is no answer', '{"type":"answer"}'],
    ['bytes that are no entries', Buffer.from([1, 2])],
    ['a message that is too long', 'x'.repeat(STATION_MESSAGE_BYTES + 1)],
  ])('ends with a station that sends %s, at once for those who wait, though it does not hang up', async (_, message) => {
    const asked = ask(PIN_PROMPT);
    await next();
    station.pause();
    station.send(message);
    await expect(asked).rejects.toBeInstanceOf(PromptStationGoneError);
    await expect(ask(CONSENT)).rejects.toBeInstanceOf(PromptStationGoneError);
    await link.closed;
  });

  it('tells a station that broke the protocol so, and nothing that it had sent', async () => {
    const closed = once(station, 'close') as Promise<[number, Buffer]>;
    station.send(`{"${PIN}`);
    const [code, reason] = await closed;
    expect(code).toBe(1002);
    expect(reason.toString()).toBe('reading an answer: not JSON');
  });

  it('closes a station that does not hang up', async () => {
    const asked = ask(PIN_PROMPT);
    await next();
    station.pause();
    link.close();
    await expect(asked).rejects.toBeInstanceOf(PromptStationGoneError);
    await link.closed;
  });
});
