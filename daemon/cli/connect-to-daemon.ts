import { accessSync, constants, existsSync } from 'node:fs';
import { WebSocket as UnixWebSocket } from 'ws';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import { DataFolderError, SERVICE_SOCKET, defaultDataFolder, findDaemon, type Endpoint } from '../data-folder.ts';

export interface Connected {
  readonly client: Client;
  /** Of a daemon whose data folder this user can read. */
  readonly endpoint?: Endpoint;
}

/** No answer comes from it: with a socket opened by the caller, the client asks for none. */
const URL_OF_SOCKET = 'http://127.0.0.1';

/**
 * Through the Unix socket of the data folder, so that others who find a card busy are told that it is this command; with the token where there are no such
 * sockets. Where no folder was named and no daemon of the user's own runs, through that of the installed service. Throws DataFolderError when no daemon runs, and
 * what `connect` throws. Whoever asked closes the client.
 */
export async function connectToDaemon(dataDir: string, serviceSocket: string = SERVICE_SOCKET): Promise<Connected> {
  process.title = 'kortd';
  let found: ReturnType<typeof findDaemon>;
  try {
    found = findDaemon(dataDir);
  } catch (error) {
    if (!(error instanceof DataFolderError) || dataDir !== defaultDataFolder() || !existsSync(serviceSocket)) throw error;
    return { client: await connectToSocket(URL_OF_SOCKET, usable(serviceSocket)) };
  }
  const { token, ...endpoint } = found;
  if (process.platform === 'win32') return { endpoint, client: await connect({ url: endpoint.url, token }) };
  return { endpoint, client: await connectToSocket(endpoint.url, endpoint.socket) };
}

function usable(serviceSocket: string): string {
  try {
    accessSync(serviceSocket, constants.R_OK | constants.W_OK);
    return serviceSocket;
  } catch (error) {
    throw new DataFolderError(
      `kortd runs as a service, and this user may not use it at ${serviceSocket}. Have an administrator run "adduser NAME kortd", and log in anew.`,
      { cause: error },
    );
  }
}

function connectToSocket(url: string, socket: string): Promise<Client> {
  const openSocket = (protocols: string[]): WebSocket =>
    new UnixWebSocket(`ws+unix:${socket}:${WEB_SOCKET_PATH}`, protocols, {
      perMessageDeflate: false,
    }) as unknown as WebSocket;
  return connect({ url, openSocket });
}
