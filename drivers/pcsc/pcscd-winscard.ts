/**
 * The WinSCard functions over pcscd's own protocol, one Unix socket for each context as libpcsclite has it, from the event loop: no thread
 * blocks while a card computes, and ending the process or the source needs no answer from a card.
 * A sharing violation comes back at once; waiting for other programs is the caller's. Handles are numbers of our own, below zero so that
 * none is ever taken for one of the library's, and never given twice: a stale one reaches no other card.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { openPcscdLink, type PcscdLink } from './pcscd-link.ts';
import {
  ATTRIBUTE_ANSWER,
  BEGIN_ANSWER,
  CMD_GET_READERS_STATE,
  CONNECT_ANSWER,
  CONTROL_ANSWER,
  DISCONNECT_ANSWER,
  END_ANSWER,
  ESTABLISH_ANSWER,
  MAX_DATA_BYTES,
  READERS_ANSWER,
  RECONNECT_ANSWER,
  RELEASE_ANSWER,
  STATUS_ANSWER,
  TRANSMIT_ANSWER,
  TRANSMIT_COMMAND_OFFSET,
  VERSION_ANSWER,
  encodeBeginTransaction,
  encodeConnect,
  encodeControl,
  encodeDisconnect,
  encodeEndTransaction,
  encodeEstablishContext,
  encodeGetAttrib,
  encodeReadersCommand,
  encodeReconnect,
  encodeReleaseContext,
  encodeStatus,
  encodeVersion,
  writeTransmit,
  type AnswerLayout,
  type ProtocolVersion,
} from './pcscd-messages.ts';
import { getStatusChange } from './pcscd-status-change.ts';
import { pcscPlatform } from './platform.ts';
import {
  SCARD_E_INSUFFICIENT_BUFFER,
  SCARD_E_INVALID_HANDLE,
  SCARD_E_NO_READERS_AVAILABLE,
  SCARD_E_NO_SERVICE,
  SCARD_E_READER_UNAVAILABLE,
  SCARD_E_SERVER_TOO_BUSY,
  SCARD_E_SERVICE_STOPPED,
  SCARD_E_UNKNOWN_READER,
} from './result-code.ts';
import type { CardHandle, ContextHandle, WinScard } from './winscard.ts';

/** PCSCLITE_CSOCK_NAME as distributions build it, and the variable that overrides it (src/winscard_msg.c, getSocketName). */
const DEFAULT_SOCKET = '/run/pcscd/pcscd.comm';
export const SOCKET_VARIABLE = 'PCSCLITE_CSOCK_NAME';

/**
 * Versions spoken here, tried in order. pcscd 1.8.24 to 2.2 takes only the first, 2.3 and 2.4.0 only the second, 2.4.1 and later take both
 * (src/winscard_svc.c, CMD_VERSION).
 */
const VERSIONS: readonly ProtocolVersion[] = [
  { major: 4, minor: 4 },
  { major: 4, minor: 5 },
];
/** pcscd that hangs gives no version. Longer than systemd takes to start it on the first connection. */
const VERSION_DEADLINE_MS = 10_000;
/** Until pcscd has taken the connection of another, which takes it less than a millisecond. */
const BUSY_PAUSE_MS = 2;
const SCARD_SCOPE_SYSTEM = 2;
/** Room for any short command; a longer one gets memory of its own. */
const SEND_BYTES = 512;

export type PcscdWinScard = WinScard & Required<Pick<WinScard, 'close'>>;

interface Context {
  readonly handle: ContextHandle;
  /** hContext in pcscd. */
  readonly id: number;
  readonly link: PcscdLink;
  readonly cards: Set<CardHandle>;
  /** Memory for the request of one exchange; undefined while it is lent. */
  send: Buffer | undefined;
  /** Settles when the last getStatusChange has ended, and its means of being cancelled. */
  waiting: { readonly ended: Promise<unknown>; readonly abort: AbortController } | undefined;
  /** As last given out by listReaders. */
  readerNames: readonly string[] | undefined;
}

interface Card {
  readonly context: Context;
  /** hCard in pcscd. */
  readonly id: number;
  readonly reader: string;
}

interface Client {
  readonly path: () => string;
  readonly links: Set<PcscdLink>;
  readonly contexts: Map<ContextHandle, Context>;
  readonly cards: Map<CardHandle, Card>;
  nextHandle(): bigint;
  isClosed: boolean;
}

/** Connects to nothing yet. The socket's path is read from the environment at every connection. */
export function connectPcscd(environment: Readonly<Record<string, string | undefined>> = process.env): PcscdWinScard {
  let lastHandle = 0n;
  const client: Client = {
    path: () => environment[SOCKET_VARIABLE] ?? DEFAULT_SOCKET,
    links: new Set(),
    contexts: new Map(),
    cards: new Map(),
    nextHandle: () => --lastHandle,
    isClosed: false,
  };
  return {
    platform: pcscPlatform('linux', 8),
    ...contextFunctions(client),
    ...cardFunctions(client),
    ...exchangeFunctions(client),
    close() {
      client.isClosed = true;
      for (const link of client.links) link.close();
      client.links.clear();
      client.contexts.clear();
      client.cards.clear();
    },
  };
}

