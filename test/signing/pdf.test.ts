/** Signed PDFs, read by programs that are not kortd's: Poppler's pdfsig with the authority in an NSS database, openssl cms, pdftoppm. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { decode, toRGBA8 } from '@cantoo/pdf-lib/upng';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import {
  finishPdf,
  preparePdf,
  signPrepared,
  type PdfSigningOptions,
  type SignedPdf,
} from '../../daemon/signing/pdf/sign-pdf.ts';
import { verifyPdf, type PdfReport } from '../../daemon/signing/pdf/verify-pdf.ts';
import { tool } from '../support/program.ts';
import { signWith } from './card-key.ts';
import { ONE_PAGE, appendObjects, hybridPdf, samplePdf, samplePng, writePdf } from './pdf-files.ts';
import { createPki, type Pki, type PkiKeyKind, type PkiSigner } from './pki.ts';

const TIME = new Date('2026-03-01T12:05:09Z');
let pki: Pki;
let nss: string;
const signers = new Map<PkiKeyKind, PkiSigner>();

beforeAll(async () => {
  pki = await createPki();
  for (const kind of ['P-256', 'P-384', 'RSA-2048'] as const) signers.set(kind, await pki.issue(`Signer ${kind}`, { kind }));
  nss = pki.path('nss');
  await mkdir(nss);
  await tool('certutil', ['-N', '-d', nss, '--empty-password']);
  await tool('certutil', ['-A', '-d', nss, '-n', 'root', '-t', 'CT,C,C', '-i', pki.root.certificateFile]);
}, 60_000);
afterAll(() => pki[Symbol.asyncDispose]());

type Wanted = Partial<Omit<PdfSigningOptions, 'signer'>> & { readonly algorithm?: SignatureAlgorithm };

async function sign(pdf: Uint8Array, wanted: Wanted = {}): Promise<SignedPdf> {
  const { algorithm = 'ES256', ...options } = wanted;
  const kind = algorithm === 'ES256' ? 'P-256' : algorithm === 'ES384' ? 'P-384' : 'RSA-2048';
  const signer = signers.get(kind);
  if (!signer) throw new RangeError(`no signer for ${algorithm}`);
  const signal = AbortSignal.timeout(20_000);
  const ready = await preparePdf(
    pdf,
    { time: TIME, hasTimeStamp: false, ...options, signer: { certificate: signer.der, chain: [pki.sub.der], algorithm } },
    signal,
  );
  return await finishPdf(ready, await signPrepared(ready, signWith(pki, signer, algorithm)), signal);
}

const verify = (pdf: Uint8Array): PdfReport => verifyPdf(pdf, { anchors: [pki.root.der] });

/** What pdfsig says of each signature. Throws when it finds none. */
async function pdfsig(pdf: Uint8Array): Promise<readonly string[]> {
  const said = await tool('pdfsig', ['-nssdir', nss, await pki.file('signed.pdf', pdf)]);
  return said.split(/^Signature #\d+:$/m).slice(1);
}

async function expectTrusted(pdf: Uint8Array, count: number): Promise<void> {
  const found = await pdfsig(pdf);
  expect(found).toHaveLength(count);
  for (const signature of found) {
    expect(signature).toContain('Signature Validation: Signature is Valid.');
    expect(signature).toContain('Certificate Validation: Certificate is Trusted.');
    expect(signature).toContain('Signature Type: ETSI.CAdES.detached');
  }
  expect(found.at(-1)).toContain('Total document signed');
  const report = verify(pdf);
  expect(report).toMatchObject({ verdict: 'valid', signatures: Array.from({ length: count }, () => ({ verdict: 'valid' })) });
}

describe('a signed PDF', () => {
  it.each(['RS256', 'PS256', 'RS512', 'ES256', 'ES384'] as const)(
    'with %s is verified by pdfsig and openssl',
    async (algorithm) => {
      const { bytes } = await sign(await samplePdf(), { algorithm });
      await expectTrusted(bytes, 1);
      const text = Buffer.from(bytes).toString('latin1');
      const [, gapStart = 0, gapEnd = 0] = /\/ByteRange \[0 (\d+) (\d+)/.exec(text)?.map(Number) ?? [];
      const covered = await pki.file('covered.bin', Buffer.concat([bytes.subarray(0, gapStart), bytes.subarray(gapEnd)]));
      const cms = await pki.file('pdf.der', Buffer.from(text.slice(gapStart + 1, gapEnd - 1), 'hex'));
      const input = ['-inform', 'DER', '-in', cms, '-content', covered, '-CAfile', pki.root.certificateFile];
      await pki.openssl('cms', '-verify', '-binary', '-cades', '-purpose', 'any', ...input, '-out', pki.path('out.bin'));
      const printed = await pki.openssl('cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', cms);
      expect(printed).toContain('signingCertificateV2');
      expect(printed, 'EN 319 142-1, clause 6.3').not.toContain('signingTime');
    },
  );

  it.each([
    ['with a table', () => samplePdf()],
    ['with streams', () => samplePdf({ objectStreams: true })],
    ['with both', () => Promise.resolve(hybridPdf())],
    ['of the least there is', () => Promise.resolve(writePdf(ONE_PAGE))],
  ])('%s of cross-references takes three signatures, visible and not, and keeps what it was', async (_, make) => {
    const original = await make();
    const first = await sign(original, { reason: 'Mottaget', location: 'Örebro' });
    const rectangle = { x: 10, y: 10, width: 130, height: 50 };
    const second = await sign(first.bytes, { algorithm: 'RS256', visible: { page: 1, rectangle, language: 'sv' } });
    const third = await sign(second.bytes, { algorithm: 'ES384' });
    expect([first, second, third].map(({ field }) => field)).toEqual(['Signature1', 'Signature2', 'Signature3']);
    expect(Buffer.from(third.bytes.subarray(0, second.bytes.length)).equals(second.bytes)).toBe(true);
    expect(Buffer.from(third.bytes.subarray(0, original.length)).equals(original)).toBe(true);
    await expectTrusted(first.bytes, 1);
    await expectTrusted(second.bytes, 2);
    await expectTrusted(third.bytes, 3);
    expect(verify(third.bytes).signatures).toMatchObject([
      {
        field: 'Signature1',
        name: 'Signer P-256',
        reason: 'Mottaget',
        location: 'Örebro',
        time: TIME.toISOString(),
        coversWholeFile: false,
        later: { kind: 'signatures', revisions: 2, changes: [] },
      },
      { field: 'Signature2', coversWholeFile: false, later: { kind: 'signatures', revisions: 1 } },
      { field: 'Signature3', coversWholeFile: true, later: { kind: 'none' } },
    ]);
  });

  it('can be signed in a field that it has, where that is', async () => {
    const pdf = writePdf([
      '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>',
      '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Annots [4 0 R] >>',
      '<< /Type /Annot /Subtype /Widget /FT /Sig /T (Mottagare) /Rect [10 10 200 60] /P 3 0 R /Lock << /Type /SigFieldLock /Action /All >> >>',
    ]);
    const { bytes, field } = await sign(pdf, { field: 'Mottagare', visible: { language: 'sv' } });
    expect(field).toBe('Mottagare');
    await expectTrusted(bytes, 1);
    expect(Buffer.from(bytes).toString('latin1')).toContain('/TransformMethod /FieldMDP');
    await expect(sign(bytes, { field: 'Mottagare' })).rejects.toMatchObject({ code: 'pdf_field_unusable' });
  });
});

describe('a visible signature', () => {
  interface Look {
    readonly width: number;
    readonly height: number;
    /** Part of the pixels in this rectangle that fit, in points from the upper left. */
    share(area: readonly [number, number, number, number], fits: (red: number, green: number, blue: number) => boolean): number;
  }

  /** Rendered at one pixel a point. */
  async function look(pdf: Uint8Array, page = 1): Promise<Look> {
    const file = await pki.file('shown.pdf', pdf);
    const which = ['-f', String(page), '-l', String(page), '-singlefile'];
    await tool('pdftoppm', ['-png', '-r', '72', ...which, file, pki.path('shown')]);
    const image = decode(new Uint8Array(await readFile(pki.path('shown.png'))).buffer);
    const pixels = new Uint8Array(toRGBA8(image)[0] ?? new ArrayBuffer(0));
    const { width, height } = image;
    return {
      width,
      height,
      share: ([left, top, right, bottom], fits) => {
        let count = 0;
        for (let y = top; y < bottom; y++)
          for (let x = left; x < right; x++) {
            const [red = 0, green = 0, blue = 0] = pixels.subarray((y * width + x) * 4);
            if (fits(red, green, blue)) count++;
          }
        return count / ((right - left) * (bottom - top));
      },
    };
  }

  const isDark = (red: number, green: number, blue: number): boolean => red + green + blue < 300;
  const isBlue = (red: number, green: number, blue: number): boolean => blue > 150 && red < 90 && green < 90;

  it.each([0, 90, 180, 270])('stands where it is wanted on a page turned by %i degrees, upright', async (rotation) => {
    const rectangle = { x: 60, y: 40, width: 240, height: 60 };
    const picture = await samplePng(90, 45);
    const { bytes } = await sign(await samplePdf({ pages: 2, rotation }), {
      visible: { page: 2, rectangle, language: 'sv', picture },
      reason: 'Kvittens på åäö ÅÄÖ',
    });
    const shown = await look(bytes, 2);
    const [top, bottom] = [shown.height - 100, shown.height - 40];
    expect(shown.share([60, top, 156, bottom], isBlue), 'the picture, to the left').toBeGreaterThan(0.2);
    expect(shown.share([60, top, 90, bottom], isBlue), 'its transparent third').toBeLessThan(0.05);
    expect(shown.share([160, top, 300, bottom], isDark), 'the text, to the right').toBeGreaterThan(0.02);
    expect(shown.share([160, top, 300, bottom], isBlue)).toBe(0);
    expect(shown.share([10, top - 40, 58, bottom + 30], isDark), 'nothing beside it').toBe(0);
    expect(shown.share([60, bottom + 1, 300, bottom + 30], isDark), 'nothing under it').toBe(0);
  });

  it('tells name, time, reason and place in Swedish, as text that can be searched', async () => {
    const rectangle = { x: 60, y: 40, width: 240, height: 70 };
    const visible = { page: 1, rectangle, language: 'sv' } as const;
    const { bytes } = await sign(await samplePdf(), { visible, reason: 'Räksmörgås på Å', location: 'Örebro' });
    const text = await tool('pdftotext', ['-enc', 'UTF-8', await pki.file('text.pdf', bytes), '-']);
    for (const line of ['Undertecknat av Signer P-256', 'Tid: 2026-03-01 ', 'Skäl: Räksmörgås på Å', 'Ort: Örebro'])
      expect(text).toContain(line);
  });
});

describe('what was changed after a signature', () => {
  const signedPage = async (): Promise<Uint8Array> => (await sign(writePdf([...ONE_PAGE, '[ ]']))).bytes;

  it.each<[string, Readonly<Record<number, string>>]>([
    ['another page size', { 3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 30 20] >>' }],
    ['another page', { 2: '<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>' }],
    ['another catalogue', { 1: '<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] >>' }],
    ['an object that was something else', { 4: '[ 1 ]' }],
  ])('is told: %s', async (_, objects) => {
    const changed = appendObjects(await signedPage(), objects);
    const { verdict, signatures } = verify(changed);
    expect(verdict).toBe('indeterminate');
    // A catalogue without the form has no signatures at all.
    if (signatures.length > 0) expect(signatures).toMatchObject([{ coversWholeFile: false, later: { kind: 'other' } }]);
  });

  it('is told of an object that the signed part names, and that came later', async () => {
    const [catalog = '', pages = ''] = ONE_PAGE;
    const page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 90 0 R >>';
    const { bytes } = await sign(writePdf([catalog, pages, page]));
    const stream = '<< /Length 22 >>\nstream\n0 0 300 200 re 0 g f  \nendstream';
    expect(verify(appendObjects(bytes, { 90: stream }, '/Root 1 0 R')).signatures).toMatchObject([
      { later: { kind: 'other', changes: ['objects were added that the signed part names'] } },
    ]);
  });

  it('is told when the bytes themselves were', async () => {
    const bytes = Buffer.from(await signedPage());
    bytes.write('301', bytes.indexOf('300 200'));
    expect(verify(bytes)).toMatchObject({ verdict: 'invalid', signatures: [{ signer: { digest: 'mismatch' } }] });
  });
});

describe('an attack on what a signature covers is refused', () => {
  const broken = async (change: (text: string, gap: readonly [number, number]) => string): Promise<PdfReport> => {
    const { bytes } = await sign(writePdf(ONE_PAGE));
    const text = Buffer.from(bytes).toString('latin1');
    const [, start = 0, end = 0] = /\/ByteRange \[0 (\d+) (\d+)/.exec(text)?.map(Number) ?? [];
    return verify(Buffer.from(change(text, [start, end]), 'latin1'));
  };
  /** The same length, so that the cross-references hold. */
  const withRange = (text: string, range: string): string =>
    text.replace(/\/ByteRange \[[^\]]*\] */, (found) => `/ByteRange [${range}]`.padEnd(found.length));

  it.each<[string, (gapStart: number, gapEnd: number, length: number) => string, string]>([
    ['a range that begins later', (a, b, n) => `1 ${a - 1} ${b} ${n - b}`, 'it does not cover the start of the file'],
    ['a gap that is larger', (a, b, n) => `0 ${a - 40} ${b} ${n - b}`, 'what it leaves out is not its own Contents'],
    ['a gap that goes on', (a, b, n) => `0 ${a} ${b + 5} ${n - b - 5}`, 'what it leaves out is not its own Contents'],
    ['no gap', (a, _, n) => `0 ${a} ${a} ${n - a}`, 'its ranges overlap'],
    ['ranges that overlap', (a, b, n) => `0 ${b} ${a} ${n - a}`, 'its ranges overlap'],
    ['a range beyond the end', (a, b, n) => `0 ${a} ${b} ${n}`, 'its ranges go beyond the end of the file'],
    ['a range that is too short', (a, b) => `0 ${a} ${b} 10`, 'what it covers is not a whole PDF'],
    ['three ranges', (a, b, n) => `0 ${a} ${b} 1 ${b + 1} ${n - b - 1}`, 'its ByteRange is not two ranges'],
    ['a negative range', (a, b, n) => `0 ${a} ${b} -${n}`, 'its ByteRange is not two ranges'],
    ['no range at all', () => '', 'its ByteRange is not two ranges'],
  ])('%s', async (_, range, problem) => {
    const report = await broken((text, [start, end]) => withRange(text, range(start, end, text.length)));
    expect(report).toMatchObject({ verdict: 'invalid', signatures: [{ verdict: 'invalid', problem }] });
    expect(report.signatures[0]?.signer).toBeUndefined();
  });

  it('bytes in the gap beside the CMS', async () => {
    const hidden = Buffer.from('hidden').toString('hex');
    const report = await broken((text, [, end]) => text.slice(0, end - 1 - hidden.length) + hidden + text.slice(end - 1));
    expect(report).toMatchObject({
      verdict: 'invalid',
      signatures: [{ problem: 'its Contents are not one DER object and zeros' }],
    });
  });

  it('white space in the gap', async () => {
    const report = await broken((text, [, end]) => `${text.slice(0, end - 3)}  ${text.slice(end - 1)}`);
    expect(report).toMatchObject({ verdict: 'invalid', signatures: [{ problem: 'there is more in the gap than its Contents' }] });
  });

  it('a later dictionary with the CMS and the range of the first', async () => {
    const { bytes } = await sign(writePdf(ONE_PAGE));
    const text = Buffer.from(bytes).toString('latin1');
    const dictionary = /<< \/ByteRange[^]*?>>(?=\nendobj)/.exec(text)?.[0] ?? '';
    const number = Number(/(\d+) 0 obj\n<< \/ByteRange/.exec(text)?.[1]);
    const report = verify(
      appendObjects(bytes, { [number]: dictionary, 3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>' }),
    );
    expect(report).toMatchObject({ verdict: 'invalid', signatures: [{ problem: 'what it leaves out is not its own Contents' }] });
  });

  it('an entry of the dictionary twice', async () => {
    const report = await broken((text) => text.replace('/Name <', '/Type <'));
    expect(report).toMatchObject({ verdict: 'invalid', signatures: [{ problem: 'it has the same entry twice' }] });
  });

  it('a CMS that signs content of its own', async () => {
    const { createSignedData } = await import('../../daemon/signing/cms/signed-data.ts');
    const { embedSignature } = await import('../../daemon/signing/pdf/embed.ts');
    const { prepareSignature } = await import('../../daemon/signing/pdf/prepare.ts');
    const signer = signers.get('P-256');
    if (!signer) throw new RangeError('no signer');
    const prepared = prepareSignature(writePdf(ONE_PAGE), { time: TIME, signatureBytes: 8_192, hash: 'sha256' });
    const content = Buffer.from('something else');
    const contentDigest = createHash('sha256').update(content).digest();
    const signed = { certificate: signer.der, chain: [], algorithm: 'ES256' } as const;
    const cms = await createSignedData(
      { content, contentDigest, hash: 'sha256', profile: 'pades', signer: signed },
      signWith(pki, signer, 'ES256'),
    );
    embedSignature(prepared, cms);
    expect(verify(prepared.bytes)).toMatchObject({
      verdict: 'invalid',
      signatures: [{ problem: 'its CMS carries content of its own' }],
    });
  });
});
