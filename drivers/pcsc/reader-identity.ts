/**
 * Which reader it is, over an open handle: SCardGetAttrib (PC/SC part 3), and on Linux the USB port behind what it says. The CCID driver of pcsc-lite
 * answers both attributes (its SCARDGETATTRIB.md); drivers of other vendors, Windows and macOS are unconfirmed. A reader that tells nothing has no identity
 * but its name.
 */
import { parseReaderName, readSerialNumber } from '../reader-name.ts';
import { SCARD_ATTR_CHANNEL_ID, SCARD_ATTR_VENDOR_IFD_SERIAL_NO } from './constants.ts';
import {
  SCARD_E_NO_SMARTCARD,
  SCARD_E_READER_UNAVAILABLE,
  SCARD_E_SHARING_VIOLATION,
  SCARD_E_TIMEOUT,
  SCARD_E_UNKNOWN_READER,
  SCARD_W_REMOVED_CARD,
  SCARD_W_RESET_CARD,
  SCARD_W_UNPOWERED_CARD,
  meansServiceGone,
} from './result-code.ts';
import { findUsbPort } from './usb-port.ts';
import type { CardHandle, WinScard } from './winscard.ts';

export interface ReaderIdentity {
  readonly serialNumber?: string;
  readonly usbPath?: string;
}

/** Results that say nothing about the reader: it is asked again. Any other means that it does not tell. */
const PASSING: ReadonlySet<number> = new Set([
  SCARD_E_NO_SMARTCARD,
  SCARD_E_READER_UNAVAILABLE,
  SCARD_E_SHARING_VIOLATION,
  SCARD_E_TIMEOUT,
  SCARD_E_UNKNOWN_READER,
  SCARD_W_REMOVED_CARD,
  SCARD_W_RESET_CARD,
  SCARD_W_UNPOWERED_CARD,
]);

/** DDDD of 0xDDDDCCCC (PC/SC part 3, SCARD_ATTR_CHANNEL_ID): USB. */
const CHANNEL_USB = 0x0020;

/** `usbFolder`: where the system tells of USB devices; undefined where it does not. Resolves with undefined when the reader cannot be asked now. */
export async function readReaderIdentity(
  winscard: WinScard,
  card: CardHandle,
  { name, usbFolder }: { readonly name: string; readonly usbFolder: string | undefined },
): Promise<ReaderIdentity | undefined> {
  const told = await readAttribute(winscard, card, SCARD_ATTR_VENDOR_IFD_SERIAL_NO);
  const channel = await readAttribute(winscard, card, SCARD_ATTR_CHANNEL_ID);
  if (!told || !channel) return undefined;
  const port = usbFolder === undefined ? undefined : await portOf(channel, usbFolder);
  const serialNumber =
    readSerialNumber(Buffer.from(told).toString('latin1')) ??
    readSerialNumber(port?.serialNumber ?? '') ??
    parseReaderName(name).serialNumber;
  return { ...(serialNumber === undefined ? {} : { serialNumber }), ...(port ? { usbPath: port.path } : {}) };
}

/** Empty for a reader that does not tell, undefined when it cannot be asked now. */
async function readAttribute(winscard: WinScard, card: CardHandle, attribute: number): Promise<Uint8Array | undefined> {
  const { result, value } = await winscard.getAttrib(card, attribute);
  if (result === 0) return value;
  return PASSING.has(result) || meansServiceGone(result) ? undefined : new Uint8Array();
}

/** CCCC: bus in the upper byte, address in the lower one (CCID driver). The byte order is the machine's, little-endian everywhere that Node runs. */
async function portOf(channel: Uint8Array, usbFolder: string): Promise<Awaited<ReturnType<typeof findUsbPort>>> {
  if (channel.length < 4) return undefined;
  const id = new DataView(channel.buffer, channel.byteOffset, channel.byteLength).getUint32(0, true);
  return id >>> 16 === CHANNEL_USB ? await findUsbPort((id >>> 8) & 0xff, id & 0xff, usbFolder) : undefined;
}