type ContextFunctions = Pick<
  WinScard,
  'establishContext' | 'releaseContext' | 'isValidContext' | 'listReaders' | 'getStatusChange' | 'cancel' | 'connect'
>;

function contextFunctions(client: Client): ContextFunctions {
  const { contexts } = client;
  return {
    establishContext: async () => establishContext(client),
    async releaseContext(handle) {
      const context = contexts.get(handle);
      if (!context) return SCARD_E_INVALID_HANDLE;
      contexts.delete(handle);
      const { result } = await request(context, encodeReleaseContext(context.id), RELEASE_ANSWER);
      for (const card of context.cards) client.cards.delete(card);
      context.link.close();
      client.links.delete(context.link);
      return result;
    },
    async isValidContext(handle) {
      const context = contexts.get(handle);
      return Promise.resolve(context && context.link.end === undefined ? 0 : SCARD_E_INVALID_HANDLE);
    },
    async listReaders(handle) {
      const context = contexts.get(handle);
      if (!context) return { result: SCARD_E_INVALID_HANDLE, names: [] };
      const { result, readers } = await request(context, encodeReadersCommand(CMD_GET_READERS_STATE), READERS_ANSWER);
      if (result !== 0) return { result, names: [] };
      const names = readers.map(({ name }) => name);
      context.readerNames = names;
      return { result: names.length === 0 ? SCARD_E_NO_READERS_AVAILABLE : 0, names };
    },
    async getStatusChange(handle, timeoutMs, queries) {
      const context = contexts.get(handle);
      if (!context) return { result: SCARD_E_INVALID_HANDLE, events: [] };
      while (context.waiting) await context.waiting.ended;
      const abort = new AbortController();
      const { link, readerNames: knownNames } = context;
      const ended = getStatusChange(link, { timeoutMs, queries, knownNames, signal: abort.signal }).finally(
        () => (context.waiting = undefined),
      );
      context.waiting = { ended, abort };
      return ended;
    },
    async cancel(handle) {
      const context = contexts.get(handle);
      context?.waiting?.abort.abort();
      return Promise.resolve(context ? 0 : SCARD_E_INVALID_HANDLE);
    },
    async connect(handle, reader, options) {
      const context = contexts.get(handle);
      if (!context) return { result: SCARD_E_INVALID_HANDLE, card: 0n, protocol: 0 };
      const message = encodeConnect({ context: context.id, reader, ...options });
      if (!message) return { result: SCARD_E_UNKNOWN_READER, card: 0n, protocol: 0 };
      const { result, card: id, protocol } = await request(context, message, CONNECT_ANSWER);
      if (result !== 0) return { result, card: 0n, protocol };
      const card = client.nextHandle();
      client.cards.set(card, { context, id, reader });
      context.cards.add(card);
      return { result, card, protocol };
    },
  };
}

/** One request on a context, after a getStatusChange that holds it. */
async function request<T extends { readonly result: number }>(
  context: Context,
  message: Uint8Array,
  layout: AnswerLayout<T>,
): Promise<T> {
  while (context.waiting) await context.waiting.ended;
  return context.link.request(message, layout);
}

interface Established {
  readonly result: number;
  readonly context: ContextHandle;
}

async function establishContext(client: Client): Promise<Established> {
  const deadlineMs = performance.now() + VERSION_DEADLINE_MS;
  for (;;) {
    const established = await tryToEstablishContext(client);
    if (established.result !== SCARD_E_SERVER_TOO_BUSY || performance.now() > deadlineMs) return established;
    await pause(BUSY_PAUSE_MS);
  }
}

async function tryToEstablishContext(client: Client): Promise<Established> {
  if (client.isClosed) return { result: SCARD_E_NO_SERVICE, context: 0n };
  const link = openPcscdLink(client.path());
  client.links.add(link);
  const result = await agreeOnVersion(link);
  const established =
    result === 0
      ? await link.request(encodeEstablishContext(SCARD_SCOPE_SYSTEM), ESTABLISH_ANSWER)
      : ESTABLISH_ANSWER.failed(result);
  if (established.result !== 0) {
    link.close();
    client.links.delete(link);
    return { result: established.result, context: 0n };
  }
  const handle = client.nextHandle();
  client.contexts.set(handle, {
    handle,
    id: established.context,
    link,
    cards: new Set(),
    send: Buffer.allocUnsafeSlow(SEND_BYTES),
    waiting: undefined,
    readerNames: undefined,
  });
  return { result: 0, context: handle };
}

