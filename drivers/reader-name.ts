/**
 * What the name of a reader tells. pcsc-lite: `<name> [<interface>] (<serial number>) RR SS`, where RR is the number of the reader in the order of plugging
 * in and SS that of its slot, both in hexadecimal. Windows: `<name> N`; macOS: `<name>` or `<name>(N)`; both unconfirmed.
 * A number of the order of plugging in says nothing about which reader it is.
 */
export interface ReaderName {
  /** Without the numbers behind it. */
  readonly stem: string;
  /** Present where the name says it. */
  readonly slot?: number;
  /** In parentheses; whether it is one, only the vendor knows. */
  readonly serialNumber?: string;
}

const PCSC_LITE = /^(.*\S) +[0-9A-F]{2} ([0-9A-F]{2})$/i;
const WITH_SERIAL_NUMBER = /\(([^()]+)\)$/;
const NUMBERED = /^(.*\S)(?: \d{1,2}| ?\(\d{1,2}\))$/;

export function parseReaderName(name: string): ReaderName {
  const [, stem, slot] = PCSC_LITE.exec(name) ?? [];
  if (stem === undefined || slot === undefined) return { stem: NUMBERED.exec(name)?.[1] ?? name };
  const serialNumber = readSerialNumber(WITH_SERIAL_NUMBER.exec(stem)?.[1] ?? '');
  return { stem, slot: Number.parseInt(slot, 16), ...(serialNumber === undefined ? {} : { serialNumber }) };
}

const MAX_SERIAL_NUMBER = 64;

/** Undefined for what tells no reader from another: nothing, one character again and again, text that cannot be shown. */
export function readSerialNumber(text: string): string | undefined {
  const trimmed = text.replace(/\0+$/, '').trim();
  if (trimmed.length === 0 || trimmed.length > MAX_SERIAL_NUMBER || new Set(trimmed).size === 1) return undefined;
  return /^[\x20-\x7E]+$/.test(trimmed) ? trimmed : undefined;
}
