/**
 * The PC/SC service asked as its clients ask it, but with a deadline for each answer: who connects through the library waits for ever at a service that hangs.
 * Linux; on other systems the daemon's own view has to do.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CMD_GET_READERS_STATE,
  ESTABLISH_ANSWER,
  READERS_ANSWER,
  VERSION_ANSWER,
  encodeEstablishContext,
  encodeReadersCommand,
  encodeVersion,
  type AnswerLayout,
  type ReaderRow,
} from '../../drivers/pcsc/pcscd-messages.ts';
import type { Said } from './check.ts';
import { openPcscdLink, type PcscdLink } from '../../drivers/pcsc/pcscd-link.ts';
import { SCARD_W_SECURITY_VIOLATION } from '../../drivers/pcsc/result-code.ts';

/**
 * `absent`: there is no socket. `refused`: a socket, and nobody listens. `forbidden`: this user may not connect. `hangs`: no answer in time.
 * `denied`: the service itself refuses this user (polkit). `unknown`: it speaks another version of its protocol.
 */
export type PcscService =
  | {
      readonly state: 'absent' | 'refused' | 'forbidden' | 'hangs' | 'denied' | 'unknown';
      readonly socket: string;
      readonly why: Said;
    }
  | { readonly state: 'answers'; readonly socket: string; readonly readers: readonly ReaderRow[] };

/** src/winscard_msg.c, getSocketName, of pcsc-lite. */
export const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
const SCOPE_SYSTEM = 2;
/** As drivers/pcsc/pcscd-winscard.ts tries them. */
const VERSIONS = [
  { major: 4, minor: 4 },
  { major: 4, minor: 5 },
] as const;
const LOOK_AGAIN_MS = 20;

export interface AskOptions {
  readonly socket: string;
  /** For the whole of it. */
  readonly timeoutMs: number;
}

/** Never rejects. */
export async function askPcscService({ socket, timeoutMs }: AskOptions): Promise<PcscService> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const reached = await reach(socket, deadline);
  if (reached !== 'reached') return reached;
  for (const version of VERSIONS) {
    const answer = await ask({ socket, version, deadline });
    if (answer.state !== 'unknown') return answer;
  }
  return {
    state: 'unknown',
    socket,
    why: {
      en: 'it refused the versions 4:4 and 4:5 of its protocol',
      sv: 'den avvisade versionerna 4:4 och 4:5 av sitt protokoll',
    },
  };
}

/** pcscd lets one client wait to be connected: who is turned away by that tries again. */
async function reach(socket: string, deadline: AbortSignal): Promise<PcscService | 'reached'> {
  for (;;) {
    const connection = connect(socket);
    try {
      await once(connection, 'connect', { signal: deadline });
      return 'reached';
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (deadline.aborted)
        return {
          state: 'hangs',
          socket,
          why: { en: 'it took no connection in time', sv: 'den tog inte emot någon anslutning i tid' },
        };
      if (code === 'ENOENT' || code === 'ENOTDIR')
        return { state: 'absent', socket, why: { en: `${socket} is not there`, sv: `${socket} finns inte` } };
      if (code === 'EACCES' || code === 'EPERM')
        return {
          state: 'forbidden',
          socket,
          why: { en: `connecting to ${socket}: ${code}`, sv: `ansluter till ${socket}: ${code}` },
        };
      if (code !== 'EAGAIN')
        return {
          state: 'refused',
          socket,
          why: { en: `connecting to ${socket}: ${code}`, sv: `ansluter till ${socket}: ${code}` },
        };
    } finally {
      connection.destroy();
    }
    await pause(LOOK_AGAIN_MS);
  }
}

interface Conversation {
  readonly socket: string;
  readonly version: (typeof VERSIONS)[number];
  readonly deadline: AbortSignal;
}

async function ask({ socket, version, deadline }: Conversation): Promise<PcscService> {
  const link = openPcscdLink(socket);
  try {
    const said = await within(link, deadline, { message: encodeVersion(version), layout: VERSION_ANSWER });
    if (said === 'late')
      return {
        state: 'hangs',
        socket,
        why: { en: 'it took the connection and answered nothing', sv: 'den tog emot anslutningen och svarade ingenting' },
      };
    if (said.result === SCARD_W_SECURITY_VIOLATION)
      return {
        state: 'denied',
        socket,
        why: { en: 'it hung up on the first message', sv: 'den kopplade ned vid det första meddelandet' },
      };
    if (said.result !== 0) return { state: 'unknown', socket, why: hex(said.result) };
    const context = await within(link, deadline, { message: encodeEstablishContext(SCOPE_SYSTEM), layout: ESTABLISH_ANSWER });
    if (context === 'late')
      return {
        state: 'hangs',
        socket,
        why: { en: 'it gave its version and no context', sv: 'den gav sin version men ingen kontext' },
      };
    if (context.result !== 0)
      return {
        state: 'denied',
        socket,
        why: {
          en: `asking for a context: it answered ${hex(context.result)}`,
          sv: `en kontext begärdes: den svarade ${hex(context.result)}`,
        },
      };
    const table = await within(link, deadline, { message: encodeReadersCommand(CMD_GET_READERS_STATE), layout: READERS_ANSWER });
    if (table === 'late')
      return {
        state: 'hangs',
        socket,
        why: { en: 'it gave a context and no readers', sv: 'den gav en kontext men inga läsare' },
      };
    return { state: 'answers', socket, readers: table.readers };
  } finally {
    link.close();
  }
}

interface Question<T extends { readonly result: number }> {
  readonly message: Uint8Array;
  readonly layout: AnswerLayout<T>;
}

async function within<T extends { readonly result: number }>(
  link: PcscdLink,
  deadline: AbortSignal,
  { message, layout }: Question<T>,
): Promise<T | 'late'> {
  if (deadline.aborted) return 'late';
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const onAbort = (): void => resolve('late');
  deadline.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([link.request(message, layout), late]);
  } finally {
    deadline.removeEventListener('abort', onAbort);
  }
}

function hex(result: number): string {
  return (result >>> 0).toString(16).toUpperCase().padStart(8, '0');
}
