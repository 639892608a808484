/** What a chip may hold that is none of what it should be: told, bounded, and never passed. */
import { describe, expect, it } from 'vitest';
import { readSecurityFile } from '../../daemon/documents/security-file.ts';
import { preparePicture } from '../../daemon/documents/pictures.ts';
import { parseSecurityObject } from '../../daemon/documents/security-object.ts';
import { twoLettersOf } from '../../daemon/documents/states.ts';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { readDocumentFile } from '../../apdu/icao9303/file-reading.ts';
import { documentFile } from '../../apdu/icao9303/document-files.ts';
import { CardDataError } from '../../apdu/errors.ts';
import { DerError } from '../../daemon/signing/cms/asn1.ts';

const { signal } = new AbortController();

/** An element in an element in an element. */
function nested(depth: number): Uint8Array {
  let inside: Uint8Array = new Uint8Array(0);
  for (let level = 0; level < depth; level++) inside = encodeTlv(0x30, inside);
  return inside;
}

describe('EF.SOD', () => {
  it.each([
    ['nested deeper than anything', nested(2_000)],
    [
      'of a hundred thousand elements',
      encodeTlv(
        0x30,
        new Uint8Array(200_000).fill(0).map((_, index) => (index % 2 ? 0x00 : 0x05)),
      ),
    ],
    ['with a length that it has not', Uint8Array.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff)],
    ['of a length that is not told', Uint8Array.of(0x30, 0x80, 0x00, 0x00)],
    ['that is empty', new Uint8Array(0)],
  ])('%s is no security object, and is told so at once', (_, cms) => {
    const before = performance.now();
    expect(readSecurityFile(encodeTlv(0x77, cms))).toEqual({ signed: undefined, object: undefined });
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('that lists a data group twice, or one that there is not, is none', () => {
    const hash = encodeTlv(0x30, encodeTlv(0x06, Buffer.from('608648016503040201', 'hex')));
    const entry = (number: number): Uint8Array =>
      encodeTlv(0x30, encodeTlv(0x02, Uint8Array.of(number)), encodeTlv(0x04, new Uint8Array(32)));
    const object = (...numbers: readonly number[]): Uint8Array =>
      encodeTlv(0x30, encodeTlv(0x02, Uint8Array.of(0)), hash, encodeTlv(0x30, ...numbers.map(entry)));
    expect(parseSecurityObject(object(1, 2)).hashes.size).toBe(2);
    for (const numbers of [[1, 1], [17], [0]]) expect(() => parseSecurityObject(object(...numbers))).toThrow(DerError);
  });
});

describe('a file', () => {
  it('that says it has 20 MB is not read', async () => {
    let exchanges = 0;
    const exchange = (): Promise<{ data: Uint8Array; statusWord: number }> => {
      exchanges++;
      return Promise.resolve({ data: Uint8Array.of(0x75, 0x84, 0x01, 0x31, 0x2d, 0x00), statusWord: 0x9000 });
    };
    const reading = readDocumentFile(exchange, documentFile('DG2'), { blockLength: 4_096, maxLength: 0x4_0000 });
    await expect(reading).rejects.toThrow(CardDataError);
    expect(exchanges).toBe(1);
  });
});

describe('a picture', () => {
  const jpegOf = (width: number, height: number): Uint8Array =>
    Uint8Array.from([
      ...[0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0],
      ...[0xff, 0xc0, 0, 17, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
      ...[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0],
      ...[0xff, 0xd9],
    ]);

  it.each([
    ['that is none', Buffer.from('no picture'), 'picture_absent'],
    ['that only begins as one', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3), 'picture_damaged'],
    ['that is JPEG 2000 by its first bytes alone', Uint8Array.of(0xff, 0x4f, 0xff, 0x51, 0, 0), 'picture_damaged'],
    ['of more pixels than any has', jpegOf(60_000, 60_000), 'picture_excessive'],
    ['that is not there', undefined, 'picture_absent'],
  ])('%s is told, and not given out', async (_, bytes, reason) => {
    const { picture, check } = await preparePicture('DG2', bytes, signal);
    expect(picture).toBeUndefined();
    expect(check).toMatchObject({ id: 'electronic.picture.dg2', reason });
    expect(check.verdict).not.toBe('passed');
  });
});

describe('the country of an issuer', () => {
  it('is known for those of ISO 3166-1, each of which is one that there is', () => {
    const names = new Intl.DisplayNames('en', { type: 'region' });
    for (const [three, two, name] of [
      ['SWE', 'SE', 'Sweden'],
      ['D', 'DE', 'Germany'],
      ['GBR', 'GB', 'United Kingdom'],
      ['UTO', 'UT', 'UT'],
    ] as const) {
      expect(twoLettersOf(three)).toBe(two);
      expect(names.of(two)).toBe(name);
    }
    for (const unknown of ['XXA', 'ZZZ', '', 'SE']) expect(twoLettersOf(unknown)).toBeUndefined();
  });
});
