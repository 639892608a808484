/**
 * STU pads that speak over a serial line (STU-430V; STU-540 whose DefaultMode is 2), as ports that the driver of the others takes: the reports are the same,
 * only how they travel is not (STU SDK, SerialProtocol.cpp and SerialInterface.cpp). A line does not say that a pad is behind it: it is configured.
 * What a CRC shows to be damaged is asked for again, a command only when the pad says that it did not take it.
 */
import { DeviceBusyError, DeviceProtocolError, DeviceRemovedError, DeviceTimeoutError } from '../../errors.ts';
import type { HidPort, HidPortInfo, HidPorts } from '../../ports/hid-port.ts';
import type { SerialLine, SerialLines, SerialSettings } from '../../ports/serial-line.ts';
import { WACOM } from './models.ts';
import { encodeFrame, FrameReader } from './serial-frames.ts';

/** SDK, ReportId of the serial protocol. */
const GET_REPORT = 0x80;
const SET_RESULT = 0x81;
/** SDK, ErrorCodeRSA and StatusCode: lastResult. */
const RESULT_NONE = 0x00;
const RESULT_CRC = 0x03;
const ANSWER_TIMEOUT_MS = 3000;
const ATTEMPTS = 3;

export interface SerialStuPort {
  /** "/dev/ttyUSB0", "COM3". */
  readonly path?: string;
  /** Of its converter. */
  readonly serialNumber?: string;
  readonly model: 'STU-430V' | 'STU-540';
  /** Its own USB plug, or the RS-232 kit, whose line is slower. Default: "usb". */
  readonly plug?: 'usb' | 'rs-232';
}

/** SDK, SerialInterface: 8N1, DTR off, RTS on. */
const SPEEDS = { usb: 128_000, 'rs-232': 115_200 } as const;
/** SDK, getUsbDevices. */
const PRODUCTS = { 'STU-430V': 0x00a6, 'STU-540': 0x00a8 } as const;

export function createSerialStuPorts({
  lines,
  ports,
}: {
  readonly lines: SerialLines;
  readonly ports: readonly SerialStuPort[];
}): HidPorts {
  return new SerialStuPorts(lines, ports);
}

/** Several kinds of ports as one. Their paths differ. */
export function joinPorts(...kinds: readonly HidPorts[]): HidPorts {
  return {
    list: async (vendorIds) => (await Promise.all(kinds.map((kind) => kind.list(vendorIds)))).flat(),
    open: async (path) => {
      let error: unknown = new DeviceRemovedError(`opening ${path}: it is not there`, { device: path });
      for (const kind of kinds) {
        try {
          return await kind.open(path);
        } catch (cause) {
          if (!(cause instanceof DeviceRemovedError)) throw cause;
          error = cause;
        }
      }
      throw error;
    },
  };
}

class SerialStuPorts implements HidPorts {
  readonly #lines: SerialLines;
  readonly #ports: readonly SerialStuPort[];

  constructor(lines: SerialLines, ports: readonly SerialStuPort[]) {
    this.#lines = lines;
    this.#ports = ports;
  }

