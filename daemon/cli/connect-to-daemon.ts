import { WebSocket as UnixWebSocket } from 'ws';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import type { Endpoint } from '../data-folder.ts';
import { findDoor, type DoorOptions } from '../service/door.ts';

export interface Connected {
  readonly client: Client;
  /** Of a daemon whose data folder this user can read. */
  readonly endpoint?: Endpoint;
}

/** No answer comes from it: with a socket opened by the caller, the client asks for none. */
const URL_OF_SOCKET = 'http://127.0.0.1';

/**
 * Through a Unix socket, so that others who find a card busy are told that it is this command; with the token where there are no such sockets. Throws
 * DataFolderError when no daemon runs, and what `connect` throws. Whoever asked closes the client.
 */
export async function connectToDaemon(dataDir: string, options: DoorOptions = {}): Promise<Connected> {
  process.title = 'kortd';
  const door = await findDoor(dataDir, options);
  if ('serviceSocket' in door) return { client: await connectToSocket(URL_OF_SOCKET, door.serviceSocket) };
  const { endpoint, token } = door;
  if (process.platform === 'win32') return { endpoint, client: await connect({ url: endpoint.url, token }) };
  return { endpoint, client: await connectToSocket(endpoint.url, endpoint.socket) };
}

function connectToSocket(url: string, socket: string): Promise<Client> {
  const openSocket = (protocols: string[]): WebSocket =>
    new UnixWebSocket(`ws+unix:${socket}:${WEB_SOCKET_PATH}`, protocols, {
      perMessageDeflate: false,
    }) as unknown as WebSocket;
  return connect({ url, openSocket });
}
