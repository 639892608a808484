import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat, parseHex } from '../../bytes.ts';
import { CardDataError } from '../../errors.ts';
import { encodeTlv } from '../../tlv/ber-tlv.ts';
import {
  decodeCertificateObject,
  decodeChuid,
  decodeDiscovery,
  decodeKeyHistory,
  encodeCertificateObject,
  encodeKeyHistory,
} from './objects.ts';

const FASC_N = 'D4E739DA739CED39CE739D836858210842108421C84210C3EB';
const UUID = '00112233445566778899AABBCCDDEEFF';
const CERTIFICATE = Uint8Array.from({ length: 700 }, (_, index) => (index * index) >> 3);
const container = (stored: Uint8Array, info: number): Uint8Array =>
  concat(encodeTlv(0x70, stored), encodeTlv(0x71, Uint8Array.of(info)), encodeTlv(0xfe));

/** CRC32 and ISIZE are the last eight bytes (RFC 1952, section 2.3). */
const withoutChecksum = (gzip: Uint8Array): Uint8Array => concat(gzip.subarray(0, -8), new Uint8Array(8));

describe('decodeChuid', () => {
  it('reads what yubico-piv-tool writes by set-chuid', () => {
    expect(decodeChuid(parseHex(`3019${FASC_N} 3410${UUID} 35083230333030313031 3E00 FE00`))).toEqual({
      fascN: FASC_N,
      cardUuid: UUID,
      expirationDate: '2030-01-01',
    });
  });

  it('reads the objects of older cards around it, and the cardholder UUID', () => {
    const text = `EE020B35 3019${FASC_N} 3410${UUID} 35083230333030313031 3610${UUID.replaceAll('0', 'F')} 3E00 FE00`;
    expect(decodeChuid(parseHex(text))).toMatchObject({ fascN: FASC_N, cardholderUuid: UUID.replaceAll('0', 'F') });
  });

  it.each([
    ['a card UUID of zeros', `3410${'00'.repeat(16)}`, {}],
    ['an empty card UUID', '3400', {}],
    ['a date that is none', '350841424344454647 48', {}],
    ['nothing', '', {}],
  ])('leaves out %s', (_, text, expected) => {
    expect(decodeChuid(parseHex(text))).toEqual(expected);
  });

  it('is a CardDataError for bytes that are no TLV', () => {
    expect(() => decodeChuid(parseHex('3019AA'))).toThrow(CardDataError);
  });
});

describe('decodeDiscovery', () => {
  it.each([
    ['4000', { pinSatisfiesAccessRules: true, globalPinSatisfiesAccessRules: false, globalPinIsPrimary: false }],
    ['6010', { pinSatisfiesAccessRules: true, globalPinSatisfiesAccessRules: true, globalPinIsPrimary: false }],
    ['6020', { pinSatisfiesAccessRules: true, globalPinSatisfiesAccessRules: true, globalPinIsPrimary: true }],
    ['0000', { pinSatisfiesAccessRules: false, globalPinSatisfiesAccessRules: false, globalPinIsPrimary: false }],
  ])('reads the usage policy %s', (policy, expected) => {
    expect(decodeDiscovery(parseHex(`4F0BA000000308000010000100 5F2F02${policy}`))).toEqual(expected);
  });

  it('takes a missing or short policy as none', () => {
    const none = { pinSatisfiesAccessRules: false, globalPinSatisfiesAccessRules: false, globalPinIsPrimary: false };
    expect(decodeDiscovery(parseHex('4F0BA000000308000010000100'))).toEqual(none);
    expect(decodeDiscovery(parseHex('5F2F00'))).toEqual(none);
  });
});

describe('decodeKeyHistory', () => {
  it.each([
    ['C10100 C20100 FE00', 0],
    ['C10105 C20100 FE00', 5],
    ['C10114 C20100 FE00', 20],
    ['C20103 FE00', 0],
    ['C100', 0],
  ])('counts in %s the certificates on the card: %d', (text, count) => {
    expect(decodeKeyHistory(parseHex(text))).toBe(count);
  });

  it('is a CardDataError for more than twenty', () => {
    expect(() => decodeKeyHistory(parseHex('C10115'))).toThrow(CardDataError);
    expect(() => decodeKeyHistory(parseHex('C101FF'))).toThrow(CardDataError);
  });
});

describe('encodeKeyHistory', () => {
  it('begins one without certificates off the card, and leaves the rest of another as it was', () => {
    expect(encodeKeyHistory(undefined, 3)).toEqual(parseHex('C10103C20100FE00'));
    expect(encodeKeyHistory(parseHex('C10101C20102F303414243FE00'), 20)).toEqual(parseHex('C10114C20102F303414243FE00'));
  });
});

describe('certificate containers', () => {
  it('give back what was put in', () => {
    expect(decodeCertificateObject(encodeCertificateObject(CERTIFICATE))).toEqual(CERTIFICATE);
  });

  it('are 70, 71 00 and FE, byte for byte', () => {
    expect(encodeCertificateObject(parseHex('300101'))).toEqual(parseHex('7003300101 710100 FE00'));
  });

  it.each([
    ['marked as such', 0x01],
    ['not marked as such', 0x00],
  ])('unpack gzip that is %s', (_, info) => {
    expect(decodeCertificateObject(container(gzipSync(CERTIFICATE), info))).toEqual(CERTIFICATE);
  });

  it('are read without 71 and FE', () => {
    expect(decodeCertificateObject(encodeTlv(0x70, CERTIFICATE))).toEqual(CERTIFICATE);
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['an empty 70', parseHex('7000 710100 FE00')],
    ['no 70', parseHex('710100 FE00')],
  ])('with %s hold no certificate', (_, content) => {
    expect(decodeCertificateObject(content)).toBeUndefined();
  });

  it.each([
    ['marked as gzip and is none', container(CERTIFICATE, 0x01)],
    ['cut-off gzip', container(gzipSync(CERTIFICATE).subarray(0, -12), 0x01)],
    ['gzip with a wrong checksum', container(withoutChecksum(gzipSync(CERTIFICATE)), 0x01)],
    ['no TLV', parseHex('7005AA')],
  ])('are a CardDataError when what they hold is %s', (_, content) => {
    expect(() => decodeCertificateObject(content)).toThrow(CardDataError);
  });

  it('do not unfold a gzip bomb: 64 MiB out of 64 KiB end at the bound', () => {
    const bomb = container(gzipSync(new Uint8Array(0x400_0000)), 0x01);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decodeCertificateObject(bomb)).toThrow(CardDataError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(0x100_0000);
  });
});
