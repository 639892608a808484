import { describe, expect, it } from 'vitest';
import { decodeLine, encodeCommand, escapeText, LineReader, MAX_LINE_BYTES, unescapeData } from './assuan.ts';
import { PromptProtocolError } from '../errors.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

function linesOf(...chunks: readonly string[]): readonly string[] {
  const reader = new LineReader();
  const lines: string[] = [];
  for (const chunk of chunks) reader.push(bytes(chunk), (line) => lines.push(Buffer.from(line).toString()));
  return lines;
}

describe('encodeCommand', () => {
  it('escapes what would end, continue or forge a line, and leaves the rest as it is', () => {
    expect(Buffer.from(encodeCommand('SETDESC', 'a\nSETOK b\r 100% \\ å+_')).toString()).toBe(
      'SETDESC a%0ASETOK b%0D 100%25 %5C å+_\n',
    );
  });

  it('sends a command without text as its name alone', () => {
    expect(Buffer.from(encodeCommand('GETPIN')).toString()).toBe('GETPIN\n');
  });

  it('fills a line to its last byte and refuses one byte more', () => {
    const room = MAX_LINE_BYTES - 'SETDESC '.length;
    expect(encodeCommand('SETDESC', 'x'.repeat(room))).toHaveLength(MAX_LINE_BYTES + 1);
    expect(() => encodeCommand('SETDESC', 'x'.repeat(room + 1))).toThrow(RangeError);
    expect(() => encodeCommand('SETDESC', '%'.repeat(room / 2))).toThrow(RangeError);
  });

  it.each(['', 'getpin', 'GETPIN\nBYE', 'SET DESC'])('refuses %j as the name of a command', (name) => {
    expect(() => encodeCommand(name)).toThrow(RangeError);
  });
});

describe('unescapeData', () => {
  it.each([
    ['12%2534+ ü\\', '12%34+ ü\\'],
    ['%0a%0D', '\n\r'],
    ['', ''],
  ])('takes %j for %j', (escaped, expected) => {
    const into = new Uint8Array(20);
    const end = unescapeData(bytes(escaped), into, 0);
    expect(Buffer.from(into.subarray(0, end)).toString()).toBe(expected);
  });

  it.each(['%', '1%2', '%zz', '%2x', '% 5'])('refuses the escape in %j', (escaped) => {
    expect(() => unescapeData(bytes(escaped), new Uint8Array(20), 0)).toThrow(PromptProtocolError);
  });

  it('never writes past its buffer', () => {
    expect(() => unescapeData(bytes('123456'), new Uint8Array(8), 3)).toThrow(PromptProtocolError);
  });

  it('gives back what escapeText was given', () => {
    const text = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code)).join('');
    const into = new Uint8Array(2000);
    expect(Buffer.from(into.subarray(0, unescapeData(escapeText(text), into, 0))).toString()).toBe(text);
  });
});

describe('decodeLine', () => {
  it.each([
    ['OK', { kind: 'ok' }],
    ['OK Pleased to meet you', { kind: 'ok' }],
    ['ERR 83886179 Operation cancelled <Pinentry>', { kind: 'error', code: 83886179 }],
    ['ERR 83886179', { kind: 'error', code: 83886179 }],
    ['S PIN_REPEATED', { kind: 'status', keyword: 'PIN_REPEATED' }],
    ['S ERROR curses.? 83886142 ', { kind: 'status', keyword: 'ERROR' }],
    ['# anything', { kind: 'comment' }],
    ['', { kind: 'comment' }],
    ['INQUIRE QUALITY 123456', { kind: 'inquire' }],
    ['D ', { kind: 'data', escaped: bytes('') }],
    ['D 12%25', { kind: 'data', escaped: bytes('12%25') }],
  ])('reads %j', (line, expected) => {
    expect(decodeLine(bytes(line))).toEqual(expected);
  });

  it.each([
    'OKAY',
    'ok',
    'D',
    'D739146',
    'ERR',
    'ERR 739146',
    'ERR x',
    'ERR 99999999999',
    'S',
    'S 739146',
    'S ',
    'END',
    ' OK',
    '\0OK',
  ])('refuses %j and quotes nothing of it', (line) => {
    expect(() => decodeLine(bytes(line))).toThrow(PromptProtocolError);
    expect(() => decodeLine(bytes(line))).not.toThrow(/739146|999/);
  });
});

describe('LineReader', () => {
  it('puts lines together however they were cut', () => {
    expect(linesOf('O', 'K\nD 1', '2\r\n', '\nS X\nOK')).toEqual(['OK', 'D 12', '', 'S X']);
  });

  it('takes a line of the greatest length and refuses a longer one, ended or not', () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES);
    expect(linesOf(`${longest}\n`, `${longest}\r\n`)).toEqual([longest, longest]);
    expect(() => linesOf(`${longest}x\n`)).toThrow(PromptProtocolError);
    expect(() => linesOf(`${longest}xx`)).toThrow(PromptProtocolError);
  });

  it('wipes each chunk and each line, also when taking a line fails', () => {
    const reader = new LineReader();
    const seen: Uint8Array[] = [];
    const first = bytes('D 739146\nrest');
    reader.push(first, (line) => seen.push(line));
    const second = bytes('\nD 739146\n');
    expect(() =>
      reader.push(second, (line) => {
        seen.push(line);
        throw new Error('no');
      }),
    ).toThrow('no');
    for (const wiped of [first, second, ...seen]) expect(wiped.every((byte) => byte === 0)).toBe(true);
  });
});