/** 0, or why not: SCARD_E_SERVICE_STOPPED when pcscd speaks none of our versions. */
async function agreeOnVersion(link: PcscdLink): Promise<number> {
  const deadline = setTimeout(() => link.close(SCARD_E_NO_SERVICE), VERSION_DEADLINE_MS);
  try {
    for (const version of VERSIONS) {
      const { result } = await link.request(encodeVersion(version), VERSION_ANSWER);
      if (result !== SCARD_E_SERVICE_STOPPED) return result;
    }
    return SCARD_E_SERVICE_STOPPED;
  } finally {
    clearTimeout(deadline);
  }
}

type CardFunctions = Pick<WinScard, 'reconnect' | 'disconnect' | 'beginTransaction' | 'endTransaction' | 'status'>;

function cardFunctions({ cards }: Client): CardFunctions {
  return {
    async reconnect(handle, options) {
      const card = cards.get(handle);
      if (!card) return RECONNECT_ANSWER.failed(SCARD_E_INVALID_HANDLE);
      return request(card.context, encodeReconnect({ card: card.id, ...options }), RECONNECT_ANSWER);
    },
    async disconnect(handle, disposition) {
      const card = cards.get(handle);
      if (!card) return SCARD_E_INVALID_HANDLE;
      const { result } = await request(card.context, encodeDisconnect(card.id, disposition), DISCONNECT_ANSWER);
      if (result === 0) {
        cards.delete(handle);
        card.context.cards.delete(handle);
      }
      return result;
    },
    async beginTransaction(handle) {
      const card = cards.get(handle);
      if (!card) return SCARD_E_INVALID_HANDLE;
      return (await request(card.context, encodeBeginTransaction(card.id), BEGIN_ANSWER)).result;
    },
    async endTransaction(handle, disposition) {
      const card = cards.get(handle);
      if (!card) return SCARD_E_INVALID_HANDLE;
      return (await request(card.context, encodeEndTransaction(card.id, disposition), END_ANSWER)).result;
    },
    async status(handle) {
      const card = cards.get(handle);
      const nothing = { protocol: 0, atr: new Uint8Array() };
      if (!card) return { result: SCARD_E_INVALID_HANDLE, ...nothing };
      // pcscd keeps ATR and protocol in its table and answers SCARD_STATUS with a result alone; both are asked for at once.
      const table = request(card.context, encodeReadersCommand(CMD_GET_READERS_STATE), READERS_ANSWER);
      const status = await request(card.context, encodeStatus(card.id), STATUS_ANSWER);
      if (status.result !== 0) return { result: status.result, ...nothing };
      const row = (await table).readers.find(({ name }) => name === card.reader);
      return row ? { result: 0, protocol: row.protocol, atr: row.atr } : { result: SCARD_E_READER_UNAVAILABLE, ...nothing };
    },
  };
}

function exchangeFunctions({ cards }: Client): Pick<WinScard, 'transmit' | 'control' | 'getAttrib'> {
  return {
    async transmit(handle, protocol, command) {
      const card = cards.get(handle);
      if (!card) return TRANSMIT_ANSWER.failed(SCARD_E_INVALID_HANDLE);
      if (command.length > MAX_DATA_BYTES) return TRANSMIT_ANSWER.failed(SCARD_E_INSUFFICIENT_BUFFER);
      const { context, id } = card;
      const lengthBytes = TRANSMIT_COMMAND_OFFSET + command.length;
      const message = takeSendMemory(context, lengthBytes);
      writeTransmit(message, { card: id, protocol, command });
      const answer = await request(context, message.subarray(0, lengthBytes), TRANSMIT_ANSWER);
      message.fill(0, TRANSMIT_COMMAND_OFFSET, lengthBytes);
      if (message.length === SEND_BYTES) context.send = message;
      return answer;
    },
    async control(handle, code, input) {
      const card = cards.get(handle);
      if (!card) return CONTROL_ANSWER.failed(SCARD_E_INVALID_HANDLE);
      if (input.length > MAX_DATA_BYTES) return CONTROL_ANSWER.failed(SCARD_E_INSUFFICIENT_BUFFER);
      return request(card.context, encodeControl({ card: card.id, code, input }), CONTROL_ANSWER);
    },
    async getAttrib(handle, attribute) {
      const card = cards.get(handle);
      if (!card) return ATTRIBUTE_ANSWER.failed(SCARD_E_INVALID_HANDLE);
      return request(card.context, encodeGetAttrib(card.id, attribute), ATTRIBUTE_ANSWER);
    },
  };
}

function takeSendMemory(context: Context, lengthBytes: number): Buffer {
  const kept = lengthBytes <= SEND_BYTES ? context.send : undefined;
  if (!kept) return Buffer.allocUnsafeSlow(Math.max(lengthBytes, SEND_BYTES));
  context.send = undefined;
  return kept;
}
