/** The messages of the protocol, against what stock clients sent (captured; slot 7, session 0x100, key 3). */
import { describe, expect, it } from 'vitest';
import { encodeUlong } from './attributes.ts';
import { CALL_NAMES, CALLS, type Dialect } from './calls.ts';
import { FrameReader, MAX_BODY_BYTES } from './frame.ts';
import { decodeCall, encodeAnswer, encodeError } from './message.ts';
import { RpcProtocolError } from './reader.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const MAGIC = new TextEncoder().encode('PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1');
const INITIALIZE =
  '00000010 00000006 00000042 636c69656e74 00000001 00000005 6179796179 01 00000029 505249564154452d474e4f4d452d4b455952494e472d504b435331312d50524f544f434f4c2d562d31 00 01 00000001 00';
const SESSION = '0000000000000100';

describe('a frame', () => {
  it('is read in one piece, in many, and several at once', () => {
    const whole = bytes(INITIALIZE);
    const frames = new FrameReader().push(Buffer.concat([whole, whole]));
    expect(frames.map(({ code }) => code)).toEqual([0x10, 0x10]);
    const reader = new FrameReader();
    const pieces = [...whole].map((one) => reader.push(Uint8Array.of(one)));
    expect(pieces.slice(0, -1).flat()).toEqual([]);
    const [frame] = pieces.at(-1) ?? [];
    expect(new TextDecoder().decode(frame?.options)).toBe('client');
    expect(frame && decodeCall(frame.body, 0)).toEqual({ name: 'C_Initialize', args: [MAGIC, 0, Uint8Array.of(0)] });
    expect(reader.buffered).toBe(0);
  });

  it.each([
    ['code 0', '00000000 00000000 00000000'],
    ['long options', '00000001 00001001 00000000'],
    ['a long body', `00000001 00000000 ${(MAX_BODY_BYTES + 1).toString(16).padStart(8, '0')}`],
  ])('with %s is refused before it is there', (_, text) => {
    expect(() => new FrameReader().push(bytes(text))).toThrow(RpcProtocolError);
  });
});

describe('a call', () => {
  it.each<[string, string, Dialect, unknown]>([
    ['C_GetSlotList', '00000004 00000003 796675 00 00000000', 0, [0, undefined]],
    ['C_OpenSession', `0000000a 00000002 7575 0000000000000007 0000000000000004`, 0, [7, 4]],
    ['C_Login', `00000012 00000004 75756179 ${SESSION} 0000000000000001 01 00000004 31323334`, 1, [256, 1, bytes('31323334')]],
    ['C_Login', `00000012 00000004 75756179 ${SESSION} 0000000000000001 00 00000000`, 0, [256, 1, undefined]],
    ['C_Login', `00000012 00000004 75756179 ${SESSION} 0000000000000001 01 ffffffff`, 2, [256, 1, undefined]],
    ['C_Login', `00000012 00000004 75756179 ${SESSION} 0000000000000001 01 00000000`, 2, [256, 1, new Uint8Array()]],
    [
      'C_FindObjectsInit',
      `0000001a 00000003 756141 ${SESSION} 00000002 00000000 01 00000008 0000000000000003 00000102 01 00000001 00000001 01`,
      0,
      [
        256,
        [
          { type: 0, value: encodeUlong(3) },
          { type: 0x102, value: Uint8Array.of(1) },
        ],
      ],
    ],
    ['C_SignInit', `0000002a 00000003 754d75 ${SESSION} 00000001 ffffffff 0000000000000003`, 0, [256, { type: 1 }, 3]],
    ['C_SignInit', `0000002a 00000003 754d75 ${SESSION} 00000001 ffffffff 0000000000000003`, 1, [256, { type: 1 }, 3]],
    ['C_SignInit', `0000002a 00000003 754d75 ${SESSION} 00000001 0000000000000003`, 2, [256, { type: 1 }, 3]],
    ['C_SignInit', `0000002a 00000003 754d75 ${SESSION} ffffffff 0000000000000000`, 2, [256, undefined, 0]],
    ['C_SignInit', `0000002a 00000003 754d75 ${SESSION} 00000000 0000000000000000`, 1, [256, undefined, 0]],
    [
      'C_SignInit',
      `0000002a 00000003 754d75 ${SESSION} 0000000d 0000000000000250 0000000000000002 0000000000000020 0000000000000003`,
      0,
      [256, { type: 13, parameters: { kind: 'pss', hash: 0x250, mgf: 2, saltLength: 32 } }, 3],
    ],
    [
      'C_SignInit',
      `0000002a 00000003 754d75 ${SESSION} 0000000d 01 0000000000000250 0000000000000002 0000000000000020 0000000000000003`,
      2,
      [256, { type: 13, parameters: { kind: 'pss', hash: 0x250, mgf: 2, saltLength: 32 } }, 3],
    ],
    ['C_Sign', `0000002b 00000005 7561796679 ${SESSION} 01 00000006 68656c6c6f0a 00000200`, 0, [256, bytes('68656c6c6f0a'), 512]],
    ['C_GenerateRandom', `00000040 00000003 756679 ${SESSION} ffffffff`, 1, [256, 0]],
    ['C_GenerateRandom', `00000040 00000003 756679 ${SESSION} 00000000`, 1, [256, undefined]],
  ])('%s %# of each dialect is read as it was sent', (name, body, dialect, args) => {
    expect(decodeCall(bytes(body), dialect)).toEqual({ name, args });
  });

  it.each<[string, string, Dialect]>([
    ['without room', '00000001 40000211 00000000', 2],
    ['without room, nested all the same', '00000001 40000211 00000000 00000000', 1],
    ['with room, nested', '00000001 40000211 00000018 00000001 00000102 00000000', 2],
    ['with room, not nested', '00000001 40000211 00000018', 1],
  ])('that asks for a template attribute %s is read', (_, query, dialect) => {
    const call = decodeCall(bytes(`00000018 00000004 75756641 ${SESSION} 0000000000000003 ${query}`), dialect);
    expect(call).toMatchObject({ name: 'C_GetAttributeValue', args: [256, 3, [{ type: 0x4000_0211 }]] });
  });

  it.each<[string, string, Dialect]>([
    ['of no client', '0000005a 00000000', 2],
    ['of a later dialect', `00000058 00000004 75617973 ${SESSION} 00 00000000 00000000`, 0],
    ['with the signature of another', `0000000b 00000002 7575 ${SESSION} ${SESSION}`, 0],
    ['that is cut', `0000000b 00000001 75 00000000`, 0],
    ['that goes on', `0000000b 00000001 75 ${SESSION} 00`, 0],
    ['with a length that is none', `00000012 00000004 75756179 ${SESSION} 0000000000000001 01 7fffffff`, 0],
    ['with more attributes than there are', `0000001a 00000003 756141 ${SESSION} ffffffff`, 0],
    ['with a mechanism that clients do not know', `0000002a 00000003 754d75 ${SESSION} 00001057 0000000000000003`, 2],
    ['with lengths that differ', `0000001a 00000003 756141 ${SESSION} 00000001 00000102 01 00000002 00000001 01`, 0],
  ])('%s is refused', (_, body, dialect) => {
    expect(() => decodeCall(bytes(body), dialect)).toThrow(RpcProtocolError);
  });

  it('with attributes nested without end is refused', () => {
    const nested = '00000001 40000211 01 00000018'.repeat(40);
    expect(() => decodeCall(bytes(`0000001a 00000003 756141 ${SESSION} ${nested}`), 2)).toThrow(/nested too deep/);
  });

  it('has the number and the place that the protocol gives it', () => {
    expect(CALL_NAMES.map((name) => CALLS[name].id)).toEqual(Array.from({ length: 89 }, (_, index) => index + 1));
  });
});

