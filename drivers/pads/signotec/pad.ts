/**
 * One open signotec pad. Its service shows the dialog, draws the ink and has the buttons; points come as they are written, and no pen that is only near.
 * A point without pressure begins a stroke (`signature_point_send` of the vendor's example page). Where the pad can, it is given the hash of the document
 * before the first point, and states at the end, with a key of its own, what was signed: that is passed on as it is.
 */
import { DeviceBusyError, DeviceError, DeviceProtocolError, DeviceRemovedError } from '../../errors.ts';
import type { CaptureOptions, PadDescription, PadEvent, PadScreen, SignaturePad } from '../driver.ts';
import { EventQueue } from '../event-queue.ts';
import { RateClock } from '../rate-clock.ts';
import { readAttestation } from './attestation.ts';
import type { ConnectionOptions, SignotecConnection } from './connection.ts';
import { renderDialog } from './dialog.ts';
import { meaningOf, type FoundPad, type SignotecOptions } from './driver.ts';
import { CAN_STORE_ENCRYPT_KEY, SUPPORTS_CONTENT_SIGNING, SUPPORTS_RSA } from './models.ts';
import type { Command, Fields, Parameters, Response, ServiceEvent } from './tokens.ts';

/** An image goes to the pad, over USB 1.1 or a serial line. */
const START_TIMEOUT_MS = 20_000;
const CLOSE_TIMEOUT_MS = 3000;
const MM_PER_INCH = 25.4;
/** Of an active area: no signature pad is smaller or larger. */
const PLAUSIBLE_MM = { least: 20, most: 500 };
const MAX_RATE_HZ = 1000;

export interface OpenSignotecOptions {
  readonly service: SignotecOptions;
  readonly signal: AbortSignal;
  readonly connect: (options: ConnectionOptions) => Promise<SignotecConnection>;
  readonly search: (connection: SignotecConnection) => Promise<readonly FoundPad[]>;
  readonly onClosed: () => void;
}

