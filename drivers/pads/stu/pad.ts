/**
 * One open STU pad: its state brought to ready, the screen uploaded, samples read, in clear or encrypted. The pad takes pictures in its ready state alone, so that what
 * is shown is uploaded before samples are encrypted, and encryption ends before anything else is shown (STU SDK, Protocol.hpp and ProtocolHelper).
 */
import { randomInt } from 'node:crypto';
import { DeviceError, DeviceProtocolError } from '../../errors.ts';
import type { HidPort } from '../../ports/hid-port.ts';
import type { CaptureOptions, PadDescription, PadEvent, PadScreen, SignaturePad } from '../driver.ts';
import { EventQueue } from '../event-queue.ts';
import type { ScreenPicture } from '../screen/compose.ts';
import { agreeKey, patience, type BlockDecipher } from './encryption.ts';
import type { StuModel } from './models.ts';
import { Pen } from './pen.ts';
import { chooseEncoding, encodePicture } from './picture.ts';
import {
  IMAGE_BLOCK_BYTES,
  LENGTH,
  REPORT,
  STATUS,
  imageBlock,
  parseInkThreshold,
  parsePenReport,
  parsePlainBlock,
  parseStatus,
  startCapture,
  type RawSample,
  type StuCapability,
} from './reports.ts';

export interface OpenStuPad {
  readonly port: HidPort;
  readonly model: StuModel;
  readonly capability: StuCapability;
  readonly description: PadDescription;
  /** Milliseconds, ever rising. */
  readonly now: () => number;
  readonly onClose: () => void;
}

const ON = 1;
const OFF = 0;

export class StuPad implements SignaturePad {
  readonly description: PadDescription;
  readonly #open: OpenStuPad;
  readonly #gone = new AbortController();
  #picture: ScreenPicture | undefined;
  #colour: 'mono' | undefined;
  #listener: ((report: Uint8Array) => void) | undefined;
  #onGone: ((error: Error) => void) | undefined;
  #encryption: { readonly session: number; readonly decipher: BlockDecipher } | undefined;
  #decipher: BlockDecipher | undefined;
  #isClosed = false;

  constructor(open: OpenStuPad) {
    this.#open = open;
    this.description = open.description;
    open.port.listen({
      onReport: (report) => this.#listener?.(report),
      onGone: (error) => {
        this.#gone.abort(error);
        this.#onGone?.(error);
      },
    });
  }

  readonly show = async (screen: PadScreen, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    const { composeScreen } = await import('../screen/compose.ts');
    const { screenWidth: widthPx, screenHeight: heightPx } = this.#open.capability;
    this.#picture = composeScreen(screen, { widthPx, heightPx });
    // Letters and frames need no colours, and one bit uploads in a twentieth of the time.
    this.#colour = screen.image ? undefined : 'mono';
    await this.#toReady(signal);
    await this.#upload(signal);
  };

