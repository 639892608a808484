import { describe, expect, it } from 'vitest';
import { Compile } from 'typebox/compile';
import { ScanReport } from '../../api-spec/scan/report.ts';
import { makeDocument } from '../simulated/scanners/documents.ts';
import { acceptScan, IMAGE_BYTES, MAX_IMAGES } from './accept.ts';
import { take } from './take.ts';

const PASSPORT = makeDocument({
  ...{ form: 'TD3', surname: 'Testsson', givenNames: 'Eva Linnea', number: 'T12345678', sex: 'F' },
  ...{ birthDate: '800214', expiryDate: '300101', optional: '198002141234' },
});
const ZONE = ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'];
const PICTURE = PASSPORT.images[0]?.bytes ?? new Uint8Array();

describe('a report that is as it should be', () => {
  it('is taken whole, and passes when something spoke for the document', () => {
    const { parts, images } = acceptScan(PASSPORT);
    expect(parts).toMatchObject({
      outcome: 'complete',
      warnings: [],
      verdict: { overall: 'passed', mrz: 'passed', optical: 'passed' },
    });
    expect(parts.mrz).toMatchObject({ format: 'TD3', lines: ZONE, verdict: 'passed', corrections: [] });
    expect(images.map(({ image }) => [image.id, image.mediaType, image.width])).toEqual([
      ['page-white', 'image/png', 246],
      ['page-ir', 'image/png', 246],
      ['page-uv', 'image/png', 246],
    ]);
  });

  it('of a zone alone never passes: whoever can print can count check digits', () => {
    const { parts } = acceptScan({ report: { outcome: 'complete', mrz: { lines: ZONE } }, images: [] });
    expect(parts.verdict).toMatchObject({ overall: 'undetermined', mrz: 'passed', reasons: ['scan.nothingProvesGenuine'] });
  });
});

describe('a machine-readable zone', () => {
  const zoneOf = (lines: readonly string[]) => acceptScan({ report: { outcome: 'complete', mrz: { lines } }, images: [] }).parts;

  it('is repaired where the check digits prove it, and the repair is shown', () => {
    const { mrz } = zoneOf([ZONE[0] ?? '', 'T1234S6787UTO8OO2147F3001019198002141234<<14']);
    expect(mrz).toMatchObject({ lines: ZONE, verdict: 'passed' });
    expect(mrz?.corrections).toEqual([
      { line: 2, position: 6, read: 'S', used: '5' },
      { line: 2, position: 15, read: 'O', used: '0' },
      { line: 2, position: 16, read: 'O', used: '0' },
    ]);
  });

  it('with a wrong check digit failed, whatever the scanner says of it', () => {
    const { mrz, verdict } = acceptScan({
      report: {
        outcome: 'complete',
        mrz: { lines: [ZONE[0], 'T123456787UTO8002147F3001019198002141234<<19'], verdict: 'passed' },
        checks: [{ id: 'mrz.vendor', group: 'mrz', verdict: 'passed' }],
      },
      images: [],
    }).parts;
    expect(mrz?.verdict).toBe('failed');
    expect(mrz?.checkDigits.filter(({ verdict: each }) => each === 'failed')).toEqual([
      { field: 'composite', read: '9', expected: '4', verdict: 'failed' },
    ]);
    expect(verdict).toMatchObject({ overall: 'failed', mrz: 'failed', reasons: ['mrz.checkDigits: failed'] });
  });

  it.each([
    ['a line too short', [ZONE[0] ?? '', (ZONE[1] ?? '').slice(1)]],
    ['a line too long', [`${ZONE[0] ?? ''}<`, ZONE[1] ?? '']],
    ['one line', [ZONE[0] ?? '']],
    ['other characters', [ZONE[0] ?? '', (ZONE[1] ?? '').replace('<', '?')]],
  ])('with %s is shown as read, and undetermined', (_, lines) => {
    expect(zoneOf(lines)).toMatchObject({
      mrz: { lines, verdict: 'undetermined', checkDigits: [] },
      verdict: { overall: 'undetermined' },
    });
  });
});

describe('what a driver cannot know', () => {
  it.each([
    undefined,
    null,
    7,
    'passed',
    [],
    {},
    { report: 'passed' },
    { report: { outcome: 'complete' } },
    { report: { verdict: { overall: 'passed' } } },
  ])('never passes: %j', (given) => {
    expect(acceptScan(given).parts.verdict.overall).toBe('undetermined');
  });

  it('makes a verdict of another word undetermined, and says so', () => {
    for (const word of ['PASSED', 'ok', true, 1, null, undefined, {}, 'passed ']) {
      const { checks, verdict, outcome } = acceptScan({
        report: { ...PASSPORT.report, checks: [{ id: 'optical.x', group: 'optical', verdict: word }] },
        images: [],
      }).parts;
      expect(checks).toEqual([{ id: 'optical.x', group: 'optical', verdict: 'undetermined' }]);
      expect(verdict.overall, JSON.stringify(word)).toBe('undetermined');
      expect(outcome).toBe(word === undefined || word === null ? 'complete' : 'partial');
    }
  });

  it('is told by its place, without what stood there', () => {
    const { warnings } = acceptScan({
      report: { outcome: 'complete', holder: { surname: 19_121_212, sex: 'Hemligsson' } },
      images: [],
    }).parts;
    expect(warnings).toEqual(['holder.surname: no text', 'holder.sex: no word that belongs here: taken for X']);
  });
});

