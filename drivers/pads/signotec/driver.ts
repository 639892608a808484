/**
 * signotec's pads, through the vendor's local service (STPadServer): it is asked which pads there are, over a connection of its own that is made again, later
 * and later, when it ends. An open pad has another connection: the service's events do not say of which pad they are.
 */
import { DeviceBusyError, DeviceError, DeviceRemovedError } from '../../errors.ts';
import type { PadDescription, PadDriver, SignaturePad } from '../driver.ts';
import { checkAddress, connect, type ConnectionOptions, type ServiceAddress, type SignotecConnection } from './connection.ts';
import { modelOf, PRESSURE_LEVELS, SLOWEST_RATE_HZ } from './models.ts';
import { openSignotecPad } from './pad.ts';
import { INTERFACE_VERSION, type Fields } from './tokens.ts';

const SEARCH_TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

export interface SignotecOptions extends ServiceAddress {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** TOKEN_PARAM_PAD_SUBSET: where the service looks. The vendor's examples have "HID" and lists of serial ports. Default: "HID". */
  readonly padSubset?: string;
  /** DER as base64: to what the pad encrypts the signature, where it can. Without one, what the pad states holds no signature data. */
  readonly encryptionCertificate?: string;
  /** Of the pad's own signature. Default: "PSS". */
  readonly rsaScheme?: 'NO_HASH_OID' | 'PKCS1_V1_5' | 'PSS';
  /** What the service's negative return codes mean: no public document lists them. Any other is a DeviceError with its code and text. */
  readonly returnCodes?: Readonly<Record<string, 'removed' | 'busy'>>;
  /** Steps of pressure. Default: 1023, unconfirmed. */
  readonly pressureLevels?: number;
}

/** A pad as the service told it. */
export interface FoundPad {
  readonly index: number;
  readonly abilities: number;
  readonly description: PadDescription;
}

/** Throws RangeError for an address that must not be used. */
export function createSignotecDriver(options: SignotecOptions): PadDriver {
  checkAddress(options);
  return new SignotecDriver(options);
}

class SignotecDriver implements PadDriver {
  readonly id = 'signotec';
  readonly #options: SignotecOptions;
  readonly #open = new Map<string, SignaturePad | undefined>();
  #connection: SignotecConnection | undefined;
  #listing: Promise<unknown> = Promise.resolve();
  #last: readonly PadDescription[] = [];
  #refused: { readonly untilMs: number; readonly pauseMs: number } | undefined;

  constructor(options: SignotecOptions) {
    this.#options = options;
  }

  /**
   * While a pad is open the list is that of before: what a search does to a signature under way is not known. A service that does not answer has no pads;
   * each attempt to reach it throws, and nothing does between two attempts.
   */
  async list({ signal }: { readonly signal: AbortSignal }): Promise<readonly PadDescription[]> {
    const turn = this.#listing.then(() => (this.#open.size > 0 ? this.#last : this.#look(signal)));
    this.#listing = turn.catch(() => undefined);
    this.#last = await turn;
    return this.#last;
  }

  async open(padId: string, { signal }: { readonly signal: AbortSignal }): Promise<SignaturePad> {
    if (this.#open.has(padId)) throw new DeviceBusyError(`opening ${padId}: it is open already`, { device: padId });
    this.#open.set(padId, undefined);
    try {
      const pad = await openSignotecPad(padId, {
        service: this.#options,
        signal,
        connect: (options) => this.#greet(options),
        search: (connection) => this.#search(connection, signal),
        onClosed: () => this.#open.delete(padId),
      });
      this.#open.set(padId, pad);
      return pad;
    } catch (error) {
      this.#open.delete(padId);
      throw meaningOf(error, this.#options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (pad) => await pad?.[Symbol.asyncDispose]()));
    await this.#connection?.[Symbol.asyncDispose]();
  }

  async #look(signal: AbortSignal): Promise<readonly PadDescription[]> {
    const { now } = this.#options;
    if (this.#refused && this.#refused.untilMs > now()) return [];
    try {
      const found = await this.#search(await this.#listConnection(signal), signal);
      this.#refused = undefined;
      return found.map(({ description }) => description);
    } catch (error) {
      if (signal.aborted) throw error;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, (this.#refused?.pauseMs ?? FIRST_PAUSE_MS / 2) * 2);
      this.#refused = { pauseMs, untilMs: now() + pauseMs };
      this.#last = [];
      throw error;
    }
  }

  async #listConnection(signal: AbortSignal): Promise<SignotecConnection> {
    if (this.#connection?.isOpen) return this.#connection;
    this.#connection = await this.#greet({ signal, onEvent: () => undefined, onEnd: () => undefined });
    return this.#connection;
  }

  async #greet(options: ConnectionOptions): Promise<SignotecConnection> {
    const connection = await connect(this.#options, options);
    try {
      await connection.request('GET_SERVER_VERSION', {}, options);
      await connection.request('SET_INTERFACE_VERSION', { VERSION: INTERFACE_VERSION }, options);
      return connection;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #search(connection: SignotecConnection, signal: AbortSignal): Promise<readonly FoundPad[]> {
    const { padSubset = 'HID', pressureLevels = PRESSURE_LEVELS } = this.#options;
    const { fields } = await connection.request(
      'SEARCH_FOR_PADS',
      { PAD_SUBSET: padSubset },
      { signal, timeoutMs: SEARCH_TIMEOUT_MS },
    );
    return fields.list('CONNECTED_PADS').map((pad, position) => describe(pad, { position, pressureLevels }));
  }
}

/** By what the configuration says that the service's codes mean. */
export function meaningOf(error: unknown, { returnCodes = {} }: SignotecOptions): unknown {
  if (!(error instanceof DeviceError) || error.driverCode === undefined) return error;
  const fields = { driverCode: error.driverCode };
  const meaning = returnCodes[error.driverCode];
  if (meaning === 'removed') return new DeviceRemovedError(error.message, fields, { cause: error });
  if (meaning === 'busy') return new DeviceBusyError(error.message, fields, { cause: error });
  return error;
}

/** The serial number is "only unique within its model range" (STPadServer.html). */
function describe(
  pad: Fields,
  { position, pressureLevels }: { readonly position: number; readonly pressureLevels: number },
): FoundPad {
  const { family, screen, areaMm } = modelOf(pad.integer('PAD_TYPE'));
  const serialNumber = printable(pad.text('PAD_SERIAL_NUMBER'));
  const firmware = printable(pad.text('PAD_FIRMWARE_VERSION'));
  const index = pad.integer('PAD_INDEX') ?? position;
  return {
    index,
    abilities: pad.integer('PAD_CAPABILITIES') ?? 0,
    description: {
      id: `signotec-${family.toLowerCase().replaceAll(' ', '-')}-${serialNumber ?? index}`,
      driver: 'signotec',
      model: `signotec ${family}`,
      ...(serialNumber === undefined ? {} : { serialNumber }),
      ...(firmware === undefined ? {} : { firmware }),
      capabilities: {
        areaMm,
        screen,
        pressureLevels,
        rateHz: SLOWEST_RATE_HZ,
        buttons: 'own',
        lineEncryption: 'vendor',
        timeSource: 'rate',
      },
    },
  };
}

/** What a service says of a pad, as far as it can be a name. */
function printable(text: string | undefined): string | undefined {
  return text !== undefined && /^[\w.: -]{1,40}$/.test(text) ? text.replaceAll(' ', '-') : undefined;
}
