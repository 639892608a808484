/**
 * The helper in a person's session: a system service has no screen, so that this shows its trusted prompts. It stays connected with the daemon's Unix socket for
 * as long as it lives. Who may ask through the socket is told by the owners and permissions of its file, both ways; there is no token.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Log } from '../../log.ts';
import { PROMPT_MESSAGE_BYTES, STATION_SUBPROTOCOL, PROMPTS_PATH } from '../station-messages.ts';
import { answerPrompts, type Show } from './daemon-connection.ts';
import { checkPeer, checkSocketFile, UntrustedSocketError } from './trusted-socket.ts';

/** The name is Node's own for a Unix socket: the gate wants a Host that is this machine. */
const URL = `ws://localhost${PROMPTS_PATH}`;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEARTBEAT_MS = 20_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** A connection that lasted as long was a good one: the next delay is the first again. */
const GOOD_AFTER_MS = 5_000;

export interface AgentOptions {
  /** Asked before each try: a daemon that was started anew may have another. */
  readonly socketPath: () => string;
  /** Users whose daemon is believed. */
  readonly trustedUsers: ReadonlySet<number>;
  readonly show: Show;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onConnected?: () => void;
  /** For tests: how long a daemon may be silent. */
  readonly heartbeatMs?: number;
  readonly random?: () => number;
}

/** Resolves when the signal has fired and everything is closed. Throws UntrustedSocketError when the socket could be somebody else's. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { signal, random = Math.random } = options;
  const tryOnce = createTries(options);
  let delayMs = FIRST_DELAY_MS;
  while (!signal.aborted) {
    const begun = performance.now();
    await tryOnce();
    if (performance.now() - begun >= GOOD_AFTER_MS) delayMs = FIRST_DELAY_MS;
    await pause(delayMs * (0.5 + 0.5 * random()), signal);
    delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS);
  }
}

/** One connection, from its beginning to its end. The same problem is logged once, until it worked again. */
function createTries(options: AgentOptions): () => Promise<void> {
  const { log, signal } = options;
  let told: string | undefined;
  return async () => {
    try {
      const path = options.socketPath();
      const { ended } = await openConnection(path, options);
      log.info({ socket: path }, 'connected with the daemon');
      told = undefined;
      options.onConnected?.();
      await ended;
      log.info({ socket: path }, 'the connection with the daemon ended');
    } catch (error) {
      if (error instanceof UntrustedSocketError) throw error;
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== told && !signal.aborted) log.info({ problem }, 'no connection with the daemon; trying again');
      told = problem;
    }
  };
}

/** Resolves when the daemon has accepted; `ended` does when the connection is over. */
async function openConnection(path: string, options: AgentOptions): Promise<{ readonly ended: Promise<void> }> {
  const { signal, trustedUsers } = options;
  checkSocketFile(path, trustedUsers);
  let problem: Error | undefined;
  const socket = new WebSocket(URL, STATION_SUBPROTOCOL, {
    createConnection: () => openSocket(path, trustedUsers, (error) => (problem = error)),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    maxPayload: PROMPT_MESSAGE_BYTES,
    perMessageDeflate: false,
    // The mask protects proxies (RFC 6455, section 10.3), and there is none on a Unix socket. With this one the library makes no masked copy that nobody wipes.
    generateMask: (mask) => mask.fill(0),
  });
  const giveUp = (): void => socket.terminate();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      // The first prompt may have come with the handshake.
      socket.once('open', () => resolve({ ended: answerPrompts(socket, { heartbeatMs: HEARTBEAT_MS, ...options }) }));
      socket.once('close', () => reject(problem ?? new Error(`connecting to ${path}: the daemon closed the connection`)));
      socket.on('error', (error) => {
        problem ??= error;
        socket.terminate();
      });
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Nothing is sent before it is known who is at the other end. */
function openSocket(path: string, trusted: ReadonlySet<number>, onProblem: (error: Error) => void): Socket {
  // The library's own limit for the handshake counts on a socket that was told of it; it takes the limit away when the handshake is over.
  const connection = connect({ path, timeout: HANDSHAKE_TIMEOUT_MS });
  connection.prependOnceListener('connect', () => {
    try {
      checkPeer(connection, path, trusted);
    } catch (error) {
      onProblem(error as Error);
      connection.destroy(error as Error);
    }
  });
  return connection;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
