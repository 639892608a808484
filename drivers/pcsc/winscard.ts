/**
 * The one place that calls the PC/SC library, through koffi. No logic: arguments go in, LONG results and out-parameters come back.
 * Every call runs on a thread of libuv's pool, because each of them may block; `blocking-calls.ts` keeps that pool from filling up.
 * Whoever calls sees to it that no two calls are made on one context at once: pcsc-lite serialises them per context.
 */
import koffi from 'koffi';
import { ServiceUnavailableError } from '../errors.ts';
import { SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 } from './constants.ts';
import { pcscPlatform, type PcscPlatform } from './platform.ts';
import {
  decodeNames,
  decodeReaderStates,
  encodeName,
  encodeReaderStates,
  type ReaderEvent,
  type ReaderQuery,
} from './reader-state.ts';

/** SCARDCONTEXT, as the library gave it. */
export type ContextHandle = bigint;
/** SCARDHANDLE, as the library gave it. */
export type CardHandle = bigint;

/** The WinSCard functions. `result` is the LONG that the function returned, as an unsigned 32-bit number. */
export interface WinScard {
  readonly platform: PcscPlatform;
  establishContext(): Promise<{ readonly result: number; readonly context: ContextHandle }>;
  releaseContext(context: ContextHandle): Promise<number>;
  isValidContext(context: ContextHandle): Promise<number>;
  listReaders(context: ContextHandle): Promise<{ readonly result: number; readonly names: readonly string[] }>;
  getStatusChange(
    context: ContextHandle,
    timeoutMs: number,
    queries: readonly ReaderQuery[],
  ): Promise<{ readonly result: number; readonly events: readonly ReaderEvent[] }>;
  /** Ends a getStatusChange that blocks on this context, at once; without effect when none does. */
  cancel(context: ContextHandle): Promise<number>;
  connect(context: ContextHandle, reader: string, options: ConnectOptions): Promise<{ readonly result: number } & Connected>;
  reconnect(
    card: CardHandle,
    options: ConnectOptions & { readonly initialization: number },
  ): Promise<{ readonly result: number; readonly protocol: number }>;
  disconnect(card: CardHandle, disposition: number): Promise<number>;
  beginTransaction(card: CardHandle): Promise<number>;
  endTransaction(card: CardHandle, disposition: number): Promise<number>;
  status(card: CardHandle): Promise<{ readonly result: number; readonly protocol: number; readonly atr: Uint8Array }>;
  /** `command` must not change until the promise settles; the response is the caller's. */
  transmit(
    card: CardHandle,
    protocol: number,
    command: Uint8Array,
  ): Promise<{ readonly result: number; readonly response: Uint8Array }>;
  control(card: CardHandle, code: number, input: Uint8Array): Promise<{ readonly result: number; readonly output: Uint8Array }>;
  getAttrib(card: CardHandle, attribute: number): Promise<{ readonly result: number; readonly value: Uint8Array }>;
  /** Breaks everything off at once and for good, where that can be done; calls under way end with SCARD_E_NO_SERVICE. */
  close?(): void;
}

export interface ConnectOptions {
  readonly shareMode: number;
  /** Bits of the protocols wanted. */
  readonly protocols: number;
}

export interface Connected {
  readonly card: CardHandle;
  /** Bit of the protocol in use, 0 for none. */
  readonly protocol: number;
}

/** Scope of a context; pcsc-lite ignores it (winscard.h). */
const SCARD_SCOPE_SYSTEM = 2;
/** More than 500 names of MAX_READERNAME 128 (pcsclite.h). */
const NAMES_BYTES = 65_536;
/** Longest response and longest answer of SCardControl: MAX_BUFFER_SIZE_EXTENDED (pcsclite.h). */
const RECEIVE_BYTES = 65_548;
/** Longest attribute: MAX_BUFFER_SIZE (pcsclite.h). */
const ATTRIBUTE_BYTES = 264;
const MAX_ATR_BYTES = 36;

type NativeArgument = bigint | number | Uint8Array | null;
type NativeFunction = (...args: readonly NativeArgument[]) => Promise<number>;

