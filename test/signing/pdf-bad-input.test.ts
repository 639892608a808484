/** PDFs that cannot be signed or read: each has its code, costs little, and leaves the daemon's thread free. */
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import { PDFDocument } from '@cantoo/pdf-lib';
import { describe, expect, it } from 'vitest';
import { prepareInThread, verifyInThread } from '../../daemon/signing/pdf/jobs.ts';
import type { PreparationOptions, VisibleSignature } from '../../daemon/signing/pdf/prepare.ts';
import { prepareSignature } from '../../daemon/signing/pdf/prepare.ts';
import { inspectSignatures } from '../../daemon/signing/pdf/inspect.ts';
import { SeededRandom } from '../fuzz/seeded.ts';
import { ONE_PAGE, certifiedPdf, endlessPdf, hybridPdf, samplePdf, samplePng, writePdf } from './pdf-files.ts';

const OPTIONS: PreparationOptions = { time: new Date(0), signatureBytes: 1_024, hash: 'sha256' };
const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const prepare = (pdf: Uint8Array, options: Partial<PreparationOptions> = {}): Promise<unknown> =>
  prepareInThread(pdf, { ...OPTIONS, ...options }, signal());
const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const withCatalog = (entries: string, ...more: readonly string[]): Uint8Array =>
  writePdf([`<< /Type /Catalog /Pages 2 0 R ${entries} >>`, ...ONE_PAGE.slice(1), ...more]);

describe('a file', () => {
  const whole = writePdf(ONE_PAGE);
  const source = Buffer.from(whole).toString('latin1');

  it.each<[string, Uint8Array]>([
    ['of nothing', new Uint8Array()],
    ['of text', text('Hello')],
    ['of zeros', new Uint8Array(10_000)],
    ['with something before it', Buffer.concat([text('\r\n'), whole])],
    ['with something behind it', Buffer.concat([whole, text('<html>')])],
    ['whose cross-references are elsewhere', text(source.replace(/startxref\n\d+/, 'startxref\n7'))],
    ['whose cross-references are beyond its end', text(source.replace(/startxref\n\d+/, 'startxref\n99999'))],
    ['whose cross-references are off by one', text(source.replace(/(\d{10}) 00000 n\r\n/, '0000000010 00000 n\r\n'))],
    ['whose cross-references go in a circle', text(source.replace('/Root', `/Prev ${source.indexOf('xref\n0')} /Root`))],
    ['whose objects are swapped', text(source.replace('2 0 obj', '3 0 obj'))],
    ['without a catalogue', text(source.replace('/Catalog', '/Katalog'))],
    ['without pages', withCatalogOnly()],
    ['whose page tree is a circle', writePdf([ONE_PAGE[0] ?? '', '<< /Type /Pages /Kids [2 0 R] /Count 1 >>'])],
    ['with brackets that never close', writePdf([...ONE_PAGE.slice(0, 2), '[[[[[[['])],
    ['nested too deep', writePdf([...ONE_PAGE.slice(0, 2), `${'['.repeat(100_000)}${']'.repeat(100_000)}`])],
    ['that is an XFA form', withCatalog('/AcroForm << /Fields [] /XFA [] >>')],
    ['whose references go in a circle', withCatalog('/AcroForm 4 0 R', '5 0 R', '4 0 R')],
  ])('%s is refused as pdf_invalid', async (_, pdf) => {
    await expect(prepare(pdf)).rejects.toMatchObject({ code: 'pdf_invalid' });
  });

  it('cut anywhere is refused, or is a whole PDF', () => {
    const pdf = hybridPdf();
    for (let length = 0; length < pdf.length - 1; length++)
      expect(() => prepareSignature(pdf.subarray(0, length), OPTIONS), `${length}`).toThrow(
        expect.objectContaining({ code: 'pdf_invalid' }),
      );
  });

  it('with any byte changed is signed or refused, and nothing else', async () => {
    const random = new SeededRandom(7);
    const samples = [hybridPdf(), await samplePdf({ objectStreams: true }), prepareSignature(whole, OPTIONS).bytes];
    for (const sample of samples)
      for (let round = 0; round < 1_500; round++) {
        const changed = Uint8Array.from(sample);
        for (let change = 0; change < 3; change++) changed[random.below(changed.length)] = random.below(256);
        for (const work of [() => prepareSignature(changed, OPTIONS), () => inspectSignatures(changed)])
          try {
            work();
          } catch (error) {
            expect(error).toHaveProperty('code', expect.stringMatching(/^pdf_/));
          }
      }
  });

  it('that is encrypted is refused, with an empty password as well', async () => {
    for (const userPassword of ['', 'hemligt']) {
      const document = await PDFDocument.create();
      document.addPage();
      document.encrypt({ userPassword, ownerPassword: 'x' });
      await expect(prepare(await document.save())).rejects.toMatchObject({ code: 'pdf_encrypted' });
    }
  });

  it('larger than a PDF may be is refused before it is read', async () => {
    await expect(prepare(new Uint8Array(33_554_433))).rejects.toMatchObject({ code: 'pdf_excessive' });
  });
});

