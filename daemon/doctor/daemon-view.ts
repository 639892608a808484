/** The daemon of a data folder, asked with a deadline for each answer. The connection is made once, and closed when the signal fires. */
import { once } from 'node:events';
import { access, constants, readFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { WebSocket as UnixWebSocket } from 'ws';
import { connect, type CallOptions, type Client, type EventNotice } from '../../api-spec/client/client.ts';
import { WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import { daemonOf, findDaemon, DataFolderError, type Endpoint } from '../data-folder.ts';
import type { DaemonQuestions, DaemonView } from './look.ts';

export interface AskDaemonOptions {
  /** For the connection, and for each answer. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
  /** That the service opens for members of its group, who cannot enter its data folder. Undefined: the folder is not the service's. */
  readonly groupSocket: string | undefined;
  /** Rejects with EACCES for a folder that is another user's; for tests, which run as root. */
  readonly look?: (dataFolder: string) => Promise<unknown>;
}

/** Never rejects. */
export async function askDaemon(dataFolder: string, options: AskDaemonOptions): Promise<DaemonView> {
  const { answerMs, signal, look = readEndpoint } = options;
  const found = (await isForbidden(look(dataFolder))) ? await findByGroup(options) : find(dataFolder);
  if (!('endpoint' in found)) return found;
  const { endpoint, token } = found;
  try {
    const client = await connectTo(endpoint, { token, answerMs });
    signal.addEventListener('abort', () => client.close(), { once: true });
    const ask = questionsTo(client, answerMs);
    return { state: 'running', endpoint, info: await ask.info(), ask };
  } catch (error) {
    return { state: 'mute', pid: endpoint.pid, why: error instanceof Error ? error.message : String(error) };
  }
}

function questionsTo(client: Client, timeoutMs: number): DaemonQuestions {
  // A daemon that hangs ends no call, whatever deadline it was told.
  const soon = () => ({ timeoutMs, signal: AbortSignal.timeout(timeoutMs) });
  return {
    info: () => client.call('system.info', {}, soon()),
    health: () => client.call('system.health', {}, soon()),
    readers: () => client.call('reader.list', {}, soon()),
    cards: () => client.call('card.list', {}, soon()),
    pads: () => client.call('pad.list', {}, soon()),
    scanners: () => client.call('scanner.list', {}, soon()),
    records: (params) => client.call('audit.list', params, soon()),
    events: () => lastEvents(client, soon),
  };
}

/** Those that the daemon still has: what is replayed stands before the answer to the next call. */
async function lastEvents(client: Client, soon: () => CallOptions): Promise<readonly EventNotice[]> {
  const events: EventNotice[] = [];
  const isOver = new AbortController();
  const onEvent = (event: EventNotice): void => {
    if (!isOver.signal.aborted) events.push(event);
  };
  await client.subscribe({ onEvent }, { since: 0 });
  await client.call('system.health', {}, soon());
  isOver.abort();
  return events;
}

async function readEndpoint(dataFolder: string): Promise<unknown> {
  await access(dataFolder);
  return await readFile(join(dataFolder, 'endpoint.json'));
}

async function isForbidden(looking: Promise<unknown>): Promise<boolean> {
  try {
    await looking;
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
  }
}

/** Which process it is, such a socket does not tell. */
async function findByGroup({ groupSocket: socket, answerMs }: AskDaemonOptions): Promise<Found> {
  if (socket === undefined) return { state: 'forbidden' };
  try {
    await access(socket, constants.R_OK | constants.W_OK);
    if (await isRefused(socket, answerMs)) return { state: 'none' };
    return { endpoint: { url: 'http://127.0.0.1', socket, pid: 0, version: '' }, token: '' };
  } catch {
    return { state: 'forbidden' }; // no such socket, or not for this user
  }
}

/** The file is there, and nobody listens at it: the service was stopped, and its socket with it. */
async function isRefused(path: string, answerMs: number): Promise<boolean> {
  const socket = connectSocket(path);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(answerMs) });
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

type Found = { readonly endpoint: Endpoint; readonly token: string } | Exclude<DaemonView, { readonly state: 'running' }>;

function find(dataFolder: string): Found {
  try {
    const { token, ...endpoint } = findDaemon(dataFolder);
    return { endpoint, token };
  } catch (error) {
    if (!(error instanceof DataFolderError || error instanceof SyntaxError)) throw error;
    const pid = daemonOf(dataFolder);
    return pid === undefined ? { state: 'none' } : { state: 'died', pid };
  }
}

interface Way {
  readonly token: string;
  readonly answerMs: number;
}

function connectTo({ url, socket }: Endpoint, { token, answerMs }: Way): Promise<Client> {
  const options = { url, timeoutMs: answerMs, minApiVersion: 1 };
  if (process.platform === 'win32') return connect({ ...options, token });
  const openSocket = (protocols: string[]): WebSocket =>
    new UnixWebSocket(`ws+unix:${socket}:${WEB_SOCKET_PATH}`, protocols, { perMessageDeflate: false }) as unknown as WebSocket;
  return connect({ ...options, openSocket });
}
