/** Numbers of WinSCard calls, spelt as its headers spell them (pcsc-lite 1.9.9: PCSC/pcsclite.h, PCSC/winscard.h; the same in the Windows SDK). */

export const SCARD_SHARE_SHARED = 2;
export const SCARD_SHARE_DIRECT = 3;

export const SCARD_PROTOCOL_UNDEFINED = 0;
export const SCARD_PROTOCOL_T0 = 1;
export const SCARD_PROTOCOL_T1 = 2;
/** Either, as the card offers. */
export const SCARD_PROTOCOL_ANY = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;

export const SCARD_LEAVE_CARD = 0;
export const SCARD_RESET_CARD = 1;

export const SCARD_STATE_UNAWARE = 0x0000;
export const SCARD_STATE_IGNORE = 0x0001;
export const SCARD_STATE_CHANGED = 0x0002;
export const SCARD_STATE_UNKNOWN = 0x0004;
export const SCARD_STATE_UNAVAILABLE = 0x0008;
export const SCARD_STATE_EMPTY = 0x0010;
export const SCARD_STATE_PRESENT = 0x0020;
export const SCARD_STATE_EXCLUSIVE = 0x0080;
export const SCARD_STATE_INUSE = 0x0100;
export const SCARD_STATE_MUTE = 0x0200;

/** Not a reader: stands for the list of readers in SCardGetStatusChange. */
export const PNP_NOTIFICATION = '\\\\?PnP?\\Notification';

/** SCARD_ATTR_VALUE(SCARD_CLASS_VENDOR_INFO, 0x0103) (PCSC/reader.h). */
export const SCARD_ATTR_VENDOR_IFD_SERIAL_NO = 0x0001_0103;
/** SCARD_ATTR_VALUE(SCARD_CLASS_COMMUNICATIONS, 0x0110) (PCSC/reader.h). */
export const SCARD_ATTR_CHANNEL_ID = 0x0002_0110;
