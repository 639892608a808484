/** Byte layouts, against pcsc-lite 1.9.9, src/winscard_msg.h and src/eventhandler.h. Little-endian, as on the machines that run this. */
import { describe, expect, it } from 'vitest';
import {
  ATTRIBUTE_ANSWER,
  CMD_WAIT_READER_STATE_CHANGE,
  CONNECT_ANSWER,
  CONTROL_ANSWER,
  ESTABLISH_ANSWER,
  MAX_DATA_BYTES,
  READERS_ANSWER,
  RECONNECT_ANSWER,
  TRANSMIT_ANSWER,
  VERSION_ANSWER,
  encodeBeginTransaction,
  encodeConnect,
  encodeControl,
  encodeDisconnect,
  encodeEndTransaction,
  encodeEstablishContext,
  encodeGetAttrib,
  encodeReadersCommand,
  encodeReconnect,
  encodeReleaseContext,
  encodeStatus,
  encodeVersion,
  writeTransmit,
} from './pcscd-messages.ts';

const CARD = 0x0a0b0c0d;

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

function bytes(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
}

describe('requests', () => {
  it.each([
    ['CMD_VERSION', encodeVersion({ major: 4, minor: 4 }), '0c000000 11000000 04000000 04000000 00000000'],
    ['SCARD_ESTABLISH_CONTEXT', encodeEstablishContext(2), '0c000000 01000000 02000000 00000000 00000000'],
    ['SCARD_RELEASE_CONTEXT', encodeReleaseContext(0xfedcba98), '08000000 02000000 98badcfe 00000000'],
    [
      'SCARD_RECONNECT',
      encodeReconnect({ card: CARD, shareMode: 2, protocols: 3, initialization: 1 }),
      '18000000 05000000 0d0c0b0a 02000000 03000000 01000000 00000000 00000000',
    ],
    ['SCARD_DISCONNECT', encodeDisconnect(CARD, 1), '0c000000 06000000 0d0c0b0a 01000000 00000000'],
    ['SCARD_BEGIN_TRANSACTION', encodeBeginTransaction(CARD), '08000000 07000000 0d0c0b0a 00000000'],
    ['SCARD_END_TRANSACTION', encodeEndTransaction(CARD, 1), '0c000000 08000000 0d0c0b0a 01000000 00000000'],
    ['SCARD_STATUS', encodeStatus(CARD), '08000000 0b000000 0d0c0b0a 00000000'],
    ['CMD_WAIT_READER_STATE_CHANGE', encodeReadersCommand(CMD_WAIT_READER_STATE_CHANGE), '00000000 13000000'],
    [
      'SCARD_CONTROL',
      encodeControl({ card: CARD, code: 0x42000d48, input: Uint8Array.of(1, 2) }),
      '18000000 0a000000 0d0c0b0a 480d0042 02000000 0c000100 00000000 00000000 0102',
    ],
  ])('lay out %s', (_name, message, expected) => {
    expect(hex(message)).toBe(expected.replaceAll(' ', ''));
  });

  it('lay out SCARD_CONNECT, with the name in 128 bytes', () => {
    const message = encodeConnect({ context: 1, reader: 'Läsare', shareMode: 2, protocols: 3 });
    expect(hex(message?.subarray(0, 20))).toBe('98000000' + '04000000' + '01000000' + '4cc3a4736172' + '6500');
    expect(message).toHaveLength(8 + 152);
    expect(hex(message?.subarray(140))).toBe('02000000' + '03000000' + '00000000'.repeat(3));
  });

  it.each([
    ['of 128 bytes', 'x'.repeat(128)],
    ['with a zero byte', 'a\0b'],
  ])('refuse a reader name %s', (_what, reader) => {
    expect(encodeConnect({ context: 1, reader, shareMode: 2, protocols: 3 })).toBeUndefined();
    expect(encodeConnect({ context: 1, reader: 'x'.repeat(127), shareMode: 2, protocols: 3 })).toBeDefined();
  });

  it('lay out SCARD_TRANSMIT with the command behind it', () => {
    const target = Buffer.alloc(64, 0xff);
    const length = writeTransmit(target, { card: CARD, protocol: 2, command: Uint8Array.of(0, 0xa4, 4, 0) });
    const struct = '0d0c0b0a 02000000 10000000 04000000 03000000 10000000 0c000100 00000000';
    expect(hex(target.subarray(0, length))).toBe(`20000000 09000000 ${struct} 00a40400`.replaceAll(' ', ''));
  });

  it('lay out SCARD_GET_ATTRIB', () => {
    const message = encodeGetAttrib(CARD, 0x90303);
    expect(message).toHaveLength(8 + 280);
    expect(hex(message.subarray(0, 16))).toBe('18010000' + '0f000000' + '0d0c0b0a' + '03030900');
    expect(hex(message.subarray(280))).toBe('08010000' + '00000000');
  });

  it('carry no more data than pcscd takes', () => {
    const input = new Uint8Array(MAX_DATA_BYTES + 1);
    expect(() => encodeControl({ card: CARD, code: 1, input })).toThrow(RangeError);
    expect(() => writeTransmit(Buffer.alloc(70_000), { card: CARD, protocol: 2, command: input })).toThrow(RangeError);
  });
});

