/**
 * Pings every WebSocket, and ends those that do not answer: a computer that sleeps or a program that hangs sends no close, and what it holds would be
 * kept from others. Browsers answer by themselves, also for a page that is busy or frozen.
 */
import type { WebSocket } from 'ws';
import { HEARTBEAT_MS } from '../api/limits.ts';

export interface HeartbeatOptions {
  readonly intervalMs?: number;
  readonly now?: () => number;
}

export class Heartbeat implements Disposable {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** Each with whether it has been heard of since the latest ping. */
  readonly #sockets = new Map<WebSocket, boolean>();
  readonly #timer: NodeJS.Timeout;
  #beatAt: number;

  constructor({ intervalMs = HEARTBEAT_MS, now = () => performance.now() }: HeartbeatOptions = {}) {
    this.#intervalMs = intervalMs;
    this.#now = now;
    this.#beatAt = now();
    this.#timer = setInterval(() => this.beat(), intervalMs).unref();
  }

  /** Until it closes. Whatever comes from it counts. */
  add(socket: WebSocket): void {
    this.#sockets.set(socket, true);
    const hear = (): void => void this.#sockets.set(socket, true);
    for (const event of ['message', 'ping', 'pong'] as const) socket.on(event, hear);
    socket.once('close', () => {
      for (const event of ['message', 'ping', 'pong'] as const) socket.off(event, hear);
      this.#sockets.delete(socket);
    });
  }

  beat(): void {
    const late = this.#now() - this.#beatAt > 2 * this.#intervalMs;
    this.#beatAt = this.#now();
    for (const [socket, isHeard] of this.#sockets) {
      // When this process itself was stopped, the answers may lie there unread.
      if (!isHeard && !late) socket.terminate();
      else if (socket.readyState === socket.OPEN) {
        this.#sockets.set(socket, false);
        socket.ping();
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
