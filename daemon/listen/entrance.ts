/**
 * After the gate: counts who came in. Whoever was refused is told why once, and the connection ends: nothing that was sent behind it is looked at.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { MESSAGE_BYTES, REFUSALS } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Admission } from './admission.ts';
import type { Connection, Connections } from './connections.ts';
import { tooManyCalls, tooManyMessages, type Quota, type Quotas } from './quotas.ts';
import { TokenBucket } from './token-bucket.ts';

export interface EntranceOptions {
  readonly connections: Connections;
  readonly quotas: Quotas;
  /** Some user has granted the origin something. */
  readonly knows: (origin: string) => boolean;
}

export class Entrance {
  readonly #options: EntranceOptions;
  readonly #refusals = new TokenBucket(REFUSALS);

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Of its origin; undefined for a program. Throws too_many_calls when the origin has too many connections, or sends too much. */
  enter(request: IncomingMessage, admission: Admission): Quota | undefined {
    const { connections, quotas, knows } = this.#options;
    const quota = admission.kind === 'web' ? quotas.of(admission, knows(admission.origin)) : undefined;
    connections.admit(this.connectionOf(request.socket), quota);
    if (quota && quota.takeMessage(bodyBytes(request)) !== 'ok') throw tooManyMessages(quota);
    return quota;
  }

  /** The same for a REST call, which is under way until `onAnswered` calls. Throws too_many_calls. */
  enterForCall(request: IncomingMessage, admission: Admission, onAnswered: (ended: () => void) => void): void {
    const quota = this.enter(request, admission);
    if (!quota) return;
    if (!quota.beginCall()) throw tooManyCalls(quota);
    onAnswered(() => quota.endCall());
  }

  connectionOf(socket: Socket): Connection {
    const connection = this.#options.connections.of(socket);
    if (!connection) throw new ApiError('internal_error', 'answering a request: its connection was not counted');
    return connection;
  }

  /** To be called before a refusal is answered. False when it is not to be: there are too many, and the connection is cut. */
  refuse(socket: Socket): boolean {
    const connection = this.connectionOf(socket);
    this.#options.connections.refuse(connection);
    if (this.#refusals.take(1)) return true;
    connection.cut();
    return false;
  }
}

/** One that does not say how long it is may be as long as any. */
function bodyBytes({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return MESSAGE_BYTES;
  return Math.min(Number(headers['content-length'] ?? 0), MESSAGE_BYTES);
}
