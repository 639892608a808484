/** A place where a person answers, at the daemon's own Unix socket: the test is the person. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { EnteredPins, type EntryName } from '../../daemon/prompt/entered-pins.ts';
import type { Prompt } from '../../daemon/prompt/prompt.ts';
import { encodeEntries, STATION_SUBPROTOCOL, type ToStation } from '../../daemon/prompt/station-messages.ts';
import { Secret } from '../../apdu/secret.ts';
import { noteTyped } from '../evidence/typed.ts';
import { eventually, type Bench } from '../api/support.ts';

export class TestStation implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly messages: ToStation[] = [];
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.messages.push(JSON.parse((data as Buffer).toString()) as ToStation));
  }

  static async open({ dataFolder }: Pick<Bench, 'dataFolder'>): Promise<TestStation> {
    const socket = new WebSocket(`ws+unix:${dataFolder}/socket:/v1/prompts`, STATION_SUBPROTOCOL);
    const station = new TestStation(socket);
    await once(socket, 'open');
    return station;
  }

  /** The next prompt that comes, or came and was not looked at. */
  async prompt(): Promise<{ readonly id: number; readonly prompt: Prompt }> {
    const message = await eventually('a prompt at the station', () => this.messages[this.#taken]);
    this.#taken++;
    if (message.type !== 'prompt') throw new Error(`the station got ${message.type}, not a prompt`);
    return message;
  }

  async withdrawn(id: number): Promise<void> {
    await eventually('a withdrawal at the station', () => this.messages.some((one) => one.type === 'withdraw' && one.id === id));
    this.#taken = this.messages.length;
  }

  type(id: number, entries: Partial<Record<EntryName, string>>): void {
    using pins = new EnteredPins();
    for (const [name, text] of Object.entries(entries)) {
      noteTyped(text);
      pins.add(name as EntryName, Secret.fromText(text));
    }
    this.#socket.send(encodeEntries(id, pins));
  }

  answer(id: number, outcome: 'approved' | 'cancelled' | 'failed' | 'timed_out', problem?: string): void {
    this.#socket.send(JSON.stringify({ type: 'answer', id, outcome, ...(problem === undefined ? {} : { problem }) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