describe('answers', () => {
  it('are decoded', () => {
    expect(VERSION_ANSWER.decode(bytes('04000000 05000000 1e001080'))).toEqual({ major: 4, minor: 5, result: 0x8010001e });
    expect(ESTABLISH_ANSWER.decode(bytes('02000000 78563412 00000000'))).toEqual({ context: 0x12345678, result: 0 });
    expect(RECONNECT_ANSWER.decode(bytes('00'.repeat(16), '02000000 68001080'))).toEqual({ protocol: 2, result: 0x80100068 });
    expect(CONNECT_ANSWER.decode(bytes('00'.repeat(140), '78563412 01000000 0c001080'))).toEqual({
      card: 0x12345678,
      protocol: 1,
      result: 0x8010000c,
    });
  });

  it('with a response own it, and have none without success', () => {
    const answer = bytes('00'.repeat(24), '02000000 00000000 9000');
    expect(TRANSMIT_ANSWER.dataBytes?.(answer)).toBe(2);
    const { response } = TRANSMIT_ANSWER.decode(answer);
    answer.fill(0);
    expect(response).toEqual(Uint8Array.of(0x90, 0x00));
    expect(TRANSMIT_ANSWER.dataBytes?.(bytes('00'.repeat(24), 'ffffffff 68001080'))).toBe(0);
    expect(CONTROL_ANSWER.dataBytes?.(bytes('00'.repeat(16), '03000000 00000000'))).toBe(3);
  });

  it('longer than any can be are told', () => {
    expect(TRANSMIT_ANSWER.dataBytes?.(bytes('00'.repeat(24), '0d000100 00000000'))).toBeUndefined();
    expect(CONTROL_ANSWER.dataBytes?.(bytes('00'.repeat(16), 'ffffffff 00000000'))).toBeUndefined();
    expect(ATTRIBUTE_ANSWER.decode(bytes('00'.repeat(272), '09010000 00000000')).result).toBe(0x80100013);
  });

  it('give the table of readers without its empty rows', () => {
    const table = Buffer.alloc(READERS_ANSWER.structBytes);
    expect(table).toHaveLength(16 * 184);
    const row = table.subarray(184);
    row.write('Reader A 00 00', 'utf8');
    bytes('02000100 34000000 ffffffff 3b6500').copy(row, 128);
    bytes('03000000 02000000').copy(row, 176);
    expect(READERS_ANSWER.decode(table).readers).toEqual([
      { name: 'Reader A 00 00', eventCounter: 0x10002, state: 0x34, sharing: -1, atr: Uint8Array.of(0x3b, 0x65, 0), protocol: 2 },
    ]);
  });

  it('stay within a row whose name and ATR do not end', () => {
    const table = Buffer.alloc(READERS_ANSWER.structBytes, 0xff).fill('x', 0, 128).fill(0, 184);
    const [row] = READERS_ANSWER.decode(table).readers;
    expect(row?.name).toBe('x'.repeat(128));
    expect(row?.atr).toHaveLength(33);
  });

  it('come out of any bytes', () => {
    for (let seed = 1; seed < 200; seed++) {
      const table = Buffer.from(Array.from({ length: READERS_ANSWER.structBytes }, (_, index) => (index * seed * 7919) >>> 5));
      for (const { name, atr } of READERS_ANSWER.decode(table).readers) {
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(3 * 128);
        expect(atr.length).toBeLessThanOrEqual(33);
      }
    }
  });
});
