/**
 * The pads of a simulated desk that are on lines, and of signotec's service, with a person's hand at them. Lines are in memory; the service is a WebSocket on
 * loopback, which is served when somebody first looks for pads and ends with the desk.
 */
import { SimulatedSerialLines, type SerialDevice } from '../ports/serial-lines.ts';
import type { LinePadRow } from './line-pad-schema.ts';
import { sampleSignature } from './pen.ts';
import { write as writeStu } from './person.ts';
import { SimulatedSerialStu } from './serial-stu.ts';
import { serveSimulatedSignotec, type SimulatedSignotec, type SimulatedSignotecPad } from './signotec.ts';
import { SimulatedStu } from './stu.ts';
import { SimulatedTopaz } from './topaz.ts';

export interface LinePadUse {
  readonly act: 'write' | 'accept' | 'clear' | 'cancel' | 'pull' | 'plug';
  readonly seed: number;
  readonly samples: number;
  readonly signal: AbortSignal;
}

export interface LineConfiguration {
  readonly topaz: { serialNumber: string; model: string }[];
  readonly serialStu: { serialNumber: string; model: 'STU-430V' | 'STU-540' }[];
  readonly signotec?: { url: string };
}

interface LinePad {
  readonly serialNumber: string;
  readonly name: string;
  readonly isPlugged: boolean;
  pull(): void;
  plug(): void;
  write(use: LinePadUse): Promise<void>;
  /** Pads without buttons of their own have nothing to press. */
  press(button: 'accept' | 'clear' | 'cancel'): void;
}

/** A converter as they are sold; its serial number is the pad's. */
const CONVERTER = { vendorId: '0403', productId: '6001', manufacturer: 'FTDI' } as const;

export class SimulatedLineDesk implements AsyncDisposable {
  readonly lines = new SimulatedSerialLines();
  readonly pads: readonly LinePad[];
  readonly #rows: readonly LinePadRow[];
  #service: Promise<SimulatedSignotec> | undefined;

  constructor(rows: readonly LinePadRow[]) {
    this.#rows = rows;
    let place = 0;
    this.pads = rows.map((row) => {
      if (row.line === 'signotec') return this.#signotecPad(row);
      const path = `simulated-tty-${place++}`;
      return row.line === 'topaz' ? this.#topazPad(path, row) : this.#serialStuPad(path, row);
    });
  }

  /** What a policy file would say of these pads. Serves the service. */
  async configuration(): Promise<LineConfiguration> {
    const url = await this.signotecUrl();
    const topaz = this.#rows.flatMap((row) =>
      row.line === 'topaz' ? [{ serialNumber: row.serialNumber, model: row.model }] : [],
    );
    const serialStu = this.#rows.flatMap((row) =>
      row.line === 'serial-stu' ? [{ serialNumber: row.serialNumber, model: row.model }] : [],
    );
    return { topaz, serialStu, ...(url === undefined ? {} : { signotec: { url } }) };
  }

  /** Of the service; undefined when the desk has no pad of it. */
  async signotecUrl(): Promise<string | undefined> {
    const rows = this.#rows.flatMap((row) => (row.line === 'signotec' ? [row] : []));
    if (rows.length === 0) return undefined;
    this.#service ??= serveSimulatedSignotec({
      isPlugged: (serialNumber) => this.pads.find((pad) => pad.serialNumber === serialNumber)?.isPlugged ?? true,
      pads: rows.map(({ serialNumber, type }) => ({ serialNumber, type })),
      faults: rows.flatMap(({ faults = [] }) => faults),
    });
    return (await this.#service).url;
  }

  /** False when there is no such pad. Whatever is done has been done when it resolves. */
  async use(serialNumber: string, use: LinePadUse): Promise<boolean> {
    const pad = this.pads.find((one) => one.serialNumber === serialNumber);
    if (!pad) return false;
    if (this.#service) await this.#service;
    if (use.act === 'write') await pad.write(use);
    else if (use.act === 'pull') pad.pull();
    else if (use.act !== 'plug') pad.press(use.act);
    else if (!pad.isPlugged) pad.plug();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#service)?.[Symbol.asyncDispose]();
  }

  #topazPad(
    path: string,
    { serialNumber, model, isPlugged = true, faults = [] }: Extract<LinePadRow, { readonly line: 'topaz' }>,
  ): LinePad {
    const pad = new SimulatedTopaz({ faults });
    const areaMm = { widthMm: 100, heightMm: 35 };
    return this.#onLine(path, pad, {
      ...{ serialNumber, name: model, isPlugged },
      write: ({ samples, signal }) => pad.write(sampleSignature({ ...areaMm, points: samples }), { signal }),
      press: () => undefined,
    });
  }

  #serialStuPad(
    path: string,
    { serialNumber, model, isPlugged = true, faults = [] }: Extract<LinePadRow, { readonly line: 'serial-stu' }>,
  ): LinePad {
    const stu = new SimulatedStu({ model: model === 'STU-430V' ? 'STU-430' : model, serialNumber });
    return this.#onLine(path, new SimulatedSerialStu(stu, { faults }), {
      ...{ serialNumber, name: model, isPlugged },
      write: (use) => writeStu(stu, use),
      press: () => undefined,
    });
  }

  #onLine(
    path: string,
    device: SerialDevice,
    { isPlugged, ...pad }: Pick<LinePad, 'serialNumber' | 'name' | 'isPlugged' | 'write' | 'press'>,
  ): LinePad {
    const { lines } = this;
    const plug = (): void => lines.plug({ path, ...CONVERTER, serialNumber: pad.serialNumber }, device);
    if (isPlugged) plug();
    return {
      ...pad,
      plug,
      pull: () => lines.unplug(path),
      get isPlugged() {
        return lines.isPlugged(path);
      },
    };
  }

  #signotecPad(row: Extract<LinePadRow, { readonly line: 'signotec' }>): LinePad {
    const { serialNumber, type } = row;
    let { isPlugged = true } = row;
    const act = async (does: (pad: SimulatedSignotecPad, service: SimulatedSignotec) => void | Promise<void>): Promise<void> => {
      const service = await this.#service;
      const pad = service?.pads.find(({ options }) => options.serialNumber === serialNumber);
      if (service && pad) await does(pad, service);
    };
    return {
      ...{ serialNumber, name: `signotec type ${type}` },
      get isPlugged() {
        return isPlugged;
      },
      pull: () => {
        isPlugged = false;
        void act((pad, service) => service.unplug(pad));
      },
      plug: () => {
        isPlugged = true;
        void act((pad, service) => service.plug(pad));
      },
      write: ({ samples, signal }) =>
        act((pad) =>
          pad.write(sampleSignature({ widthMm: pad.areaMm.width, heightMm: pad.areaMm.height, points: samples }), { signal }),
        ),
      press: (button) => void act((pad) => pad.press(button)),
    };
  }
}
