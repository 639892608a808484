/**
 * The contract of signature pads: what every family gives, whatever its line. Raw counts stay inside a driver: millimetres, milliseconds and pressure
 * from 0 to 1 come out. A driver knows nothing of documents, people or an API: what a capture is bound to is the daemon's.
 * Errors are those of `drivers/errors.ts`: a pad that goes away is a DeviceRemovedError, in every state.
 */

/** One family of pads, on every port where it finds one. Opens nothing before it is asked. */
export interface PadDriver extends AsyncDisposable {
  /** Name on the wire, never changed once released: "wacom-stu". */
  readonly id: string;
  /** Every pad as it stands. One that cannot be asked who it is (held by another program, mute) is listed by what its port tells, or left out. */
  list(options: { readonly signal: AbortSignal }): Promise<readonly PadDescription[]>;
  /** For one capture; whoever opened it disposes of it. DeviceBusyError while it is open already, DeviceRemovedError when it is not there. */
  open(padId: string, options: { readonly signal: AbortSignal }): Promise<SignaturePad>;
}

export interface PadDescription {
  /** Of this driver: the same while the pad stays plugged in, and, where it has a serial number, when it comes back in another socket. */
  readonly id: string;
  readonly driver: string;
  readonly model: string;
  readonly serialNumber?: string;
  readonly firmware?: string;
  readonly capabilities: PadCapabilities;
}

export interface PadCapabilities {
  /** What the pen can write on. */
  readonly areaMm: PadSize;
  /** Absent: the pad has no screen, and shows nothing. */
  readonly screen?: { readonly widthPx: number; readonly heightPx: number; readonly colour: ScreenColour };
  /** Steps between no pressure and full pressure. 0: it measures none, and samples have 1 while the pen is down. */
  readonly pressureLevels: number;
  /** Samples a second while a pen is near. */
  readonly rateHz: number;
  /** `drawn`: `show` draws them and the driver finds the taps; `own`: the pad or its service has them; `none`: it cannot be asked anything. */
  readonly buttons: 'drawn' | 'own' | 'none';
  /** Of the line between pad and machine, not of what is kept: "none", "aes-128 (dh)", "aes-256 (rsa-2048)", "vendor". */
  readonly lineEncryption: string;
  /** Whose time the samples have: the pad's clock, its fixed rate, or that of arrival. */
  readonly timeSource: 'pad' | 'rate' | 'host';
}

export interface PadSize {
  readonly width: number;
  readonly height: number;
}

export type ScreenColour = 'mono' | 'rgb565' | 'rgb888';

/** Open, and ours alone. `Symbol.asyncDispose` clears the screen where it can, and leaves the pad ready for the next. */
export interface SignaturePad extends AsyncDisposable {
  readonly description: PadDescription;
  /** Puts this on the screen in place of what was there. Absent on a pad without one. */
  readonly show?: (screen: PadScreen, options: { readonly signal: AbortSignal }) => Promise<void>;
  /** Takes the ink away and keeps what is shown; samples go on. */
  clear(options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * What happens at the pad, from the call on, in its order. Ends when `signal` fires, without an error; throws a DeviceError when the pad goes or answers
   * what its protocol does not allow. One at a time. Samples that nobody takes in time are told as `lost`, never dropped in silence.
   */
  capture(options: CaptureOptions): AsyncIterable<PadEvent>;
}

export interface CaptureOptions {
  readonly signal: AbortSignal;
  /** SHA-256 of the document that is signed, for pads that bind it themselves. */
  readonly documentHash: Uint8Array;
}

export type PadEvent =
  | { readonly kind: 'pen'; readonly sample: PenSample }
  /** So many samples never came, before the next one that does. The numbers of samples go on behind them. */
  | { readonly kind: 'lost'; readonly samples: number }
  /** Pressed: of drawn ones a tap that began and ended inside it. Its samples are not told. */
  | { readonly kind: 'button'; readonly button: ButtonId }
  /** What the pad itself states about the signature: opaque here, kept beside it. */
  | { readonly kind: 'attestation'; readonly format: string; readonly bytes: Uint8Array };

export interface PenSample {
  /** From 0, one more with each sample the pad took: also those that were lost. */
  readonly sequence: number;
  /** From the left and from the top edge of the area. */
  readonly xMm: number;
  readonly yMm: number;
  /** Since the first sample, by `timeSource`; never less than that of the one before. */
  readonly timeMs: number;
  /** 0–1. */
  readonly pressure: number;
  /** It writes. Otherwise the pen is only near. */
  readonly isDown: boolean;
}

export type ButtonId = 'accept' | 'clear' | 'cancel';

export interface PadScreen {
  /** Paragraphs, wrapped by the driver; what does not fit is an error, not cut: a person must have seen what they sign. */
  readonly text?: string;
  /** In place of text: drawn as large as fits, in its proportions. */
  readonly image?: PadImage;
  /** In this order from the left, below the text. */
  readonly buttons: readonly PadButton[];
}

export interface PadButton {
  readonly id: ButtonId;
  readonly label: string;
}

/** Rows from the top, eight bits a channel: 1 grey, 2 grey and alpha, 3 red green blue, 4 with alpha. */
export interface PadImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Uint8Array;
}