  async clear({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    const wasEncrypted = this.#encryption !== undefined;
    await this.#toReady(signal);
    if (this.#picture) await this.#upload(signal);
    else await this.#set(REPORT.clearScreen, 0);
    await this.#ready('clearing the screen', signal);
    await this.#set(REPORT.inkingMode, ON);
    if (wasEncrypted) await this.#encrypt(signal);
  }

  async *capture({ signal }: CaptureOptions): AsyncGenerator<PadEvent> {
    if (this.#listener)
      throw new DeviceProtocolError('capturing from the pad: it is captured already', { device: this.description.id });
    const queue = new EventQueue();
    const pen = new Pen(await this.#scale(), () => this.#picture?.buttons ?? []);
    await this.#beginSamples(signal);
    this.#onGone = (error) => queue.end(error);
    if (this.#gone.signal.aborted) throw this.#gone.signal.reason;
    this.#listener = (report) => {
      try {
        for (const event of this.#eventsOf(report, pen)) queue.push(event);
      } catch (error) {
        queue.end(error instanceof Error ? error : new Error(String(error)));
      }
    };
    try {
      yield* queue.drain(signal);
    } finally {
      this.#listener = undefined;
      this.#onGone = undefined;
    }
  }

  /** Dark again and ready for the next; a pad that is gone is only let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (!this.#gone.signal.aborted) await this.#rest();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error; // it went while it was put to rest
    } finally {
      await this.#open.port[Symbol.asyncDispose]();
      this.#open.onClose();
    }
  }

  async #rest(): Promise<void> {
    const { signal } = new AbortController();
    await this.#toReady(signal);
    await this.#set(REPORT.inkingMode, OFF);
    await this.#set(REPORT.clearScreen, 0);
    await this.#ready('clearing the screen', signal);
  }

  async #beginSamples(signal: AbortSignal): Promise<void> {
    const { model } = this.#open;
    await this.#toReady(signal);
    await this.#set(REPORT.inkingMode, ON);
    if (model.optionMode !== 0) await this.#set(REPORT.penDataOptionMode, model.optionMode);
    if (model.encryption === 'none') return;
    this.#decipher = await agreeKey(model.encryption, this.#open.port, patience('agreeing a key', signal));
    await this.#encrypt(signal);
  }

  /** Under a new session each time: what was recorded of an earlier one is refused. */
  async #encrypt(signal: AbortSignal): Promise<void> {
    if (!this.#decipher) return;
    await this.#ready('starting encryption', signal);
    const session = randomInt(1, 0xffff_ffff);
    this.#encryption = { session, decipher: this.#decipher };
    await this.#open.port.setFeature(startCapture(session));
  }

  #eventsOf(report: Uint8Array, pen: Pen): readonly PadEvent[] {
    let samples: readonly RawSample[];
    try {
      const parsed = parsePenReport(report);
      if (!parsed) return [];
      samples = parsed.kind === 'samples' ? this.#plainSamples(parsed.samples) : this.#encryptedSamples(parsed);
    } catch (error) {
      if (error instanceof DeviceProtocolError && !(error instanceof ForeignSamplesError)) return pen.loseReport(1);
      throw error;
    }
    const hostMs = this.#open.now();
    return samples.flatMap((sample) => pen.take(sample, hostMs));
  }

  /** While samples are encrypted nobody can slip in one that is not. */
  #plainSamples(samples: readonly RawSample[]): readonly RawSample[] {
    if (this.#encryption) throw new ForeignSamplesError('reading pen data: it came in clear while it is encrypted');
    return samples;
  }

  #encryptedSamples(parsed: {
    readonly block: Uint8Array;
    readonly withSequence: boolean;
    readonly options: readonly number[];
  }): readonly RawSample[] {
    const { session, decipher } = this.#encryption ?? {};
    if (session === undefined || !decipher) return []; // of the session before, still under way
    try {
      return parsePlainBlock(decipher(parsed.block), parsed, session);
    } catch (error) {
      throw new ForeignSamplesError('reading pen data: it is not of this session', {}, { cause: error });
    }
  }

  async #scale(): Promise<ConstructorParameters<typeof Pen>[0]> {
    const { capability } = this.#open;
    const { maxX, maxY, maxPressure, screenWidth: widthPx, screenHeight: heightPx } = capability;
    const { areaMm, rateHz } = this.description.capabilities;
    const threshold = parseInkThreshold(await this.#open.port.getFeature(REPORT.inkThreshold, LENGTH.inkThreshold));
    return { maxX, maxY, maxPressure, areaMm, rateHz, threshold, screen: { widthPx, heightPx } };
  }

  async #upload(signal: AbortSignal): Promise<void> {
    if (!this.#picture) return;
    await this.#set(REPORT.inkingMode, OFF);
    const { capability, model } = this.#open;
    const colour = chooseEncoding(this.#colour ?? model.colour, capability.encodings);
    const { mode, bytes } = encodePicture(this.#picture.rgb, capability.screenWidth, colour);
    await this.#set(REPORT.startImageData, mode);
    for (let at = 0; at < bytes.length; at += IMAGE_BLOCK_BYTES) {
      signal.throwIfAborted();
      await this.#open.port.setFeature(imageBlock(bytes.subarray(at, at + IMAGE_BLOCK_BYTES)));
    }
    await this.#set(REPORT.endImageData, 0);
    await this.#ready('showing a picture', signal);
  }

  /** Whatever an earlier capture, or another program that crashed, left behind. */
  async #toReady(signal: AbortSignal): Promise<void> {
    this.#encryption = undefined;
    const { code } = parseStatus(await this.#open.port.getFeature(REPORT.status, LENGTH.status));
    if (code === STATUS.capture) await this.#set(REPORT.endCapture, 0);
    if (code === STATUS.image) {
      try {
        await this.#set(REPORT.endImageData, 1);
      } catch (error) {
        if (!(error instanceof DeviceProtocolError)) throw error; // it is clearing the screen, and will be ready
      }
    }
    await this.#ready('waiting for the pad', signal);
  }

  async #ready(attempt: string, signal: AbortSignal): Promise<void> {
    const wait = patience(attempt, signal);
    while (parseStatus(await this.#open.port.getFeature(REPORT.status, LENGTH.status)).code !== STATUS.ready) await wait.pause();
  }

  async #set(report: number, value: number): Promise<void> {
    await this.#open.port.setFeature(Uint8Array.of(report, value));
  }
}

/** Samples that the pad did not send in this session. */
class ForeignSamplesError extends DeviceProtocolError {}
