import { describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.ts';
import { pcscPlatform } from './platform.ts';
import { loadWinScard } from './winscard.ts';

describe('pcscPlatform', () => {
  it('lays SCARD_READERSTATE out as each compiler does', () => {
    expect(pcscPlatform('linux', 8).readerState).toMatchObject({
      sizeBytes: 80,
      currentState: 16,
      eventState: 24,
      atrLength: 32,
      atr: 40,
    });
    expect(pcscPlatform('linux', 4).readerState).toMatchObject({
      sizeBytes: 56,
      currentState: 8,
      eventState: 12,
      atrLength: 16,
      atr: 20,
    });
    expect(pcscPlatform('darwin', 8).readerState).toMatchObject({
      sizeBytes: 61,
      currentState: 16,
      eventState: 20,
      atrLength: 24,
      atr: 28,
    });
    expect(pcscPlatform('win32', 8).readerState).toMatchObject({
      sizeBytes: 64,
      currentState: 16,
      eventState: 20,
      atrLength: 24,
      atr: 28,
    });
  });

  it('makes control codes as each header does', () => {
    expect(pcscPlatform('linux', 8).controlCode(3400)).toBe(0x42000d48);
    expect(pcscPlatform('darwin', 8).controlCode(3400)).toBe(0x42000d48);
    expect(pcscPlatform('win32', 8).controlCode(3400)).toBe(0x00313520);
  });

  it('has no PC/SC for other systems', () => {
    expect(() => pcscPlatform('aix', 8)).toThrow(RangeError);
  });
});

describe('loadWinScard', () => {
  it('says what to install when the library is missing', () => {
    const missing = { ...pcscPlatform('linux', 8), libraries: ['libpcsclite-that-is-not-there.so.1'] };
    expect(() => loadWinScard(missing)).toThrow(ServiceUnavailableError);
    expect(() => loadWinScard(missing)).toThrow(
      /libpcsclite-that-is-not-there.so.1: not found; install the package libpcsclite1/,
    );
  });
});
