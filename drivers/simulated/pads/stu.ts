/**
 * A Wacom STU pad in memory, as it is seen below HID: feature reports in and out, input reports as they come. Written from the report table of Wacom's STU SDK. It
 * enforces the pad's states: what comes in the wrong one stalls, and lastResult says so. It carries no transport and has no clock but the one given, so that the same
 * model stands behind a port in memory and behind a device node.
 */
import { DhExchange, RsaExchange, encryptBlock } from './stu-crypto.ts';
import { SIMULATED_STU_MODELS, type SimulatedStuModel } from './stu-models.ts';

/** What a refused feature report comes to on Linux: a stall of the control pipe. */
export const EPIPE = 32;

export interface SimulatedStuOptions {
  readonly model: string;
  readonly serialNumber: string;
  readonly firmware?: readonly [number, number];
  /** Milliseconds; for the pad's own time and for how long it clears its screen. */
  readonly now?: () => number;
  /** The STU-520 takes about 600. */
  readonly clearMs?: number;
}

/** Faults to order; each is taken once, but for `firmware`. */
export interface StuFaults {
  /** Samples that are taken and not sent. */
  dropSamples?: number;
  /** The next report has only so many bytes. */
  cutReport?: number;
  /** The next encrypted report is of another session. */
  wrongSession?: boolean;
  /** The next feature report, of any kind, is refused. */
  stall?: boolean;
  /** Sequence numbers go back by so much. */
  sequenceBack?: number;
}

export interface PenState {
  /** Units of the pad. */
  readonly x: number;
  readonly y: number;
  readonly pressure: number;
  readonly isNear: boolean;
}

const READY = 0;
const IMAGE = 1;
const CAPTURE = 2;
const WRONG_REPORT = 0x01;
const WRONG_STATE = 0x02;
const WRONG_PARAMETER = 0x04;
const WRONG_ENCODING = 0x10;
const OUTSIDE_MEMORY = 0x11;
const USB_VENDOR = 0x056a;

export class SimulatedStu {
  readonly model: SimulatedStuModel;
  readonly name: string;
  readonly serialNumber: string;
  readonly vendorId = USB_VENDOR;
  readonly faults: StuFaults = {};
  /** Identifiers of feature reports that were set, in order. */
  readonly log: number[] = [];
  readonly #firmware: readonly [number, number];
  readonly #now: () => number;
  readonly #clearMs: number;
  readonly #rsa = new RsaExchange();
  readonly #dh = new DhExchange();
  readonly #listeners = new Set<(report: Buffer) => void>();
  #status = READY;
  #lastResult = 0;
  #busyUntil = 0;
  #inking = 1;
  #option = 0;
  #threshold = Buffer.from([0x15, 0, 0x10, 0]);
  #session: number | undefined;
  #upload: { readonly depth: 1 | 16 | 24; readonly pieces: Buffer[]; length: number } | undefined;
  #sequence = 0;
  /** The first of two samples that share a block. */
  #half: Buffer | undefined;
  /** Grey of what is shown, a byte a pixel. */
  #screen: Uint8Array;

  constructor({ model, serialNumber, firmware = [1, 8], now = () => performance.now(), clearMs = 0 }: SimulatedStuOptions) {
    const found = SIMULATED_STU_MODELS[model];
    if (!found) throw new RangeError(`there is no simulated pad ${model}`);
    this.model = found;
    this.name = model;
    this.serialNumber = serialNumber;
    this.#firmware = firmware;
    this.#now = now;
    this.#clearMs = clearMs;
    this.#screen = this.#white();
  }

  get productId(): number {
    return this.model.productId;
  }

  /** What a person sees, but for the ink: grey, rows from the top. */
  get screen(): Uint8Array {
    return this.#screen;
  }

  get isInking(): boolean {
    return this.#inking === 1;
  }

