/** What the daemon tells the front's program when it starts it, and with each connection that it hands over. */
import type { SocketPlace } from '../../pkcs11-module/front/bind.ts';
import type { FrontTimes } from '../../pkcs11-module/front/front.ts';

export interface FrontSettings {
  /** The data folder. */
  readonly folder: string;
  readonly programs: SocketPlace;
  readonly version: string;
  readonly times: Partial<FrontTimes>;
}

/** A program's connection, numbered; `read` is what was read of it already. */
export interface HandOver {
  readonly number: number;
  readonly read: Uint8Array;
}

export function encodeFrontSettings(settings: FrontSettings): string {
  return JSON.stringify(settings);
}

/** From the daemon that started this process: what is wrong with it is a defect. */
export function parseFrontSettings(text: string | undefined): FrontSettings {
  return JSON.parse(text ?? '') as FrontSettings;
}

export function encodeHandOver({ number, read }: HandOver): { readonly number: number; readonly read: string } {
  return { number, read: Buffer.from(read).toString('base64') };
}

export function parseHandOver(message: unknown): HandOver {
  const { number, read } = message as { readonly number: number; readonly read: string };
  return { number, read: new Uint8Array(Buffer.from(read, 'base64')) };
}
