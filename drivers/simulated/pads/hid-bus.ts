/** HID devices in memory: what is plugged in, and the same errors as of real ports when one is pulled. Models know nothing of it. */
import { DeviceBusyError, DeviceProtocolError, DeviceRemovedError } from '../../errors.ts';
import type { HidPort, HidPortInfo, HidPorts } from '../../ports/hid-port.ts';
import type { SimulatedStu } from './stu.ts';

interface Plugged {
  readonly pad: SimulatedStu;
  readonly removal: AbortController;
  isOpen: boolean;
}

export class SimulatedHidBus implements HidPorts {
  readonly #plugged = new Map<string, Plugged>();
  #index = 0;

  /** Under a new path each time, as systems do. */
  plug(pad: SimulatedStu): string {
    const path = `simulated-hid-${this.#index++}`;
    pad.powerUp();
    this.#plugged.set(path, { pad, removal: new AbortController(), isOpen: false });
    return path;
  }

  unplug(pad: SimulatedStu): void {
    for (const [path, plugged] of this.#plugged) {
      if (plugged.pad !== pad) continue;
      this.#plugged.delete(path);
      plugged.removal.abort(new DeviceRemovedError(`reading ${path}: the device is gone`, { device: path }));
    }
  }

  isPlugged(pad: SimulatedStu): boolean {
    return [...this.#plugged.values()].some((plugged) => plugged.pad === pad);
  }

  /** Ports that somebody has open. */
  get openPorts(): number {
    return [...this.#plugged.values()].filter(({ isOpen }) => isOpen).length;
  }

  list(vendorIds: readonly number[]): Promise<readonly HidPortInfo[]> {
    const all = [...this.#plugged].map(([path, { pad }]) => ({
      ...{ path, vendorId: pad.vendorId, productId: pad.productId, product: pad.name, serialNumber: pad.serialNumber },
    }));
    return Promise.resolve(all.filter(({ vendorId }) => vendorIds.includes(vendorId)));
  }

  // Promises as of real ports, though nothing here waits.
  open(path: string): Promise<HidPort> {
    const plugged = this.#plugged.get(path);
    if (!plugged) return Promise.reject(new DeviceRemovedError(`opening ${path}: it is not there`, { device: path }));
    if (plugged.isOpen) return Promise.reject(new DeviceBusyError(`opening ${path}: it is in use`, { device: path }));
    plugged.isOpen = true;
    return Promise.resolve(portOf(path, plugged));
  }
}

function portOf(path: string, plugged: Plugged): HidPort {
  const { pad, removal } = plugged;
  const { signal } = removal;
  const ends: (() => void)[] = [];
  const carry = async <R>(work: () => R): Promise<R> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted || !plugged.isOpen) throw new DeviceRemovedError(`using ${path}: the device is gone`, { device: path });
    return work();
  };
  const refused = (id: number): DeviceProtocolError =>
    new DeviceProtocolError(`report ${id.toString(16)} of ${path}: broken pipe`, { device: path });
  return {
    getFeature: async (id) => {
      const report = await carry(() => pad.getFeature(id));
      if (!report) throw refused(id);
      return new Uint8Array(report);
    },
    setFeature: async (report) => {
      if ((await carry(() => pad.setFeature(report))) < 0) throw refused(report[0] ?? 0);
    },
    listen: ({ onReport, onGone }) => {
      const onAbort = (): void =>
        onGone(signal.reason instanceof Error ? signal.reason : new DeviceRemovedError('the device is gone'));
      ends.push(pad.onReport((report) => onReport(new Uint8Array(report))));
      signal.addEventListener('abort', onAbort, { once: true });
      ends.push(() => signal.removeEventListener('abort', onAbort));
    },
    [Symbol.asyncDispose]: () => {
      for (const end of ends.splice(0)) end();
      plugged.isOpen = false;
      return Promise.resolve();
    },
  };
}
