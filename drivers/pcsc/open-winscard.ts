/**
 * Which way leads to PC/SC. On Linux pcscd's own protocol, from the event loop, when the service speaks a version of it that is known here;
 * the system's library on threads otherwise, and on every other system. Decided at the first context, and again after the service was away,
 * because another version of it may have come back.
 */
import { ServiceUnavailableError } from '../errors.ts';
import { limitCalls, processBlockingCalls } from './blocking-calls.ts';
import { connectPcscd, type PcscdWinScard } from './pcscd-winscard.ts';
import { SCARD_E_SERVICE_STOPPED, SCARD_F_COMM_ERROR, SCARD_W_SECURITY_VIOLATION } from './result-code.ts';
import type { WinScard } from './winscard.ts';

/** Forces one way: `socket` or `library`. */
const WAY_VARIABLE = 'KORTD_PCSC';

export interface OpenWinScardOptions {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly platformName?: NodeJS.Platform;
  readonly socket?: PcscdWinScard;
  /** Called when the library is needed for the first time. May throw ServiceUnavailableError. */
  readonly loadLibrary?: () => Promise<WinScard>;
}

/** How pcscd answers a client whose version it does not speak: with a refusal, with something else, or by hanging up. */
const NOT_UNDERSTOOD: ReadonlySet<number> = new Set([SCARD_E_SERVICE_STOPPED, SCARD_F_COMM_ERROR, SCARD_W_SECURITY_VIOLATION]);

/** Opens nothing yet. Throws ServiceUnavailableError for a way that is forced and not known. */
export async function openWinScard(options: OpenWinScardOptions = {}): Promise<WinScard> {
  const { environment = process.env, platformName = process.platform, loadLibrary = loadLimitedLibrary } = options;
  const way = environment[WAY_VARIABLE] ?? '';
  if (way !== '' && way !== 'socket' && way !== 'library')
    throw new ServiceUnavailableError(`opening PC/SC: ${WAY_VARIABLE} is "${way}", and neither "socket" nor "library"`);
  if (way === 'library' || platformName !== 'linux') return loadLibrary();
  const socket = options.socket ?? connectPcscd(environment);
  return way === 'socket' ? socket : eitherWay(socket, loadLibrary);
}

async function loadLimitedLibrary(): Promise<WinScard> {
  const calls = processBlockingCalls();
  const { loadWinScard } = await import('./winscard.ts');
  return limitCalls(loadWinScard(), calls);
}

/** Handles of the socket's are below zero, those of the library are not. */
function eitherWay(socket: PcscdWinScard, loadLibrary: () => Promise<WinScard>): WinScard {
  let library: WinScard | undefined;
  let usesLibrary = false;
  const of = (handle: bigint): WinScard => (handle < 0n || !library ? socket : library);
  return {
    platform: socket.platform,
    async establishContext() {
      if (!usesLibrary) {
        const established = await socket.establishContext();
        if (!NOT_UNDERSTOOD.has(established.result)) return established;
      }
      library ??= await loadLibrary();
      const established = await library.establishContext();
      usesLibrary = established.result === 0;
      return established;
    },
    releaseContext: async (context) => of(context).releaseContext(context),
    isValidContext: async (context) => of(context).isValidContext(context),
    listReaders: async (context) => of(context).listReaders(context),
    getStatusChange: async (context, timeoutMs, queries) => of(context).getStatusChange(context, timeoutMs, queries),
    cancel: async (context) => of(context).cancel(context),
    connect: async (context, reader, connect) => of(context).connect(context, reader, connect),
    reconnect: async (card, reconnect) => of(card).reconnect(card, reconnect),
    disconnect: async (card, disposition) => of(card).disconnect(card, disposition),
    beginTransaction: async (card) => of(card).beginTransaction(card),
    endTransaction: async (card, disposition) => of(card).endTransaction(card, disposition),
    status: async (card) => of(card).status(card),
    transmit: async (card, protocol, command) => of(card).transmit(card, protocol, command),
    control: async (card, code, input) => of(card).control(card, code, input),
    getAttrib: async (card, attribute) => of(card).getAttrib(card, attribute),
    close: () => socket.close(),
  };
}