function withCatalogOnly(): Uint8Array {
  return writePdf(['<< /Type /Catalog >>']);
}

describe('a PDF that is signed', () => {
  it('so that nothing may be changed takes no signature', async () => {
    await expect(prepare(certifiedPdf(1))).rejects.toMatchObject({ code: 'pdf_changes_forbidden' });
    await expect(prepare(certifiedPdf(2, '/Lock << /Action /All /P 1 >>'))).rejects.toMatchObject({
      code: 'pdf_changes_forbidden',
    });
  });

  it.each([2, 3])('so that level %i of changes is allowed takes another', async (level) => {
    await expect(prepare(certifiedPdf(level))).resolves.toMatchObject({ field: 'Signature1' });
  });
});

describe('a signature', () => {
  const visible = (changes: Partial<VisibleSignature>): Partial<PreparationOptions> => ({
    visible: { page: 1, rectangle: { x: 10, y: 10, width: 100, height: 30 }, lines: ['Anna'], ...changes },
  });
  const at = (x: number, y: number, width: number, height: number): Partial<PreparationOptions> =>
    visible({ rectangle: { x, y, width, height } });

  it.each<[string, Partial<PreparationOptions>, string]>([
    ['on a page that is not there', visible({ page: 2 }), 'pdf_page_missing'],
    ['to the left of the page', at(-1, 0, 50, 20), 'pdf_rectangle_invalid'],
    ['to the right of it', at(251, 0, 50, 20), 'pdf_rectangle_invalid'],
    ['above it', at(0, 181, 50, 20), 'pdf_rectangle_invalid'],
    ['of no size', at(0, 0, 0, 20), 'pdf_rectangle_invalid'],
    ['too small for its text', visible({ lines: ['Anna '.repeat(200)] }), 'pdf_rectangle_invalid'],
    ['with a word too long for it', visible({ lines: ['A'.repeat(100)] }), 'pdf_rectangle_invalid'],
    ['with a letter that the font lacks', visible({ lines: ['Łukasz'] }), 'pdf_text_unsupported'],
    ['with an emoji', visible({ lines: ['🙂'] }), 'pdf_text_unsupported'],
    ['with a control character', visible({ lines: ['a\u0007'] }), 'pdf_text_unsupported'],
    ['with a picture that is none', visible({ picture: text('GIF89a') }), 'picture_invalid'],
    ['with a JPEG that is cut', visible({ picture: Buffer.from('ffd8ffe000104a46', 'hex') }), 'picture_invalid'],
    ['with a PNG that is cut', visible({ picture: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex') }), 'picture_invalid'],
    ['with a new field that has a dot', { field: 'a.b' }, 'pdf_field_unusable'],
    ['with a new field without a name', { field: '' }, 'pdf_field_unusable'],
  ])('%s is refused', async (_, options, code) => {
    await expect(prepare(writePdf(ONE_PAGE), options)).rejects.toMatchObject({ code });
  });

  it('is not put where a field of that name is something else', async () => {
    const pdf = withCatalog('/AcroForm << /Fields [4 0 R] >>', '<< /FT /Tx /T (Namn) >>');
    await expect(prepare(pdf, { field: 'Namn' })).rejects.toMatchObject({ code: 'pdf_field_unusable' });
  });

  it('is refused with a PNG that unpacks to more than a picture may be', async () => {
    const png = Buffer.from(await samplePng(4, 4));
    png.writeUInt32BE(100_000, 16);
    png.writeUInt32BE(100_000, 20);
    await expect(prepare(writePdf(ONE_PAGE), visible({ picture: png }))).rejects.toMatchObject({ code: 'picture_invalid' });
  });

  it('takes decomposed letters as the ones that they make', async () => {
    await expect(prepare(writePdf(ONE_PAGE), visible({ lines: ['A\u030asa'] }))).resolves.toMatchObject({ field: 'Signature1' });
  });
});

/** While it runs, a timer of this thread is never late. */
async function withoutBlocking<R>(work: () => Promise<R>): Promise<R> {
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    expect(longest).toBeLessThan(1_000);
  }
}

describe('a bomb', () => {
  it('of objects that unpack to gigabytes is refused', async () => {
    const bomb = deflateSync(Buffer.alloc(300_000_000), { level: 9 }).toString('latin1');
    const stream = `<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length ${bomb.length} >>\nstream\n${bomb}\nendstream`;
    const base = writePdf([...ONE_PAGE.slice(0, 2), 'null', stream]);
    const start = Buffer.from(base).toString('latin1').lastIndexOf('\nxref') + 1;
    const row = Buffer.of(2, 0, 0, 0, 4, 0, 0).toString('latin1');
    const update = `5 0 obj\n<< /Type /XRef /Size 6 /Index [3 1] /W [1 4 2] /Root 1 0 R /Prev ${start} /Length 7 >>\nstream\n${row}\nendstream\nendobj\nstartxref\n${base.length}\n%%EOF\n`;
    const pdf = Buffer.concat([base, Buffer.from(update, 'latin1')]);
    await expect(withoutBlocking(() => prepare(pdf))).rejects.toMatchObject({ code: 'pdf_excessive' });
  }, 60_000);

  it('of millions of cross-references costs nothing', async () => {
    const rows = deflateSync(Buffer.alloc(8_000_000 * 7)).toString('latin1');
    const base = writePdf(ONE_PAGE);
    const start = Buffer.from(base).toString('latin1').lastIndexOf('\nxref') + 1;
    const stream = `9 0 obj\n<< /Type /XRef /Size 8000010 /Index [10 8000000] /W [1 4 2] /Root 1 0 R /Prev ${start} /Filter /FlateDecode /Length ${rows.length} >>\nstream\n${rows}\nendstream\nendobj\nstartxref\n${base.length}\n%%EOF\n`;
    const pdf = Buffer.concat([base, Buffer.from(stream, 'latin1')]);
    await expect(withoutBlocking(() => prepare(pdf))).resolves.toMatchObject({ field: 'Signature1' });
  });

  it('of a page tree with 100000 pages is signed on the last', async () => {
    const kids = Array.from({ length: 100_000 }, (_, index) => `${index + 3} 0 R`).join(' ');
    const page = ONE_PAGE[2] ?? '';
    const pdf = writePdf([
      ONE_PAGE[0] ?? '',
      `<< /Type /Pages /Count 100000 /Kids [${kids}] >>`,
      ...Array.from({ length: 100_000 }, () => page),
    ]);
    const last = { page: 100_000, rectangle: { x: 0, y: 0, width: 100, height: 30 }, lines: ['Anna'] };
    await expect(withoutBlocking(() => prepare(pdf, { visible: last }))).resolves.toMatchObject({ field: 'Signature1' });
  });

  it('of an array that takes all memory ends in its thread', async () => {
    const pdf = writePdf([...ONE_PAGE.slice(0, 2), `[${'<<>>'.repeat(8_000_000)}]`]);
    await expect(withoutBlocking(() => prepare(pdf))).rejects.toMatchObject({ code: 'pdf_excessive' });
  }, 60_000);

  it('of updates without end is refused', async () => {
    const pdf = endlessPdf();
    await expect(prepare(pdf)).rejects.toMatchObject({ code: 'pdf_excessive' });
    await expect(verifyInThread(pdf, {}, signal())).rejects.toMatchObject({ code: 'pdf_excessive' });
  });

  it('of work is given up when the caller goes', async () => {
    for (const waitMs of [0, 5, 15]) {
      const controller = new AbortController();
      const work = prepareInThread(writePdf(ONE_PAGE), OPTIONS, controller.signal);
      const given = expect(work).rejects.toThrow('gone');
      if (waitMs > 0) await delay(waitMs);
      controller.abort(new Error('gone'));
      await given;
    }
    await expect(prepare(writePdf(ONE_PAGE))).resolves.toMatchObject({ field: 'Signature1' });
  });
});
