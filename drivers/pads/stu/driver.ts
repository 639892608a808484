/**
 * Wacom's STU signature pads over HID. A pad is asked who it is when it is first seen, and again when it is opened: another one may have come under the same path.
 * Never by usage page: what real pads say there is not known.
 */
import { DeviceBusyError, DeviceError, DeviceRemovedError } from '../../errors.ts';
import type { HidPort, HidPortInfo, HidPorts } from '../../ports/hid-port.ts';
import type { PadDescription, PadDriver, SignaturePad } from '../driver.ts';
import { WACOM, modelOf, type StuModel } from './models.ts';
import { StuPad } from './pad.ts';
import { LENGTH, REPORT, parseCapability, parseInformation, parseSerialNumber, type StuCapability } from './reports.ts';

export interface StuDriverOptions {
  readonly ports: HidPorts;
  /** Milliseconds, ever rising; of this machine unless given. */
  readonly now?: () => number;
}

const ID = 'wacom-stu';
/** Data sheets: all models; of serial lines it can be less. */
const RATE_HZ = 200;
const MM_PER_INCH = 25.4;
/** A pad that did not answer is asked again so much later. */
const RETRY_MS = 5_000;

interface Known {
  readonly info: HidPortInfo;
  readonly model: StuModel;
  readonly capability: StuCapability;
  readonly description: PadDescription;
}

export class StuDriver implements PadDriver {
  readonly id = ID;
  readonly #ports: HidPorts;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #silent = new Map<string, number>();
  readonly #open = new Map<string, StuPad>();
  /** Of pads that are being opened. */
  readonly #opening = new Set<string>();
  #listing: Promise<unknown> = Promise.resolve();

  constructor({ ports, now = () => performance.now() }: StuDriverOptions) {
    this.#ports = ports;
    this.#now = now;
  }

  async list({ signal }: { readonly signal: AbortSignal }): Promise<readonly PadDescription[]> {
    const turn = this.#listing.then(() => this.#look(signal));
    this.#listing = turn.catch(() => undefined);
    return await turn;
  }

  async open(padId: string, { signal }: { readonly signal: AbortSignal }): Promise<SignaturePad> {
    const known = [...this.#known.values()].find(({ description }) => description.id === padId);
    if (!known) throw new DeviceRemovedError('opening the pad: it is not there', { device: padId });
    if (this.#open.has(padId) || this.#opening.has(padId))
      throw new DeviceBusyError('opening the pad: it is in use', { device: padId });
    this.#opening.add(padId);
    const port = await this.#ports.open(known.info.path).finally(() => this.#opening.delete(padId));
    try {
      signal.throwIfAborted();
      const { serialNumber, capability } = await identify(port, known.model, known.info);
      if (serialNumber !== known.description.serialNumber)
        throw new DeviceRemovedError('opening the pad: another one is in its place', { device: padId });
      const { model, description } = known;
      const pad = new StuPad({ port, model, capability, description, now: this.#now, onClose: () => this.#open.delete(padId) });
      this.#open.set(padId, pad);
      return pad;
    } catch (error) {
      await port[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.values()].map((pad) => pad[Symbol.asyncDispose]()));
    await this.#listing;
  }

  async #look(signal: AbortSignal): Promise<readonly PadDescription[]> {
    const present = (await this.#ports.list([WACOM])).filter(({ productId }) => modelOf(productId));
    const paths = new Set(present.map(({ path }) => path));
    for (const path of this.#known.keys()) if (!paths.has(path)) this.#known.delete(path);
    for (const info of present) {
      signal.throwIfAborted();
      if (!this.#known.has(info.path)) await this.#meet(info);
    }
    return [...this.#known.values()].map(({ description }) => description);
  }

  /** One that does not answer, or is held by another program, is not there until it answers. */
  async #meet(info: HidPortInfo): Promise<void> {
    const model = modelOf(info.productId);
    if (!model || (this.#silent.get(info.path) ?? -RETRY_MS) + RETRY_MS > this.#now()) return;
    try {
      await using port = await this.#ports.open(info.path);
      const { serialNumber, capability, ...told } = await identify(port, model, info);
      this.#silent.delete(info.path);
      const taken = [...this.#known.values()].some(({ description }) => description.serialNumber === serialNumber);
      const id = `${ID}-${serialNumber === undefined || taken ? placeOf(info.path) : serialNumber}`;
      this.#known.set(info.path, {
        info,
        model,
        capability,
        description: describe({ id, model, capability, serialNumber, ...told }),
      });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#silent.set(info.path, this.#now());
    }
  }
}

interface Told {
  readonly id: string;
  readonly model: StuModel;
  readonly capability: StuCapability;
  readonly serialNumber: string | undefined;
  readonly name: string;
  readonly firmware: string;
}

async function identify(
  port: HidPort,
  model: StuModel,
  info: HidPortInfo,
): Promise<Pick<Told, 'capability' | 'serialNumber' | 'name' | 'firmware'>> {
  const { model: name, firmware } = parseInformation(await port.getFeature(REPORT.information, LENGTH.information));
  const capability = parseCapability(await port.getFeature(REPORT.capability, LENGTH.capability));
  const [report, length] = model.hasFactorySerial ? [REPORT.uid2, LENGTH.uid2] : [REPORT.uid, LENGTH.uid];
  const serialNumber = parseSerialNumber(await port.getFeature(report, length)) ?? info.serialNumber;
  return { name: name === '' ? model.model : name, firmware, capability, serialNumber };
}

function describe({ id, model, capability, serialNumber, name, firmware }: Told): PadDescription {
  const { maxX, maxY, maxPressure, screenWidth, screenHeight, rateHz, unitsPerInch } = capability;
  const mm = (units: number): number => Math.round((units * MM_PER_INCH * 10) / unitsPerInch) / 10;
  return {
    id,
    driver: ID,
    model: name,
    ...(serialNumber === undefined ? {} : { serialNumber }),
    firmware,
    capabilities: {
      areaMm: unitsPerInch === 0 ? model.areaMm : { width: mm(maxX), height: mm(maxY) },
      screen: { widthPx: screenWidth, heightPx: screenHeight, colour: model.colour },
      pressureLevels: maxPressure + 1,
      rateHz: rateHz === 0 ? RATE_HZ : rateHz,
      buttons: 'drawn',
      lineEncryption: { dh: 'aes-128 (dh)', rsa: 'aes-256 (rsa-2048)', none: 'none' }[model.encryption],
      timeSource: model.optionMode === 0 ? 'rate' : 'pad',
    },
  };
}

function placeOf(path: string): string {
  return Buffer.from(path).toString('hex').slice(-16);
}
