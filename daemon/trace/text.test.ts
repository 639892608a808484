import { describe, expect, it } from 'vitest';
import type { Trace, TraceEntry } from './entry.ts';
import { cutPieces, formatPieces, parsePieces } from './notation.ts';
import { TraceTextError, formatEntry, formatHeader, parseTrace, purposeOf } from './text.ts';

const HEADER = 'kortd trace 1\nkortd: 0.1.0\nplatform: linux-x64\nbegan: 2026-11-23T08:15:00.000Z\ncontents: redacted\n\n';
const header = { version: '0.1.0', platform: 'linux-x64', began: '2026-11-23T08:15:00.000Z', contents: 'redacted' } as const;
const problemOf = (text: string): string => {
  try {
    parseTrace(text);
  } catch (error) {
    if (error instanceof TraceTextError) return error.message;
    throw error;
  }
  return 'none';
};

const ENTRIES: readonly TraceEntry[] = [
  { kind: 'reader', atMs: 9, reader: 1, source: 'pkcs11:Net iD', name: 'Läsare 00 00' },
  { kind: 'card', atMs: 9, card: 1, reader: 1, atr: parsePieces('3B9F94{1:4}00'), protocol: 'T=1', extendedLength: true },
  { kind: 'card', atMs: 9, card: 2, reader: 1, atr: parsePieces('3B00'), extendedLength: false },
  { kind: 'card', atMs: 9, card: 3, reader: 1, atr: [], extendedLength: false },
  { kind: 'begin', atMs: 10, card: 1, purpose: 'pin.verify' },
  { kind: 'exchange', command: parsePieces('00200080{*}'), response: parsePieces('63C2'), durationMs: 31, onKeypad: true },
  { kind: 'exchange', command: parsePieces('00B0000000'), response: parsePieces('3004{2:2}{2+2:2h}{*:7}9000'), durationMs: 0 },
  { kind: 'exchange', command: parsePieces('00B0000000'), problem: 'card_removed', durationMs: 2 },
  { kind: 'call', slot: 1, function: 'C_Login', value: 0xa0, durationMs: 3 },
  { kind: 'call', slot: 2, function: 'C_SignInit', mechanism: 0x8000_0001, value: 0, durationMs: 0 },
  { kind: 'call', slot: 1, function: 'C_Sign', bytesIn: 51, bytesOut: 256, value: 0, durationMs: 4 },
  { kind: 'call', slot: 1, function: 'C_GenerateKeyPair', mechanism: 0, attributes: 13, value: 0x30, durationMs: 900 },
  { kind: 'call', slot: 1, function: 'C_FindObjects', found: 3, value: 0, durationMs: 0 },
  { kind: 'call', slot: 1, operation: 'sign', problem: 'device_timeout', durationMs: 30_000 },
  { kind: 'end', atMs: 1_234, card: 1, how: 'cut' },
  { kind: 'refused', atMs: 2_000, card: 1, purpose: 'look', problem: 'card_busy' },
  { kind: 'removed', atMs: 2_001, card: 1 },
  { kind: 'stopped', atMs: 600_000, reason: 'time' },
];

describe('a trace as text', () => {
  it('is read as it was written', () => {
    const entries = ENTRIES.map((entry) => (entry.kind === 'reader' ? { ...entry, source: 'pcsc' } : entry));
    const trace: Trace = { header, entries };
    expect(parseTrace(formatHeader(header) + entries.map(formatEntry).join(''))).toEqual(trace);
  });

  it('may have comments, empty lines and the line ends of Windows', () => {
    const text = `${HEADER}# made by hand\n\n@ 0.000 stopped asked\n`.replaceAll('\n', '\r\n');
    expect(parseTrace(text).entries).toEqual([{ kind: 'stopped', atMs: 0, reason: 'asked' }]);
  });

  it.each([
    ['', /line 0: this is no trace/],
    ['hello', /line 1: this is no trace/],
    [HEADER.replace('trace 1', 'trace 2'), /line 1: version 2 .* is not known/],
    [HEADER.replace('contents: redacted', 'contents: all'), /line 5: "contents/],
    ['kortd trace 1\n', /"kortd: …" is missing/],
    [`${HEADER}nonsense\n`, /line 7: neither an event/],
    [`${HEADER}* C_Login slot 1 in 6\n`, /line 7: neither an event/],
    [`${HEADER}* C_Login slot 1 pin 123456 = 00000000 ; 1 ms\n`, /line 7: neither an event/],
    [`${HEADER}> 00A4\n`, /the trace ends before the answer/],
    [`${HEADER}> 00A4\n> 00A4\n`, /line 8: an answer/],
    [`${HEADER}> 00A\n< 9000\n`, /line 7: column 3/],
    [`${HEADER}> 00A4\n< 90\n`, /line 8: an answer ends with its status word/],
    [`${HEADER}> 00A4\n< {3:2}\n`, /status word/],
    [`${HEADER}> 00A4\n! Not A Code\n`, /line 8/],
    [`${HEADER}> 00A4{*}00\n< 9000\n`, /stands for all that follows/],
    [`${HEADER}> {1:99999}\n< 9000\n`, /more than 65546 bytes/],
    [`${HEADER}> {99999999:1}\n< 9000\n`, /too large a number/],
    [`${HEADER}> {1:0}\n< 9000\n`, /nothing is hidden/],
    [`${HEADER}@ soon begin card 1 for identify\n`, /begins with its time/],
    [`${HEADER}@ 0.000 begin card 0 for identify\n`, /no event that is known/],
    [`${HEADER}@ 0.000 constructor card 1\n`, /no event that is known/],
    [`${HEADER}> ${'00'.repeat(90_000)}\n< 9000\n`, /longer than 160000 characters/],
    [HEADER + '\0'.repeat(1_000), /neither an event/],
  ])('%j is refused with the line and what is wrong', (text, problem) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it('of a hundred thousand lines is read, and of more entries than there can be refused, in little time', () => {
    const began = performance.now();
    expect(parseTrace(HEADER + '> 00A4040000\n< 9000 ; 1 ms\n'.repeat(50_000)).entries).toHaveLength(50_000);
    expect(problemOf(HEADER + '@ 0.000 removed card 1\n'.repeat(1_000_001))).toMatch(/more than 1000000 entries/);
    expect(performance.now() - began).toBeLessThan(60_000);
  });

  it('says the method of whoever has the card, and nothing of who it is', () => {
    expect(purposeOf('card.read of Anna’s program')).toBe('card.read');
    expect(purposeOf('signing of program firefox')).toBe('program');
    expect(purposeOf('look')).toBe('look');
    expect(purposeOf(undefined)).toBe('identify');
  });
});

describe('what is hidden', () => {
  it('is cut where answers were cut, and keeps its number and offset', () => {
    const parts = cutPieces(parsePieces('3082{7:10h}FF'), [3, 5, 4, 9]);
    expect(parts.map(formatPieces)).toEqual(['3082{7:1h}', '{7+1:5h}', '{7+6:4h}', 'FF']);
  });
});
