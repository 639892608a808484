/**
 * How the page that shows the desk gets its data: the same JSON-RPC calls and events as the API's, on a WebSocket of the console's port, by the same
 * dispatcher and event log, as a caller of its own that the audit log names. A session opens it; what it may call stands in desk-rights.ts.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Dispatcher } from '../api/dispatcher.ts';
import type { EventLog } from '../api/event-log.ts';
import { MESSAGE_BYTES, MESSAGE_PARTS } from '../api/limits.ts';
import { Backlogs } from '../listen/backlogs.ts';
import { Rounds } from '../listen/inbox.ts';
import { WebSocketConnection } from '../listen/web-socket.ts';
import type { Log } from '../log.ts';
import { DESK_METHODS, DESK_SCOPES } from './desk-rights.ts';
import { userNameOf } from './user-name.ts';

/** The page has the same: desk-page/session.ts. */
export const DESK_SUBPROTOCOL = 'kortd.desk.v1';

export interface DeskParts {
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  /** What was held for the caller goes with it. */
  readonly onClientGone: (callerId: string) => void;
}

export class DeskChannel implements Disposable {
  readonly #parts: DeskParts;
  readonly #log: Log;
  readonly #backlogs = new Backlogs();
  readonly #rounds = new Rounds();
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES,
    ...MESSAGE_PARTS,
    autoPong: false,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(DESK_SUBPROTOCOL) ? DESK_SUBPROTOCOL : false),
  });

  constructor(parts: DeskParts, log: Log) {
    this.#parts = parts;
    this.#log = log;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, onOpen: (webSocket: WebSocket) => void): void {
    this.#sockets.handleUpgrade(request, socket, head, onOpen);
  }

  /** Lets the user's page call. Resolves when it is gone. */
  serve(socket: WebSocket, user: string): Promise<void> {
    const connection = new WebSocketConnection(socket, {
      dispatcher: this.#parts.dispatcher,
      events: this.#parts.events,
      log: this.#log,
      admission: {
        kind: 'console',
        user,
        name: `console of ${userNameOf(user)}`,
        scopes: DESK_SCOPES,
        methods: DESK_METHODS,
      },
      quota: undefined,
      backlogs: this.#backlogs,
      rounds: this.#rounds,
      onClose: this.#parts.onClientGone,
    });
    return connection.closed;
  }

  [Symbol.dispose](): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
  }
}