describe('an answer', () => {
  it.each<[string, Uint8Array, string]>([
    ['C_Initialize', encodeAnswer(0x10, 'C_Initialize', []), '00000001 00000000'],
    ['how many slots', encodeAnswer(0x11, 'C_GetSlotList', [{ count: 1 }]), '00000004 00000002 6175 00 00000001'],
    ['slots', encodeAnswer(0x12, 'C_GetSlotList', [{ values: [7] }]), '00000004 00000002 6175 01 00000001 0000000000000007'],
    [
      'how long an attribute is',
      encodeAnswer(1, 'C_GetAttributeValue', [[{ type: 0x102, length: 1 }], 0]),
      '00000018 00000003 614175 00000001 00000102 01 00000001 ffffffff 0000000000000000',
    ],
    [
      'an attribute of bytes',
      encodeAnswer(1, 'C_GetAttributeValue', [[{ type: 0x102, value: Uint8Array.of(1) }], 0]),
      '00000018 00000003 614175 00000001 00000102 01 00000001 00000001 01 0000000000000000',
    ],
    [
      'an attribute that is a number',
      encodeAnswer(1, 'C_GetAttributeValue', [[{ type: 0x121, value: encodeUlong(2048) }], 0]),
      '00000018 00000003 614175 00000001 00000121 01 00000008 0000000000000800 0000000000000000',
    ],
    ['an error', encodeError(1, 0xa0), '00000000 00000001 75 00000000000000a0'],
  ])('%s is written as stock clients read it', (_, frame, text) => {
    const body = bytes(text);
    expect(hex(frame.subarray(12))).toBe(hex(body));
    expect(hex(frame.subarray(4, 12))).toBe(`00000000${body.length.toString(16).padStart(8, '0')}`);
  });
});

describe('anything at all', () => {
  it('is a call or refused, in bounded time', () => {
    let state = 1n;
    const random = (): number => {
      state = (state * 6364136223846793005n + 1442695040888963407n) & 0xff_ff_ff_ff_ff_ff_ff_ffn;
      return Number(state >> 33n);
    };
    const samples = [
      `0000001a 00000003 756141 ${SESSION} 00000002 00000000 01 00000008 0000000000000003 00000102 01 00000001 00000001 01`,
      `0000002a 00000003 754d75 ${SESSION} 0000000d 01 0000000000000250 0000000000000002 0000000000000020 0000000000000003`,
      `00000018 00000004 75756641 ${SESSION} 0000000000000003 00000001 40000211 00000018 00000001 00000102 00000000`,
      `0000003b 00000006 754d61416141 ${SESSION} 00000000 ffffffff 00000000 00000000`,
    ].map(bytes);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const body = Uint8Array.from(samples[round % samples.length] ?? []);
      for (let change = random() % 4; change >= 0; change--) body[random() % body.length] = random() & 0xff;
      const cut = body.subarray(0, random() % 8 === 0 ? random() % body.length : body.length);
      try {
        decodeCall(cut, (round % 3) as Dialect);
      } catch (error) {
        expect(error).toBeInstanceOf(RpcProtocolError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
