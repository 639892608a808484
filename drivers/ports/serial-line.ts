/**
 * A serial line as drivers see it: which there are, bytes out, bytes in, and one word when it is gone. Real ones are `system-lines.ts`; a simulated
 * one has the same shape, so that a driver cannot tell. Nothing here knows what the bytes mean.
 */

export interface SerialLines {
  /** Every line as it stands. */
  list(options: { readonly signal: AbortSignal }): Promise<readonly SerialPortDescription[]>;
  /** Whether a line of this path is there: also one that no list shows, as a pseudo-terminal. */
  exists(path: string): Promise<boolean>;
  /** Ours alone until it is closed. DeviceRemovedError when it is not there, DeviceBusyError when another program has it. */
  open(path: string, settings: SerialSettings, options: OpenLineOptions): Promise<SerialLine>;
}

export interface SerialPortDescription {
  /** As the system opens it: "/dev/ttyUSB0", "COM3". */
  readonly path: string;
  /** Four hexadecimal digits, lower case. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
}

export interface SerialSettings {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'odd' | 'even';
  readonly stopBits: 1 | 2;
  /** Lines towards the device, set after opening. Absent: as the system sets them. */
  readonly dtr?: boolean;
  readonly rts?: boolean;
}

export interface OpenLineOptions {
  /** Ends the opening, not the line. */
  readonly signal: AbortSignal;
  readonly listener: SerialListener;
}

/** Told in the order of what happens; must not throw. */
export interface SerialListener {
  /** The bytes are the listener's to keep. */
  bytes(chunk: Uint8Array): void;
  /** Once, when the line went without having been closed: a DeviceRemovedError, or what the system said. Nothing comes after it. */
  gone(error: Error): void;
}

export interface SerialLine extends AsyncDisposable {
  readonly path: string;
  /** Resolves when the system has taken the bytes. */
  write(bytes: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
}
