import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes, formatHex, parseHex } from './bytes.ts';
import { EchoCard } from './echo-card.ts';
import { VpcdFrames, encodeFrame } from './vpcd-frames.ts';
import { VpcdBridge, type VpcdOptions } from './vpcd.ts';

/** vpcd's side of one slot. */
class Slot {
  readonly #socket: Socket;
  readonly #frames = new VpcdFrames();
  #wake: () => void = () => undefined;
  readonly closed: Promise<unknown>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      this.#wake();
    });
  }

  send(hex: string): void {
    this.#socket.write(parseHex(hex));
  }

  async receive(): Promise<string> {
    for (;;) {
      const frame = this.#frames.next();
      if (frame) return formatHex(frame);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async ask(body: string): Promise<string> {
    this.#socket.write(encodeFrame(parseHex(body)));
    return await this.receive();
  }

  close(): void {
    this.#socket.destroy();
  }
}

class Driver {
  readonly #server: Server = createServer((socket) => this.#waiting.shift()?.(new Slot(socket)));
  readonly #waiting: ((slot: Slot) => void)[] = [];

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next card that is put in; ask before it can come. */
  accept(): Promise<Slot> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const ATR = '3b840145' + '43484f84';

describe('the vpcd bridge', () => {
  let driver = new Driver();
  let port = 0;
  const bridges: VpcdBridge[] = [];
  const bridge = (options: VpcdOptions = {}): VpcdBridge => {
    const made = new VpcdBridge({ port, retryMs: 5, ...options });
    bridges.push(made);
    return made;
  };

  beforeEach(async () => {
    driver = new Driver();
    port = await driver.listen();
  });
  afterEach(async () => {
    for (const made of bridges.splice(0)) await made.close();
    await driver.close();
  });

  it('answers ATR polls and commands, and obeys controls in silence', async () => {
    const card = new EchoCard();
    const accepted = driver.accept();
    await bridge().insert(card);
    const slot = await accepted;
    expect(await slot.ask('04')).toBe(ATR);
    const before = { powerUps: card.powerUps, resets: card.resets };
    for (const control of ['01', '02', '00', '03', 'ff']) slot.send(`0001${control}`);
    slot.send('0000');
    expect(await slot.ask('04')).toBe(ATR);
    expect({ powerUps: card.powerUps, resets: card.resets }).toEqual({
      powerUps: before.powerUps + 1,
      resets: before.resets + 2,
    });
    expect(await slot.ask('00cb3fff00')).toBe('00cb3fff009000');
    expect(await slot.ask('00cb')).toBe('00cb9000');
    expect(await slot.ask('ab'.repeat(65_000))).toBe(`${'ab'.repeat(65_000)}9000`);
    expect(await slot.ask('ab'.repeat(65_535))).toBe('6f00');
  });

  it('reads frames that TCP has split or joined', async () => {
    const accepted = driver.accept();
    await bridge().insert(new EchoCard());
    const slot = await accepted;
    for (const byte of ['00', '04', '00', 'cb', '3f']) {
      slot.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    slot.send('ff000104');
    expect(await slot.receive()).toBe('00cb3fff9000');
    expect(await slot.receive()).toBe(ATR);
  });

  it('answers in order while the card works long', async () => {
    const card = new EchoCard();
    const gate = Promise.withResolvers<undefined>();
    card.gate = gate.promise;
    const accepted = driver.accept();
    await bridge().insert(card);
    const slot = await accepted;
    slot.send('000400cb3fff000104');
    await new Promise((resolve) => setImmediate(resolve));
    gate.resolve(undefined);
    expect(await slot.receive()).toBe('00cb3fff9000');
    expect(await slot.receive()).toBe(ATR);
  });

  it('connects again when pcscd restarts, and before it is there', async () => {
    const presence: boolean[] = [];
    const first = driver.accept();
    await bridge({ onPresence: (isPresent) => presence.push(isPresent) }).insert(new EchoCard());
    (await first).close();
    await driver.close();
    driver = new Driver();
    const second = driver.accept();
    await driver.listen(port);
    expect(await (await second).ask('04')).toBe(ATR);
    expect(presence).toEqual([true, false, true]);
  });

  it('pulls the card by closing the socket, and puts another in', async () => {
    const made = bridge();
    const first = driver.accept();
    const card = new EchoCard();
    await made.insert(card);
    const slot = await first;
    expect(await made.remove()).toBe(card);
    await slot.closed;
    expect(made.card).toBeUndefined();
    const second = driver.accept();
    await made.insert(new EchoCard());
    expect(await (await second).ask('04')).toBe(ATR);
  });

  it('ends by its signal, at any moment, and stays ended', async () => {
    const abort = new AbortController();
    const made = bridge({ signal: abort.signal });
    const accepted = driver.accept();
    await made.insert(new EchoCard());
    const slot = await accepted;
    abort.abort();
    await slot.closed;
    await made.close();
    await made.insert(new EchoCard());
    expect(made.card).toBeUndefined();
  });
});

describe('frames', () => {
  it('come out as they went in, however they are cut', () => {
    const bodies = [new Uint8Array(0), Uint8Array.of(4), new Uint8Array(300).fill(7), new Uint8Array(65_535)];
    const stream = concatBytes(...bodies.map(encodeFrame));
    for (const size of [1, 2, 3, 1000, stream.length]) {
      const frames = new VpcdFrames();
      const out: Uint8Array[] = [];
      for (let offset = 0; offset < Math.min(stream.length, size * 2000); offset += size) {
        frames.push(stream.subarray(offset, offset + size));
        for (let frame = frames.next(); frame; frame = frames.next()) out.push(frame);
      }
      expect(out).toEqual(bodies.slice(0, out.length));
      expect(out.length).toBeGreaterThanOrEqual(3);
    }
    expect(() => encodeFrame(new Uint8Array(65_536))).toThrow(RangeError);
  });
});
