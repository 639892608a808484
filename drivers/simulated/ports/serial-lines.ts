/** Serial lines in memory: devices are plugged in and pulled at run time. What a device sends goes to whoever has its line open, and is lost otherwise. */
import { DeviceBusyError, DeviceRemovedError } from '../../errors.ts';
import type { OpenLineOptions, SerialLine, SerialLines, SerialPortDescription, SerialSettings } from '../../ports/serial-line.ts';

/** What is at the far end of a line: a device model, free of any transport. */
export interface SerialDevice {
  /** Called when the device is plugged in. What it sends before anybody listens is lost, as on a real line. */
  attach(line: SerialDeviceLine): void;
  receive(bytes: Uint8Array): void;
}

export interface SerialDeviceLine {
  send(bytes: Uint8Array): void;
  /** The plug is pulled. */
  unplug(): void;
}

interface Plugged {
  readonly description: SerialPortDescription;
  readonly device: SerialDevice;
  open: { readonly settings: SerialSettings; readonly listener: OpenLineOptions['listener'] } | undefined;
}

export class SimulatedSerialLines implements SerialLines {
  readonly #plugged = new Map<string, Plugged>();

  /** Paths that are open. */
  get openPaths(): readonly string[] {
    return [...this.#plugged.values()].flatMap(({ description, open }) => (open ? [description.path] : []));
  }

  settingsOf(path: string): SerialSettings | undefined {
    return this.#plugged.get(path)?.open?.settings;
  }

  plug(description: SerialPortDescription, device: SerialDevice): void {
    const { path } = description;
    if (this.#plugged.has(path)) throw new RangeError(`plugging in a device: ${path} is taken`);
    const plugged: Plugged = { description, device, open: undefined };
    this.#plugged.set(path, plugged);
    device.attach({
      send: (bytes) => plugged.open?.listener.bytes(Uint8Array.from(bytes)),
      unplug: () => {
        if (this.#plugged.get(path) === plugged) this.unplug(path);
      },
    });
  }

  unplug(path: string): void {
    const plugged = this.#plugged.get(path);
    this.#plugged.delete(path);
    const open = plugged?.open;
    if (!plugged || !open) return;
    plugged.open = undefined;
    open.listener.gone(new DeviceRemovedError(`reading ${path}: the line hung up`, { device: path }));
  }

  list({ signal }: { readonly signal: AbortSignal }): Promise<readonly SerialPortDescription[]> {
    signal.throwIfAborted();
    return Promise.resolve([...this.#plugged.values()].map(({ description }) => description));
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.#plugged.has(path));
  }

  async open(path: string, settings: SerialSettings, { signal, listener }: OpenLineOptions): Promise<SerialLine> {
    signal.throwIfAborted();
    await Promise.resolve();
    const plugged = this.#plugged.get(path);
    if (!plugged) throw new DeviceRemovedError(`opening ${path}: there is no such line`, { device: path });
    if (plugged.open) throw new DeviceBusyError(`opening ${path}: another program has it`, { device: path });
    const opened = { settings, listener };
    plugged.open = opened;
    return {
      path,
      write: async (bytes, options) => {
        options.signal.throwIfAborted();
        await Promise.resolve();
        if (plugged.open !== opened) throw new DeviceRemovedError(`writing to ${path}: the line is closed`, { device: path });
        plugged.device.receive(bytes);
      },
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve();
        if (plugged.open === opened) plugged.open = undefined;
      },
    };
  }
}