/** Loads the system's PC/SC library. Throws ServiceUnavailableError when there is none. */
export function loadWinScard(platform: PcscPlatform = thisPlatform()): WinScard {
  const library = loadLibrary(platform);
  const dword = platform.dwordBytes === 8 ? 'uint64_t' : 'uint32_t';
  const handle = platform.handleBytes === 8 ? 'uint64_t' : 'uint32_t';
  const types = { D: dword, H: handle, P: 'void *' } as const;
  return bindFunctions(platform, (name, signature) => {
    const parameters = Array.from(signature).map((letter) => types[letter as keyof typeof types]);
    const native =
      platform.name === 'win32'
        ? library.func('__stdcall', name, 'uint32_t', parameters)
        : library.func(name, 'uint32_t', parameters);
    return async (...args) =>
      new Promise((resolve, reject) => {
        native.async(...args, (error: Error | null, result: number) => {
          // `args` is named here so that the memory lent to the library lives until the call ends.
          if (error !== null || args.length !== signature.length)
            reject(error ?? new TypeError(`calling ${name}: wrong number of arguments`));
          else resolve(result);
        });
      });
  });
}

function thisPlatform(): PcscPlatform {
  return pcscPlatform(process.platform, koffi.sizeof('void *') === 8 ? 8 : 4);
}

function loadLibrary(platform: PcscPlatform): ReturnType<typeof koffi.load> {
  const failures: unknown[] = [];
  for (const name of platform.libraries) {
    try {
      return koffi.load(name);
    } catch (error) {
      failures.push(error);
    }
  }
  const names = platform.libraries.join(', ');
  throw new ServiceUnavailableError(
    `loading the PC/SC library ${names}: not found; ${platform.installHint}`,
    {},
    { cause: failures[0] },
  );
}

/** Parameter types by letter: D a DWORD, H a context or card handle, P a pointer. */
function bindFunctions(platform: PcscPlatform, bind: (name: string, signature: string) => NativeFunction): WinScard {
  const suffix = platform.stringSuffix;
  const establishContext = bind('SCardEstablishContext', 'DPPP');
  const releaseContext = bind('SCardReleaseContext', 'H');
  const isValidContext = bind('SCardIsValidContext', 'H');
  const listReaders = bind(`SCardListReaders${suffix}`, 'HPPP');
  const getStatusChange = bind(`SCardGetStatusChange${suffix}`, 'HDPD');
  const cancel = bind('SCardCancel', 'H');
  return {
    platform,
    releaseContext,
    isValidContext,
    cancel,
    ...bindCardFunctions(platform, bind),
    async establishContext() {
      const context = new BigUint64Array(1);
      const result = await establishContext(SCARD_SCOPE_SYSTEM, null, null, bytesOf(context));
      return { result, context: context[0] ?? 0n };
    },
    async listReaders(context) {
      const names = new Uint8Array(NAMES_BYTES);
      const length = cell(NAMES_BYTES);
      const result = await listReaders(context, null, names, bytesOf(length));
      return { result, names: result === 0 ? decodeNames(platform, names.subarray(0, length[0])) : [] };
    },
    async getStatusChange(context, timeoutMs, queries) {
      const states = encodeReaderStates(platform, queries, (bytes) => koffi.address(bytes));
      const result = await getStatusChange(context, timeoutMs, states.bytes, queries.length);
      return {
        result,
        events: states.names.length === queries.length ? decodeReaderStates(platform, queries, states.bytes) : [],
      };
    },
  };
}

type CardFunctions = Pick<
  WinScard,
  'connect' | 'reconnect' | 'disconnect' | 'beginTransaction' | 'endTransaction' | 'status' | 'transmit' | 'control' | 'getAttrib'
>;

