/** What the agent connects with, in the test's own process: a Unix socket in a folder of its own, behind it the daemon's real desk of prompts. */
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { PromptDesk } from '../../daemon/prompt/prompt-desk.ts';
import { StationLink } from '../../daemon/prompt/station-link.ts';
import { STATION_MESSAGE_BYTES, STATION_SUBPROTOCOL } from '../../daemon/prompt/station-messages.ts';

const PLACE_DEADLINE_MS = 15_000;
export const USER = 'somebody';

export interface DaemonSide extends AsyncDisposable {
  readonly socketPath: string;
  readonly prompts: PromptDesk;
  /** Resolves when an agent is there. */
  whenAgent(): Promise<void>;
  /** Takes the socket and everything behind it away, as a daemon that ends does, and puts it back. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function openDaemonSide(): Promise<DaemonSide> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-agent-'));
  const socketPath = join(folder, 'socket');
  const prompts = new PromptDesk();
  const accept = (socket: WebSocket): void => {
    const station = new StationLink(socket, { place: 'agent', user: USER });
    const registration = prompts.add(station);
    void station.closed.then(() => registration[Symbol.dispose]());
  };
  let server = await listen(socketPath, accept);
  return {
    socketPath,
    prompts,
    whenAgent: () => prompts.whenPlace(USER, AbortSignal.timeout(PLACE_DEADLINE_MS)),
    stop: async () => server[Symbol.asyncDispose](),
    start: async () => {
      server = await listen(socketPath, accept);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server at this path that takes stations; `accept` gets the open socket. */
export async function listen(
  path: string,
  accept: (socket: WebSocket) => void,
  { autoPong = true } = {},
): Promise<AsyncDisposable> {
  const server: Server = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: STATION_MESSAGE_BYTES,
    perMessageDeflate: false,
    autoPong,
    handleProtocols: (offered) => (offered.has(STATION_SUBPROTOCOL) ? STATION_SUBPROTOCOL : false),
  });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/v1/prompts' || request.headers.host !== 'localhost') socket.destroy();
    else sockets.handleUpgrade(request, socket, head, accept);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