  async list(vendorIds: readonly number[]): Promise<readonly HidPortInfo[]> {
    if (!vendorIds.includes(WACOM) || this.#ports.length === 0) return [];
    const found = await this.#find();
    return found.map(([path, { model }]) => ({ path, vendorId: WACOM, productId: PRODUCTS[model], product: model }));
  }

  async open(path: string): Promise<HidPort> {
    const port = (await this.#find()).find(([each]) => each === path)?.[1];
    if (!port) throw new DeviceRemovedError(`opening ${path}: no pad is configured there`, { device: path });
    const settings: SerialSettings = {
      baudRate: SPEEDS[port.plug ?? 'usb'],
      dataBits: 8,
      parity: 'none',
      stopBits: 1,
      dtr: false,
      rts: true,
    };
    return await openSerialPort(this.#lines, path, settings);
  }

  async #find(): Promise<readonly (readonly [string, SerialStuPort])[]> {
    const listed = await this.#lines.list({ signal: AbortSignal.timeout(LIST_TIMEOUT_MS) });
    const found: (readonly [string, SerialStuPort])[] = [];
    for (const port of this.#ports) {
      const path =
        port.path ?? listed.find(({ serialNumber }) => serialNumber !== undefined && serialNumber === port.serialNumber)?.path;
      if (path === undefined) continue;
      if (listed.some((each) => each.path === path) || (await this.#lines.exists(path))) found.push([path, port]);
    }
    return found;
  }
}

const LIST_TIMEOUT_MS = 10_000;

async function openSerialPort(lines: SerialLines, path: string, settings: SerialSettings): Promise<HidPort> {
  const port = new SerialStuLine(path);
  port.line = await lines.open(path, settings, {
    signal: AbortSignal.timeout(LIST_TIMEOUT_MS),
    listener: { bytes: (chunk) => port.take(chunk), gone: (error) => port.lose(error) },
  });
  return port;
}

type Answer =
  | { readonly kind: 'report'; readonly report: Uint8Array }
  | { readonly kind: 'result'; readonly result: number }
  | { readonly kind: 'broken' };

class SerialStuLine implements HidPort {
  line: SerialLine | undefined;
  readonly #path: string;
  readonly #reader: FrameReader;
  #listener: Parameters<HidPort['listen']>[0] | undefined;
  #pending:
    | { readonly reportId: number | undefined; readonly settle: (answer: Answer) => void; readonly fail: (error: Error) => void }
    | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #gone: Error | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#reader = new FrameReader({
      report: (report) => this.#dispatch(report),
      broken: () => this.#pending?.settle({ kind: 'broken' }),
    });
  }

  async getFeature(reportId: number): Promise<Uint8Array> {
    return await this.#inTurn(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const answer = await this.#exchange(Uint8Array.of(GET_REPORT, reportId), reportId);
        if (answer.kind === 'report') return answer.report;
        if (answer.kind === 'result' && answer.result !== RESULT_CRC)
          throw this.#refused(`getting report ${reportId.toString(16)}`, answer.result);
      }
      throw new DeviceProtocolError(`getting report ${reportId.toString(16)} of ${this.#path}: the line is damaged`, {
        device: this.#path,
      });
    });
  }

  async setFeature(report: Uint8Array): Promise<void> {
    const attempt = `setting report ${(report[0] ?? 0).toString(16)}`;
    await this.#inTurn(async () => {
      for (let count = 0; count < ATTEMPTS; count++) {
        const answer = await this.#exchange(report, undefined);
        if (answer.kind === 'result' && answer.result === RESULT_NONE) return;
        if (answer.kind !== 'result') break;
        if (answer.result !== RESULT_CRC) throw this.#refused(attempt, answer.result);
      }
      throw new DeviceProtocolError(`${attempt} of ${this.#path}: the line is damaged`, { device: this.#path });
    });
  }

  listen(listener: Parameters<HidPort['listen']>[0]): void {
    this.#listener = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone ??= new DeviceBusyError(`using ${this.#path}: the port is closed`, { device: this.#path });
    this.#listener = undefined;
    this.#pending?.fail(this.#gone);
    await this.line?.[Symbol.asyncDispose]();
  }

  take(chunk: Uint8Array): void {
    this.#reader.read(chunk);
  }

  lose(error: Error): void {
    if (this.#gone) return;
    this.#gone = error;
    this.#pending?.fail(error);
    this.#listener?.onGone(error);
  }

  #dispatch(report: Uint8Array): void {
    const [id, result] = report;
    if (id === SET_RESULT && result !== undefined) this.#pending?.settle({ kind: 'result', result });
    else if (id !== undefined && id === this.#pending?.reportId) this.#pending.settle({ kind: 'report', report });
    else this.#listener?.onReport(report);
  }

  /** One command at a time: an answer does not say whose it is. */
  async #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return await turn;
  }

  async #exchange(report: Uint8Array, reportId: number | undefined): Promise<Answer> {
    if (this.#gone) throw this.#gone;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending = { reportId, settle: resolve, fail: reject };
    const late = new DeviceTimeoutError(`using ${this.#path}: the pad does not answer`, {
      device: this.#path,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    const timer = setTimeout(() => reject(late), ANSWER_TIMEOUT_MS);
    promise.catch(() => undefined);
    try {
      await this.line?.write(encodeFrame(report), { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
    }
  }

  #refused(attempt: string, result: number): DeviceProtocolError {
    return new DeviceProtocolError(`${attempt} of ${this.#path}: the pad answered ${result.toString(16)}`, {
      device: this.#path,
      driverCode: result.toString(16),
    });
  }
}