describe('bounds', () => {
  it('cut long texts and long lists, and nothing that is taken breaks its schema', () => {
    const long = 'x'.repeat(100_000);
    const wild = {
      holder: { surname: long, givenNames: '\u0000\u001b[31m\u202eabc\ud800' },
      checks: Array.from({ length: 5_000 }, (_, index) => ({ id: `c${index}`, group: 'optical', verdict: 'passed' })),
      fields: [
        { name: 'a', values: [{ source: 'viz', value: long, confidence: Infinity, page: -1, rect: [1, 2] }] },
        { value: 'no name' },
        7,
      ],
      document: { model: { probability: 7, year: 2.5 }, expiry: '01.01.2030', unknown: { deep: [long] } },
      __proto__: { outcome: 'complete' },
      constructor: 'x',
    };
    const { value } = take(ScanReport, wild);
    expect(Compile(ScanReport).Check(value)).toBe(true);
    expect(value).toMatchObject({
      holder: { surname: 'x'.repeat(200), givenNames: ' [31m abc\ufffd' },
      fields: [{ name: 'a' }],
      document: { model: {} },
    });
    expect((value as ScanReport).checks).toHaveLength(256);
    expect(value).not.toHaveProperty('outcome');
  });

  it('refuse a report that is long in sum', () => {
    const values = Array.from({ length: 16 }, () => ({ source: 'viz', value: 'x'.repeat(500) }));
    const fields = Array.from({ length: 128 }, () => ({ name: 'a', values }));
    expect(() => acceptScan({ report: { fields }, images: [] })).toThrow('more than 262144 characters');
  });

  it('take no more pictures, and none that is too large or no picture, and the scan is partial then', () => {
    const image = (id: string, bytes: unknown) => ({ id, kind: 'page', page: 0, light: 'uv', bytes });
    const bad = [
      image('text', Buffer.from('this is no picture')),
      image('huge', Buffer.concat([PICTURE, Buffer.alloc(IMAGE_BYTES)])),
      image('empty', new Uint8Array()),
      image('../../x', PICTURE),
      image('text2', 'data:image/png;base64,AAAA'),
      image('cut', PICTURE.subarray(0, 12)),
      7,
    ];
    for (const each of bad) {
      const { parts, images } = acceptScan({ report: PASSPORT.report, images: [each] });
      expect(images).toEqual([]);
      expect(parts).toMatchObject({ outcome: 'partial', verdict: { overall: 'undetermined' } });
      expect(parts.warnings).toHaveLength(1);
    }
    const many = Array.from({ length: 1_000 }, (_, index) => image(`i${index}`, PICTURE));
    expect(acceptScan({ report: PASSPORT.report, images: many }).images).toHaveLength(MAX_IMAGES);
    expect(acceptScan({ report: PASSPORT.report, images: [image('a', PICTURE), image('a', PICTURE)] }).images).toHaveLength(1);
  });

  it('leave no check a picture that was not taken', () => {
    const { parts } = acceptScan({ report: PASSPORT.report, images: [] });
    expect(parts.checks.map(({ image }) => image)).toEqual([undefined, undefined]);
  });
});

describe('groups', () => {
  const verdictOf = (report: object) => acceptScan({ report: { ...PASSPORT.report, ...report }, images: [] }).parts.verdict;

  it('fail with a critical check, and are open with another', () => {
    const check = { id: 'optical.pattern', group: 'optical', verdict: 'failed' };
    expect(verdictOf({ checks: [check] })).toMatchObject({ overall: 'failed', optical: 'failed' });
    expect(verdictOf({ checks: [{ ...check, critical: false }] })).toMatchObject({
      overall: 'undetermined',
      optical: 'undetermined',
    });
    expect(verdictOf({ checks: [{ ...check, verdict: 'notPerformed', critical: true }] }).overall).toBe('undetermined');
  });

  it('want the chip where one is expected, and believe none of which a part failed', () => {
    const document = { chipExpected: true };
    expect(verdictOf({ document })).toMatchObject({ overall: 'undetermined', reasons: ['chip.expected'] });
    expect(verdictOf({ document, chip: { present: 'passed', verdict: 'passed' } }).overall).toBe('passed');
    const chip = { present: 'passed', verdict: 'passed', passive: { verdict: 'passed', chain: 'undetermined' } };
    expect(verdictOf({ document, chip })).toMatchObject({ overall: 'undetermined', electronic: 'undetermined' });
    expect(verdictOf({ chip: { ...chip, passive: { verdict: 'passed', sodSignature: 'failed' } } }).overall).toBe('failed');
  });

  it('do not pass in a scan that is partial, aborted, or of an expired document', () => {
    expect(verdictOf({ outcome: 'partial' }).overall).toBe('undetermined');
    expect(verdictOf({ outcome: 'aborted' }).overall).toBe('aborted');
    expect(verdictOf({ document: { expired: true } }).overall).toBe('failed');
  });
});
