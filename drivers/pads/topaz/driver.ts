/**
 * Topaz pads on serial lines; the USB models ("-BSB") are an FTDI converter with the pad behind it. A converter does not say what is behind it, and
 * nothing is opened to find out: a line is a pad when the configuration says so, or when its converter was named after the vendor.
 */
import { DeviceBusyError, DeviceRemovedError } from '../../errors.ts';
import type { SerialLines, SerialPortDescription } from '../../ports/serial-line.ts';
import type { PadDescription, PadDriver, SignaturePad } from '../driver.ts';
import { areaMm, DEFAULT_MODEL, PRODUCT_FT232, rateHz, TOPAZ_MODELS, VENDOR_FTDI, type TopazModel } from './models.ts';
import { PRESSURE_LEVELS } from './packets.ts';
import { openTopazPad } from './pad.ts';

/** The serial number that Topaz writes into the converter: "TOPAZBSB" (README of github.com/l1n/topaz-dext, "Physical Layer"). It is the same in every pad. */
const NAMED_AFTER_VENDOR = /^TOPAZ/i;

/** One line that is a pad, by its path or by the serial number of its converter. */
export interface TopazPort {
  /** "/dev/ttyUSB0", "COM3". */
  readonly path?: string;
  readonly serialNumber?: string;
  /** Id of a row in `models.ts`. Default: "siglite-1x5". */
  readonly model?: string;
  /** Of its samples, where it was measured. */
  readonly rateHz?: number;
  /** The pad measures pressure, which its packets do not tell beforehand. */
  readonly hasPressure?: boolean;
}

export interface TopazOptions {
  readonly lines: SerialLines;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly ports?: readonly TopazPort[];
}

/** A pad as it was found. */
export interface TopazLine {
  readonly path: string;
  readonly model: TopazModel;
  readonly description: PadDescription;
}

/** Throws RangeError for a model that is not known. */
export function createTopazDriver(options: TopazOptions): PadDriver {
  for (const { model } of options.ports ?? []) modelOf(model);
  return new TopazDriver(options);
}

class TopazDriver implements PadDriver {
  readonly id = 'topaz';
  readonly #options: TopazOptions;
  /** By path; undefined while it opens. */
  readonly #open = new Map<string, SignaturePad | undefined>();

  constructor(options: TopazOptions) {
    this.#options = options;
  }

  async list(options: { readonly signal: AbortSignal }): Promise<readonly PadDescription[]> {
    return (await this.#find(options)).map(({ description }) => description);
  }

  async open(padId: string, { signal }: { readonly signal: AbortSignal }): Promise<SignaturePad> {
    const line = (await this.#find({ signal })).find(({ description }) => description.id === padId);
    if (!line) throw new DeviceRemovedError(`opening ${padId}: it is not there`, { device: padId });
    const { path } = line;
    if (this.#open.has(path)) throw new DeviceBusyError(`opening ${padId}: it is open already`, { device: padId });
    this.#open.set(path, undefined);
    try {
      const { lines, now } = this.#options;
      const pad = await openTopazPad(line, { lines, now, signal, onClosed: () => this.#open.delete(path) });
      this.#open.set(path, pad);
      return pad;
    } catch (error) {
      this.#open.delete(path);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map(async (pad) => await pad?.[Symbol.asyncDispose]()));
  }

  async #find({ signal }: { readonly signal: AbortSignal }): Promise<readonly TopazLine[]> {
    const { lines, ports = [] } = this.#options;
    const listed = await lines.list({ signal });
    const found = listed.flatMap((port) => {
      const configured = ports.find(
        ({ path, serialNumber }) => path === port.path || (serialNumber !== undefined && serialNumber === port.serialNumber),
      );
      return configured || isNamedAfterVendor(port) ? [asLine(port, configured)] : [];
    });
    for (const configured of ports) {
      const { path } = configured;
      if (path === undefined || listed.some((port) => port.path === path)) continue;
      if (await lines.exists(path)) found.push(asLine({ path }, configured));
    }
    return found;
  }
}

function isNamedAfterVendor({ vendorId, productId, serialNumber }: SerialPortDescription): boolean {
  return (
    vendorId === VENDOR_FTDI && productId === PRODUCT_FT232 && serialNumber !== undefined && NAMED_AFTER_VENDOR.test(serialNumber)
  );
}

function asLine(port: SerialPortDescription, configured: TopazPort = {}): TopazLine {
  const model = modelOf(configured.model);
  const { serialNumber } = port;
  const isUnique = serialNumber !== undefined && !NAMED_AFTER_VENDOR.test(serialNumber);
  return {
    path: port.path,
    model,
    description: {
      id: `topaz-${isUnique ? serialNumber : placeOf(port.path)}`,
      driver: 'topaz',
      model: model.name,
      ...(isUnique ? { serialNumber } : {}),
      capabilities: {
        areaMm: areaMm(model),
        pressureLevels: configured.hasPressure ? PRESSURE_LEVELS : 0,
        rateHz: configured.rateHz ?? rateHz(model),
        buttons: 'none',
        lineEncryption: 'none',
        timeSource: 'rate',
      },
    },
  };
}

/** "/dev/ttyUSB0" as a name. */
function placeOf(path: string): string {
  return path.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '');
}

function modelOf(id: string = DEFAULT_MODEL): TopazModel {
  const model = TOPAZ_MODELS.find((row) => row.id === id);
  if (!model)
    throw new RangeError(`choosing a Topaz model: there is no ${id}; there are ${TOPAZ_MODELS.map((row) => row.id).join(', ')}`);
  return model;
}
