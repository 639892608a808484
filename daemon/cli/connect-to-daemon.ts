import { WebSocket as UnixWebSocket } from 'ws';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import { findDaemon, type Endpoint } from '../data-folder.ts';

export interface Connected {
  readonly client: Client;
  readonly daemon: Endpoint;
}

/**
 * Through the Unix socket of the data folder, so that others who find a card busy are told that it is this command; with the token where there are no such
 * sockets. Throws DataFolderError when no daemon runs, and what `connect` throws. Whoever asked closes the client.
 */
export async function connectToDaemon(dataDir: string): Promise<Connected> {
  const { token, ...daemon } = findDaemon(dataDir);
  process.title = 'kortd';
  if (process.platform === 'win32') return { daemon, client: await connect({ url: daemon.url, token }) };
  const openSocket = (protocols: string[]): WebSocket =>
    new UnixWebSocket(`ws+unix:${daemon.socket}:${WEB_SOCKET_PATH}`, protocols, {
      perMessageDeflate: false,
    }) as unknown as WebSocket;
  return { daemon, client: await connect({ url: daemon.url, openSocket }) };
}
