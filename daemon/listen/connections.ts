/**
 * Every connection from when it is made. One that has not passed the gate is a stranger: there may be few of them, for a short while, and when there is one
 * too many the oldest goes, so that who really has something to say always gets in. Connections through a Unix socket are no strangers: the kernel let them in.
 */
import type { Socket } from 'node:net';
import { HEADERS_MS, STALLED_ANSWER_MS, UNKNOWN_CONNECTIONS } from '../api/limits.ts';
import type { Quota, Quotas } from './quotas.ts';

/** Node answers slow heads itself; this is for those that it does not see: TLS handshakes, and what has been refused and does not close. */
const STRANGER_MS = HEADERS_MS + 1_000;

export type ConnectionKind = 'tcp' | 'unix';

export class Connection {
  readonly kind: ConnectionKind;
  /** The connection itself, also when TLS is spoken over it. */
  readonly socket: Socket;
  /** What is written to: the same, or TLS over it. */
  layer: Socket;
  /** A request has not been answered whole. */
  isBusy = false;
  /** What came behind it (pipelining) and is to be handled after it. */
  readonly waiting: (() => void)[] = [];
  /** It gets no further answer. */
  isRefused = false;
  readonly quotas = new Set<Quota>();
  strangerSince = 0;
  /** At the latest look: bytes that have gone while others wait, and since when they have been so many. */
  readonly sent: { bytes: number | undefined; since: number } = { bytes: undefined, since: 0 };

  constructor(socket: Socket, kind: ConnectionKind) {
    this.kind = kind;
    this.socket = socket;
    this.layer = socket;
  }

  /**
   * At once, and with a reset, so that the kernel need not remember it for a minute. Not where an end is on its way already: Node then loses the
   * descriptor (libuv refuses to reset what is shutting down, and Node does not close it instead; Node 24.21).
   */
  cut(): void {
    const { socket, layer } = this;
    const canReset = this.kind === 'tcp' && layer === socket && !socket.destroyed && !socket.writableEnded;
    if (canReset) socket.resetAndDestroy();
    else for (const part of [layer, socket]) part.destroy();
  }
}

export class Connections implements Disposable {
  readonly #quotas: Quotas;
  readonly #now: () => number;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #all = new Set<Connection>();
  /** In the order in which they became strangers. */
  readonly #strangers = new Set<Connection>();

  constructor(quotas: Quotas, now: () => number = () => performance.now()) {
    this.#quotas = quotas;
    this.#now = now;
  }

  get size(): number {
    return this.#all.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  add(socket: Socket, kind: ConnectionKind): Connection {
    const connection = new Connection(socket, kind);
    this.#bySocket.set(socket, connection);
    this.#all.add(connection);
    socket.once('close', () => this.#remove(connection));
    if (kind === 'tcp') this.#estrange(connection);
    return connection;
  }

  /** TLS over a connection: what is said over it is said over that one. */
  addLayer(layer: Socket): void {
    const port = layer.remotePort;
    for (const connection of this.#strangers) {
      const { remotePort, localPort, remoteFamily } = connection.socket;
      if (remotePort !== port || localPort !== layer.localPort || remoteFamily !== layer.remoteFamily) continue;
      connection.layer = layer;
      this.#bySocket.set(layer, connection);
      return;
    }
    layer.destroy();
  }

  of(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  /** The gate let it pass. Throws too_many_calls when its origin has too many. */
  admit(connection: Connection, quota: Quota | undefined): void {
    if (quota && !connection.quotas.has(quota)) {
      this.#quotas.connect(quota);
      connection.quotas.add(quota);
    }
    this.#strangers.delete(connection);
  }

  /** It is told why, and then it goes. */
  refuse(connection: Connection): void {
    connection.isRefused = true;
    this.#estrange(connection);
  }

  /** To be called about once a second. */
  sweep(): void {
    const now = this.#now();
    for (const connection of this.#strangers) {
      if (connection.strangerSince > now - STRANGER_MS) break;
      connection.cut();
    }
    for (const connection of this.#all) if (this.#isStalled(connection, now)) connection.cut();
  }

  [Symbol.dispose](): void {
    for (const connection of this.#all) connection.socket.destroy();
  }

  #estrange(connection: Connection): void {
    if (this.#strangers.has(connection)) return;
    connection.strangerSince = this.#now();
    this.#strangers.add(connection);
    if (this.#strangers.size <= UNKNOWN_CONNECTIONS) return;
    const [oldest] = this.#strangers;
    if (!oldest) return;
    this.#strangers.delete(oldest);
    oldest.cut();
  }

  #isStalled({ layer, sent }: Connection, now: number): boolean {
    const gone = layer.writableLength === 0 ? undefined : layer.bytesWritten - layer.writableLength;
    if (gone === undefined || gone !== sent.bytes) {
      sent.bytes = gone;
      sent.since = now;
    }
    return now - sent.since > STALLED_ANSWER_MS;
  }

  #remove(connection: Connection): void {
    this.#all.delete(connection);
    this.#strangers.delete(connection);
    for (const quota of connection.quotas) this.#quotas.disconnect(quota);
  }
}