function bindCardFunctions(platform: PcscPlatform, bind: (name: string, signature: string) => NativeFunction): CardFunctions {
  const suffix = platform.stringSuffix;
  const connect = bind(`SCardConnect${suffix}`, 'HPDDPP');
  const reconnect = bind('SCardReconnect', 'HDDDP');
  const status = bind(`SCardStatus${suffix}`, 'HPPPPPP');
  return {
    disconnect: bind('SCardDisconnect', 'HD'),
    beginTransaction: bind('SCardBeginTransaction', 'H'),
    endTransaction: bind('SCardEndTransaction', 'HD'),
    ...bindExchangeFunctions(platform, bind),
    async connect(context, reader, { shareMode, protocols }) {
      const card = new BigUint64Array(1);
      const protocol = cell(0);
      const result = await connect(context, encodeName(platform, reader), shareMode, protocols, bytesOf(card), bytesOf(protocol));
      return { result, card: card[0] ?? 0n, protocol: protocol[0] ?? 0 };
    },
    async reconnect(card, { shareMode, protocols, initialization }) {
      const protocol = cell(0);
      const result = await reconnect(card, shareMode, protocols, initialization, bytesOf(protocol));
      return { result, protocol: protocol[0] ?? 0 };
    },
    async status(card) {
      const name = new Uint8Array(ATTRIBUTE_BYTES);
      const nameLength = cell(ATTRIBUTE_BYTES);
      const state = cell(0);
      const protocol = cell(0);
      const atr = new Uint8Array(MAX_ATR_BYTES);
      const atrLength = cell(MAX_ATR_BYTES);
      const result = await status(card, name, bytesOf(nameLength), bytesOf(state), bytesOf(protocol), atr, bytesOf(atrLength));
      return { result, protocol: protocol[0] ?? 0, atr: atr.slice(0, result === 0 ? atrLength[0] : 0) };
    },
  };
}

function bindExchangeFunctions(
  platform: PcscPlatform,
  bind: (name: string, signature: string) => NativeFunction,
): Pick<WinScard, 'transmit' | 'control' | 'getAttrib'> {
  const transmit = bind('SCardTransmit', 'HPPDPPP');
  const control = bind(platform.controlSymbol, 'HDPDPDP');
  const getAttrib = bind('SCardGetAttrib', 'HDPP');
  /** Memory for responses, as much as was ever in use at once. */
  const spare: Uint8Array[] = [];
  const pciT0 = protocolControlInformation(platform, SCARD_PROTOCOL_T0);
  const pciT1 = protocolControlInformation(platform, SCARD_PROTOCOL_T1);
  return {
    async transmit(card, protocol, command) {
      const receive = spare.pop() ?? new Uint8Array(RECEIVE_BYTES);
      const length = cell(receive.length);
      const result = await transmit(
        card,
        protocol === SCARD_PROTOCOL_T0 ? pciT0 : pciT1,
        command,
        command.length,
        null,
        receive,
        bytesOf(length),
      );
      const response = receive.slice(0, result === 0 ? length[0] : 0);
      receive.fill(0, 0, length[0]);
      spare.push(receive);
      return { result, response };
    },
    async control(card, code, input) {
      const output = new Uint8Array(RECEIVE_BYTES);
      const length = cell(0);
      const result = await control(card, code, input, input.length, output, output.length, bytesOf(length));
      return { result, output: output.slice(0, result === 0 ? length[0] : 0) };
    },
    async getAttrib(card, attribute) {
      const value = new Uint8Array(ATTRIBUTE_BYTES);
      const length = cell(ATTRIBUTE_BYTES);
      const result = await getAttrib(card, attribute, value, bytesOf(length));
      return { result, value: value.slice(0, result === 0 ? length[0] : 0) };
    },
  };
}

/** SCARD_IO_REQUEST: dwProtocol, cbPciLength (winscard.h, pcsclite.h). */
function protocolControlInformation(platform: PcscPlatform, protocol: number): Uint8Array {
  const size = platform.dwordBytes * 2;
  const words = platform.dwordBytes === 8 ? [protocol, 0, size, 0] : [protocol, size];
  return bytesOf(new Uint32Array(words));
}

/** One DWORD for in and out, little-endian: its first element is its value whether it has four bytes or eight. */
function cell(value: number): Uint32Array {
  return new Uint32Array([value, 0]);
}

function bytesOf(words: Uint32Array | BigUint64Array): Uint8Array {
  return new Uint8Array(words.buffer);
}
