/** The daemon of a data folder, asked with a deadline for each answer. The connection is made once, and closed when the signal fires. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket as UnixWebSocket } from 'ws';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import { daemonOf, findDaemon, DataFolderError, type Endpoint } from '../data-folder.ts';
import type { DaemonQuestions, DaemonView } from './look.ts';

export interface AskDaemonOptions {
  /** For the connection, and for each answer. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
}

/** Never rejects. */
export async function askDaemon(dataFolder: string, { answerMs, signal }: AskDaemonOptions): Promise<DaemonView> {
  if (await isForbidden(dataFolder)) return { state: 'forbidden' };
  const found = find(dataFolder);
  if (!('endpoint' in found)) return found;
  const { endpoint, token } = found;
  try {
    const client = await connectTo(endpoint, { token, answerMs });
    signal.addEventListener('abort', () => client.close(), { once: true });
    const info = await client.call('system.info', {}, { timeoutMs: answerMs });
    return { state: 'running', endpoint, info, ask: questionsTo(client, answerMs) };
  } catch (error) {
    return { state: 'mute', pid: endpoint.pid, why: error instanceof Error ? error.message : String(error) };
  }
}

function questionsTo(client: Client, timeoutMs: number): DaemonQuestions {
  const soon = { timeoutMs };
  return {
    health: () => client.call('system.health', {}, soon),
    readers: () => client.call('reader.list', {}, soon),
    cards: () => client.call('card.list', {}, soon),
    pads: () => client.call('pad.list', {}, soon),
    scanners: () => client.call('scanner.list', {}, soon),
    records: (params) => client.call('audit.list', params, soon),
  };
}

async function isForbidden(dataFolder: string): Promise<boolean> {
  try {
    await access(dataFolder);
    await readFile(join(dataFolder, 'endpoint.json'));
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
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