  /** Ready, in a picture, or in a capture. */
  get state(): 'ready' | 'image' | 'capture' {
    if (this.#status === READY && this.#now() < this.#busyUntil) return 'image';
    return (['ready', 'image', 'capture'] as const)[this.#status] ?? 'ready';
  }

  /** Input reports from now on; the answer ends them. */
  onReport(listener: (report: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Its whole memory but for what survives power: as after it was plugged in. */
  powerUp(): void {
    this.#reset();
  }

  /** A feature report as it is read, identifier first; null is a stall. */
  getFeature(id: number): Buffer | null {
    if (this.#takesStall()) return null;
    const body = this.#read(id);
    if (!body) this.#lastResult = WRONG_REPORT;
    return body ? Buffer.concat([Buffer.of(id), body]) : null;
  }

  /** 0, or a negative error number. */
  setFeature(report: Uint8Array): number {
    if (this.#takesStall()) return -EPIPE;
    const id = report[0] ?? 0;
    this.log.push(id);
    const result = this.#write(id, Buffer.from(report.subarray(1)));
    this.#lastResult = result;
    return result === 0 ? 0 : -EPIPE;
  }

  /** One sample of the pen, now; a pad takes one every five milliseconds. */
  pen({ x, y, pressure, isNear }: PenState): void {
    const { dropSamples = 0, sequenceBack = 0 } = this.faults;
    this.#sequence = (this.#sequence + 1 - sequenceBack + 0x10000) & 0xffff;
    delete this.faults.sequenceBack;
    if (dropSamples > 0) {
      this.faults.dropSamples = dropSamples - 1;
      return;
    }
    const sample = Buffer.alloc(6);
    sample.writeUInt16BE((isNear ? 0x8000 : 0) | (isNear && pressure > 0 ? 0x1000 : 0) | (pressure & 0xfff), 0);
    sample.writeUInt16BE(x, 2);
    sample.writeUInt16BE(y, 4);
    const time = Math.floor(this.#now()) & 0xffff;
    for (const bytes of this.#reportsOf(sample, time)) this.#send(bytes);
  }

  /** Any bytes, as a broken device may send them. */
  send(report: Uint8Array): void {
    this.#send(Buffer.from(report));
  }

  #send(report: Buffer): void {
    const { cutReport } = this.faults;
    delete this.faults.cutReport;
    const sent = cutReport === undefined ? report : report.subarray(0, cutReport);
    for (const listener of this.#listeners) listener(sent);
  }

  #reportsOf(sample: Buffer, time: number): readonly Buffer[] {
    const counts = Buffer.alloc(4);
    counts.writeUInt16BE(time, 0);
    counts.writeUInt16BE(this.#sequence, 2);
    const key = this.#session === undefined ? undefined : (this.#rsa.key ?? this.#dh.key);
    if (!key) {
      if (this.#option === 3) return [Buffer.concat([Buffer.of(0x34), sample, counts])];
      if (this.#option === 0) return [Buffer.concat([Buffer.of(0x01), sample])];
      return [Buffer.concat([Buffer.of(0x30), sample, this.#option === 1 ? counts.subarray(0, 2) : counts.subarray(2)])];
    }
    const session = Buffer.alloc(4);
    session.writeUInt32BE(((this.#session ?? 0) ^ (this.faults.wrongSession ? 1 : 0)) >>> 0);
    delete this.faults.wrongSession;
    if (this.#option === 3)
      return [Buffer.concat([Buffer.of(0x33), encryptBlock(key, Buffer.concat([sample, counts, Buffer.alloc(2), session]))])];
    const timed = Buffer.concat([sample, counts.subarray(0, 2)]);
    if (!this.#half) {
      this.#half = timed;
      return [];
    }
    const first = this.#half;
    this.#half = undefined;
    const block = encryptBlock(key, Buffer.concat([session, first.subarray(0, 6), sample]));
    if (this.#option === 0) return [Buffer.concat([Buffer.of(0x10), block])];
    return [Buffer.concat([Buffer.of(0x31), block, first.subarray(6), timed.subarray(6)])];
  }

  #read(id: number): Buffer | undefined {
    const { hasUid2, cryptoGeneration } = this.model;
    switch (id) {
      case 0x03: {
        const code = this.state === 'image' ? IMAGE : this.#status;
        return Buffer.of(code, this.#lastResult, 0, 0);
      }
      case 0x08:
        return Buffer.concat([
          Buffer.from(this.name.padEnd(9, '\0'), 'latin1').subarray(0, 9),
          Buffer.of(...this.#firmware),
          Buffer.alloc(5),
        ]);
      case 0x09:
        return this.#capability();
      case 0x0a:
        return Buffer.alloc(4);
      case 0x0b:
        return hasUid2 ? Buffer.from(this.serialNumber.padEnd(10, '\0'), 'latin1').subarray(0, 10) : undefined;
      case 0x21:
        return Buffer.of(this.#inking);
      case 0x22:
        return this.#threshold;
      case 0x32:
        return this.model.optionModes.length > 1 ? Buffer.of(this.#option) : undefined;
      case 0x14:
        return cryptoGeneration === 1 ? this.#dh.devicePublic : undefined;
      case 0x1a:
        return cryptoGeneration === 1 ? this.#dh.prime : undefined;
      case 0x1b:
        return cryptoGeneration === 1 ? this.#dh.base : undefined;
      case 0x40:
        return cryptoGeneration === 2 ? this.#rsa.block() : undefined;
      case 0x50:
        return cryptoGeneration === 2 ? this.#rsa.status() : undefined;
      default:
        return undefined;
    }
  }

  #capability(): Buffer {
    const { max, screen, depths, tellsRate } = this.model;
    const body = Buffer.alloc(16);
    for (const [index, value] of [max.x, max.y, max.pressure, screen.width, screen.height].entries())
      body.writeUInt16BE(value, 2 * index);
    if (!tellsRate) return body;
    body.writeUInt8(200, 10);
    body.writeUInt16BE(2_540, 11);
    body.writeUInt8((depths.includes(1) ? 2 : 0) | (depths.includes(16) ? 4 : 0) | (depths.includes(24) ? 8 : 0), 13);
    return body;
  }

  /** 0, or what lastResult says from then on. */
  #write(id: number, body: Buffer): number {
    const isReady = this.state === 'ready';
    const value = body[0] ?? 0;
    switch (id) {
      case 0x04:
        this.#reset();
        return 0;
      case 0x15:
        if (!isReady || (!this.#rsa.key && !this.#dh.key)) return WRONG_STATE;
        this.#session = body.readUInt32BE(0);
        this.#status = CAPTURE;
        return 0;
      case 0x16:
        this.#endCapture();
        return 0;
      case 0x20:
        return isReady ? this.#clear() : WRONG_STATE;
      case 0x21:
        this.#inking = value;
        return value > 1 ? WRONG_PARAMETER : 0;
      case 0x22:
        if (isReady) this.#threshold = Buffer.from(body.subarray(0, 4));
        return isReady ? 0 : WRONG_STATE;
      case 0x25:
        return isReady ? this.#startImage(value) : WRONG_STATE;
      case 0x26:
        return this.#imageBlock(body);
      case 0x27:
        return this.#endImage(value);
      case 0x32:
        if (this.model.optionModes.includes(value)) this.#option = value;
        return this.model.optionModes.includes(value) ? 0 : WRONG_PARAMETER;
      default:
        return this.#writeKeys(id, body);
    }
  }

  #writeKeys(id: number, body: Buffer): number {
    const { cryptoGeneration } = this.model;
    if (cryptoGeneration === 2 && id === 0x40) return this.#rsa.command([...body]) ? 0 : WRONG_PARAMETER;
    if (cryptoGeneration !== 1) return WRONG_REPORT;
    if (id === 0x1a) this.#dh.prime = Buffer.from(body.subarray(0, 16));
    else if (id === 0x1b) this.#dh.base = Buffer.from(body.subarray(0, 2));
    else if (id === 0x13) return this.#dh.hostPublic(body.subarray(0, 16)) ? 0 : WRONG_PARAMETER;
    else return WRONG_REPORT;
    return 0;
  }

  #startImage(mode: number): number {
    const depth = ({ 0: 1, 2: 16, 4: 24 } as const)[mode];
    if (depth === undefined || !this.model.depths.includes(depth)) return WRONG_ENCODING;
    this.#upload = { depth, pieces: [], length: 0 };
    this.#status = IMAGE;
    return 0;
  }

  #imageBlock(body: Buffer): number {
    if (this.#status !== IMAGE || !this.#upload) return WRONG_STATE;
    const length = body.readUInt16LE(0);
    if (length > 253 || body.length < 2 + length) return WRONG_PARAMETER;
    if (this.#upload.length + length > this.#frameBytes(this.#upload.depth)) return OUTSIDE_MEMORY;
    this.#upload.pieces.push(Buffer.from(body.subarray(2, 2 + length)));
    this.#upload.length += length;
    return 0;
  }

  #endImage(abandon: number): number {
    if (this.#status !== IMAGE || !this.#upload) return WRONG_STATE;
    const { depth, pieces } = this.#upload;
    this.#status = READY;
    this.#upload = undefined;
    if (abandon === 0) this.#screen = this.#greyOf(Buffer.concat(pieces), depth);
    return 0;
  }

  #clear(): number {
    this.#screen = this.#white();
    this.#busyUntil = this.#now() + this.#clearMs;
    return 0;
  }

  #endCapture(): void {
    this.#session = undefined;
    this.#half = undefined;
    if (this.#status === CAPTURE) this.#status = READY;
  }

  /** Ready, white, inking on, no encryption, no options (report 04). */
  #reset(): void {
    this.#endCapture();
    this.#upload = undefined;
    this.#status = READY;
    this.#inking = 1;
    this.#option = 0;
    this.#threshold = Buffer.from([0x15, 0, 0x10, 0]);
    this.#screen = this.#white();
  }

  #takesStall(): boolean {
    const { stall = false } = this.faults;
    delete this.faults.stall;
    return stall;
  }

  #white(): Uint8Array {
    return new Uint8Array(this.model.screen.width * this.model.screen.height).fill(0xff);
  }

  #frameBytes(depth: 1 | 16 | 24): number {
    const { width, height } = this.model.screen;
    return Math.ceil((width * depth) / 8) * height;
  }

  #greyOf(data: Buffer, depth: 1 | 16 | 24): Uint8Array {
    const { width } = this.model.screen;
    const row = Math.ceil((width * depth) / 8);
    return this.#white().map((white, pixel) => {
      const at = Math.floor(pixel / width) * row;
      const column = pixel % width;
      if (depth === 1) {
        const byte = data[at + (column >> 3)];
        return byte === undefined ? white : ((byte >> (7 - (column & 7))) & 1) * 0xff;
      }
      if (depth === 16) return ((data[at + 2 * column] ?? 0xff) & 0xf8) | 7;
      return data[at + 3 * column + 1] ?? white;
    });
  }
}
