import { describe, expect, it } from 'vitest';
import { parseReaderName, readSerialNumber } from './reader-name.ts';

describe('the name of a reader', () => {
  it.each([
    ['Gemalto PC Twin Reader 00 00', { stem: 'Gemalto PC Twin Reader', slot: 0 }],
    ['Gemalto PC Twin Reader 0A 01', { stem: 'Gemalto PC Twin Reader', slot: 1 }],
    ['Reader [Contact] (A1B2C3) 01 00', { stem: 'Reader [Contact] (A1B2C3)', slot: 0, serialNumber: 'A1B2C3' }],
    ['Reader (0000000) 00 00', { stem: 'Reader (0000000)', slot: 0 }],
    ['Vendor Model 0', { stem: 'Vendor Model' }],
    ['Vendor Model 12', { stem: 'Vendor Model' }],
    ['Vendor Model(1)', { stem: 'Vendor Model' }],
    ['Vendor Model 3000', { stem: 'Vendor Model 3000' }],
    ['00 00', { stem: '00' }],
    ['', { stem: '' }],
  ])('%s is read as %j', (name, expected) => {
    expect(parseReaderName(name)).toEqual(expected);
  });
});

describe('a serial number', () => {
  it.each([
    ['A1B2\0\0', 'A1B2'],
    [' 12 ', '12'],
    ['', undefined],
    ['0', undefined],
    ['FFFFFFFF', undefined],
    ['x'.repeat(30) + 'y'.repeat(35), undefined],
    ['12\n34', undefined],
    ['\u00ff1', undefined],
  ])('%j is read as %j', (text, expected) => {
    expect(readSerialNumber(text)).toBe(expected);
  });
});
