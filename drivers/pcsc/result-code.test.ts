import { describe, expect, it } from 'vitest';
import {
  DeviceBusyError,
  DeviceError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  NoCardError,
  ServiceUnavailableError,
} from '../errors.ts';
import { describeResultCode, formatResultCode, meansServiceGone, resultError } from './result-code.ts';

describe('resultError', () => {
  it.each([
    [0x80100069, DeviceRemovedError],
    [0x80100068, DeviceResetError],
    [0x80100067, DeviceResetError],
    [0x80100066, DeviceTimeoutError],
    [0x8010000b, DeviceBusyError],
    [0x8010000c, NoCardError],
    [0x80100009, DeviceRemovedError],
    [0x80100017, DeviceRemovedError],
    [0x8010000f, DeviceProtocolError],
    [0x80100016, DeviceProtocolError],
    [0x8010001d, ServiceUnavailableError],
    [0x8010001e, ServiceUnavailableError],
    [0x8010006a, ServiceUnavailableError],
    [0x80100006, DeviceError],
    [0x12345678, DeviceError],
  ])('makes %i the right class and keeps the code', (result, ErrorClass) => {
    const error = resultError('connecting to the card', result, 'Reader A');
    expect(error.constructor).toBe(ErrorClass);
    expect(error).toMatchObject({ driverCode: formatResultCode(result), device: 'Reader A' });
  });

  it('says what was tried and what came back', () => {
    expect(resultError('transmitting to the card', 0x80100069, 'Reader A').message).toBe(
      'transmitting to the card in Reader A: PC/SC answered 80100069 SCARD_W_REMOVED_CARD, the card was removed',
    );
  });
});

describe('describeResultCode', () => {
  it('has words for every number', () => {
    expect(describeResultCode(0x00000001)).toBe('00000001, unknown result');
  });
});

describe('meansServiceGone', () => {
  it('knows the codes of every system', () => {
    expect([0x8010001d, 0x8010001e, 0x80100013, 0x80100003, 0x00000006, 0x0000006d].every(meansServiceGone)).toBe(true);
    expect([0, 0x80100069, 0x8010002e, 0x8010000b].some(meansServiceGone)).toBe(false);
  });
});
