/**
 * How readers of machine-readable zones put them on a serial line, as data: a row for each family. No reader was at hand: rows marked `isConfirmed: false` are from
 * one secondary source or from general knowledge, and each can be overridden field by field in the configuration.
 */
import type { SerialSettings } from '../../ports/serial-line.ts';

export interface Framing {
  readonly settings: SerialSettings;
  /** Bytes before and after a reading, in hexadecimal; none: a reading ends when the line is silent. */
  readonly start?: string;
  readonly end?: string;
  /** Sent once the line is open, when a scan begins, and when it is given up. */
  readonly wake?: string;
  readonly trigger?: string;
  readonly untrigger?: string;
  /** plain: text between start and end. tlv: command byte, two bytes of length (high first), data. */
  readonly codec: 'plain' | 'tlv';
  /** Of tlv: the command bytes of answers that hold a zone. */
  readonly answers?: string;
  /** Found by these, four hexadecimal digits each; none: by what the configuration says. */
  readonly usb?: { readonly vendorId: string; readonly productId?: string };
  readonly model: string;
  readonly isConfirmed: boolean;
  readonly source: string;
}

const NINE_SIX: SerialSettings = { baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1 };

/** Sorted by name. */
export const FRAMINGS = {
  'access-is-swipe': {
    ...{ settings: NINE_SIX, start: '02', end: '03', codec: 'plain', usb: { vendorId: '0db5' } },
    ...{ model: 'Access-IS OCR swipe reader', isConfirmed: false, source: 'general knowledge: STX, lines ended by CR, ETX' },
  },
  'elyctis-idbox': {
    ...{ settings: { ...NINE_SIX, baudRate: 115_200 }, codec: 'tlv', trigger: '490000', answers: '494c' },
    ...{ model: 'Elyctis ID BOX One', isConfirmed: false, source: 'IDBOX One Scanner Command Set v1.7: inquire is 49 00 00' },
  },
  'honeywell-menu': {
    ...{ settings: NINE_SIX, codec: 'plain', trigger: '16540d', untrigger: '16550d' },
    ...{ model: 'Honeywell imager with OCR', isConfirmed: false, source: 'a public driver: SYN T CR triggers, SYN U CR ends' },
  },
  'newland-frame': {
    ...{ settings: NINE_SIX, codec: 'plain', trigger: '7e01303030304053434e545247313b03' },
    ...{ model: 'Newland imager', isConfirmed: false, source: 'a public driver: 7E 01 0000 @SCNTRG1 ; 03 starts decoding' },
  },
  'plain-crlf': {
    ...{ settings: NINE_SIX, codec: 'plain' },
    ...{ model: 'MRZ reader', isConfirmed: false, source: 'lines ended by CR or CR LF, as Desko and 3M readers are usually set' },
  },
} as const satisfies Record<string, Framing>;

export type FramingName = keyof typeof FRAMINGS;