export async function openSignotecPad(padId: string, options: OpenSignotecOptions): Promise<SignaturePad> {
  const { signal } = options;
  let pad: SignotecPad | undefined;
  const connection = await options.connect({ signal, onEvent: (event) => pad?.take(event), onEnd: (error) => pad?.lose(error) });
  try {
    const found = (await options.search(connection)).find(({ description }) => description.id === padId);
    if (!found) throw new DeviceRemovedError(`opening ${padId}: the signotec service has no such pad`, { device: padId });
    const { fields } = await connection.request('OPEN_PAD', { PAD_INDEX: found.index }, { signal, timeoutMs: START_TIMEOUT_MS });
    pad = new SignotecPad({ found, fields, connection, options });
    return pad;
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

interface OpenedPad {
  readonly found: FoundPad;
  /** What OPEN_PAD answered. */
  readonly fields: Fields;
  readonly connection: SignotecConnection;
  readonly options: OpenSignotecOptions;
}

class SignotecPad implements SignaturePad {
  readonly description: PadDescription;
  readonly #opened: OpenedPad;
  readonly #geometry: Geometry;
  #dialogImage: string | undefined;
  #capture: Capture | undefined;
  #failure: DeviceError | undefined;
  #closing: Promise<void> | undefined;

  constructor(opened: OpenedPad) {
    this.#opened = opened;
    this.#geometry = geometryOf(opened.fields, opened.found.description);
    const { areaMm, screen, rateHz } = this.#geometry;
    const { description } = opened.found;
    this.description = { ...description, capabilities: { ...description.capabilities, areaMm, screen, rateHz } };
  }

  readonly show = async (screen: PadScreen, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    this.#dialogImage = await renderDialog(screen, this.#geometry.dialog);
    if (!this.#capture) return;
    await this.#request('SIGNATURE_CANCEL', {}, signal);
    await this.#start(signal, this.#capture.documentHash);
  };

  async clear({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#capture) return;
    await this.#request('SIGNATURE_RETRY', {}, signal);
    this.#capture.restart();
  }

  async *capture({ signal, documentHash }: CaptureOptions): AsyncGenerator<PadEvent, void> {
    const { id } = this.description;
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new DeviceError(`capturing at ${id}: it is closed`, { device: id });
    if (this.#capture) throw new DeviceBusyError(`capturing at ${id}: a capture is under way`, { device: id });
    const capture = new Capture(this.#geometry, {
      documentHash,
      now: this.#opened.options.service.now,
      levels: this.description.capabilities.pressureLevels,
    });
    this.#capture = capture;
    try {
      await this.#start(signal, documentHash);
      yield* capture.queue.drain(signal);
    } finally {
      this.#capture = undefined;
      if (!capture.isConfirmed) await this.#quietly('SIGNATURE_CANCEL', {});
    }
  }

  take(event: ServiceEvent): void {
    const capture = this.#capture;
    switch (event.kind) {
      case 'point':
        capture?.point(event);
        return;
      case 'button':
        if (event.button === 'accept') void this.#confirm(capture);
        else capture?.queue.push(event);
        return;
      case 'disconnect':
        if (event.padIndex === undefined || event.padIndex === this.#opened.found.index)
          this.lose(new DeviceRemovedError(`using ${this.description.id}: it was unplugged`, { device: this.description.id }));
        return;
      case 'error':
        this.lose(this.#serviceError(event));
        return;
      case 'incorrectCommand':
        return;
    }
  }

  lose(error: DeviceError): void {
    this.#failure ??= error;
    this.#capture?.queue.end(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { connection, found, options } = this.#opened;
    this.#capture?.queue.end();
    await this.#quietly('CLOSE_PAD', { PAD_INDEX: found.index });
    await connection[Symbol.asyncDispose]();
    options.onClosed();
  }

  async #start(signal: AbortSignal, documentHash: Uint8Array): Promise<void> {
    const { abilities } = this.#opened.found;
    const { encryptionCertificate } = this.#opened.options.service;
    const signs = (abilities & SUPPORTS_RSA) !== 0 && (abilities & SUPPORTS_CONTENT_SIGNING) !== 0;
    const stores = signs && encryptionCertificate !== undefined && (abilities & CAN_STORE_ENCRYPT_KEY) !== 0;
    const parameters: Parameters = {
      PAD_ENCRYPTION: signs ? 'TRUE' : 'FALSE',
      ...(signs ? { DOCHASH: Buffer.from(documentHash).toString('base64') } : {}),
      ...(stores ? { ENCRYPTION_CERT: encryptionCertificate, ENCRYPTION_CERT_ONLY_WHEN_EMPTY: 'FALSE' } : {}),
      ...(this.#dialogImage === undefined ? {} : { PAD_DIALOG_IMAGE: this.#dialogImage }),
    };
    await this.#request('SIGNATURE_START', parameters, signal, START_TIMEOUT_MS);
  }

  /** The signer pressed OK: the service is told so, and says how many points it has. With nothing written yet the dialog begins again. */
  async #confirm(capture: Capture | undefined): Promise<void> {
    if (!capture || capture.isConfirmed) return;
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    try {
      if (capture.points === 0) {
        await this.#request('SIGNATURE_RETRY', {}, signal);
        return;
      }
      capture.isConfirmed = true;
      const { returnCode } = await this.#request('SIGNATURE_CONFIRM', {}, signal);
      capture.miss(returnCode - capture.points);
      if ((this.#opened.found.abilities & SUPPORTS_RSA) !== 0) {
        const { rsaScheme = 'PSS' } = this.#opened.options.service;
        const request = (command: Command, parameters: Parameters): Promise<Response> =>
          this.#request(command, parameters, signal);
        capture.queue.push(await readAttestation(request, { rsaScheme, documentHash: capture.documentHash }));
      }
      capture.queue.push({ kind: 'button', button: 'accept' });
    } catch (error) {
      capture.queue.end(
        error instanceof Error ? error : new DeviceProtocolError('confirming the signature: it failed', {}, { cause: error }),
      );
    }
  }

  async #request(command: Command, parameters: Parameters, signal: AbortSignal, timeoutMs?: number): Promise<Response> {
    try {
      return await this.#opened.connection.request(command, parameters, {
        signal,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    } catch (error) {
      throw meaningOf(error, this.#opened.options.service);
    }
  }

  /** Of what must be tried and may fail: the pad or its service may be gone, and then there is nothing left to end. */
  async #quietly(command: Command, parameters: Parameters): Promise<void> {
    if (!this.#opened.connection.isOpen) return;
    await this.#request(command, parameters, AbortSignal.timeout(CLOSE_TIMEOUT_MS), CLOSE_TIMEOUT_MS).catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
    });
  }

  #serviceError({ returnCode, description }: Extract<ServiceEvent, { readonly kind: 'error' }>): DeviceError {
    const error = new DeviceError(
      `using ${this.description.id}: the signotec service answered ${returnCode}, ${description ?? 'and says no more'}`,
      {
        device: this.description.id,
        driverCode: String(returnCode),
      },
    );
    const meaning = meaningOf(error, this.#opened.options.service);
    return meaning instanceof DeviceError ? meaning : error;
  }
}

interface Geometry {
  readonly areaMm: { readonly width: number; readonly height: number };
  readonly screen: NonNullable<PadDescription['capabilities']['screen']>;
  readonly dialog: { readonly widthPx: number; readonly heightPx: number };
  /** The ends of the coordinates of points: they lie over the screen (`scaleFactorX` of the example page). */
  readonly resolution: { readonly x: number; readonly y: number };
  readonly rateHz: number;
}

/** What OPEN_PAD told; where it told nothing that can be, what is nominal. Without a resolution no point could be placed. */
function geometryOf(fields: Fields, { id, capabilities }: PadDescription): Geometry {
  const [x, y] = [fields.integer('PAD_X_RESOLUTION') ?? 0, fields.integer('PAD_Y_RESOLUTION') ?? 0];
  if (x <= 0 || y <= 0) throw new DeviceProtocolError(`opening ${id}: the signotec service tells no resolution`, { device: id });
  const nominal = { widthPx: 320, heightPx: 160, colour: 'mono' as const, ...capabilities.screen };
  const widthPx = positive(fields.integer('PAD_DISPLAY_WIDTH'), nominal.widthPx);
  const heightPx = positive(fields.integer('PAD_DISPLAY_HEIGHT'), nominal.heightPx);
  const dotsPerInch = fields.integer('PAD_DISPLAY_RESOLUTION') ?? 0;
  const told = { width: (widthPx / dotsPerInch) * MM_PER_INCH, height: (heightPx / dotsPerInch) * MM_PER_INCH };
  const isPlausible = [told.width, told.height].every((mm) => mm >= PLAUSIBLE_MM.least && mm <= PLAUSIBLE_MM.most);
  return {
    areaMm: isPlausible ? told : capabilities.areaMm,
    screen: { widthPx, heightPx, colour: nominal.colour },
    dialog: {
      widthPx: positive(fields.integer('PAD_DIALOG_WIDTH'), widthPx),
      heightPx: positive(fields.integer('PAD_DIALOG_HEIGHT'), heightPx),
    },
    resolution: { x, y },
    rateHz: Math.min(MAX_RATE_HZ, positive(fields.integer('PAD_SAMPLING_RATE'), capabilities.rateHz)),
  };
}

/** A screen of more pixels than any pad has is none. */
const MAX_PX = 4096;

function positive(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 && value <= MAX_PX ? value : otherwise;
}

interface CaptureState {
  readonly documentHash: Uint8Array;
  readonly now: () => number;
  readonly levels: number;
}

/** From points to samples, for one capture. */
class Capture {
  readonly queue = new EventQueue();
  readonly documentHash: Uint8Array;
  isConfirmed = false;
  /** Since the start, or the last time that the ink was taken away. */
  points = 0;
  readonly #geometry: Geometry;
  readonly #levels: number;
  readonly #clock: RateClock;
  #sequence = 0;

  constructor(geometry: Geometry, { documentHash, now, levels }: CaptureState) {
    this.#geometry = geometry;
    this.documentHash = documentHash;
    this.#levels = levels;
    this.#clock = new RateClock({ rateHz: geometry.rateHz, now });
  }

  point({ x, y, pressure }: Extract<ServiceEvent, { readonly kind: 'point' }>): void {
    const { areaMm, resolution } = this.#geometry;
    const part = (value: number, end: number): number => Math.min(Math.max(value, 0), end) / end;
    this.points += 1;
    const sample = {
      sequence: this.#sequence++,
      xMm: part(x, resolution.x) * areaMm.width,
      yMm: part(y, resolution.y) * areaMm.height,
      timeMs: this.#clock.next({ isNewStroke: pressure === 0 }),
      pressure: Math.min(1, pressure / this.#levels),
      isDown: pressure > 0,
    };
    this.queue.push({ kind: 'pen', sample });
  }

  restart(): void {
    this.points = 0;
  }

  /** Points that the service has and never told. */
  miss(points: number): void {
    if (points <= 0) return;
    this.#sequence += points;
    this.queue.push({ kind: 'lost', samples: points });
  }
}
