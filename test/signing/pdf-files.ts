/** PDFs for tests: written by a library that is not kortd's reader, and by hand where a file is to be odd or hostile. */
import { PDFDocument, StandardFonts, degrees } from '@cantoo/pdf-lib';

export interface SampleOptions {
  readonly pages?: number;
  readonly rotation?: number;
  readonly objectStreams?: boolean;
}

/** A4, with Swedish text on each page. */
export async function samplePdf({ pages = 1, rotation = 0, objectStreams = false }: SampleOptions = {}): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let page = 1; page <= pages; page++) {
    const sheet = document.addPage([595, 842]);
    sheet.setRotation(degrees(rotation));
    sheet.drawText(`Kvittens på kort, sida ${page}`, { x: 50, y: 700, font });
  }
  return await document.save({ useObjectStreams: objectStreams });
}

/** Catalogue, page tree and one page, as objects 1 to 3. */
export const ONE_PAGE: readonly string[] = [
  '<< /Type /Catalog /Pages 2 0 R >>',
  '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
  '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>',
];

/** Objects by their texts, numbered from 1, with a cross-reference table. */
export function writePdf(objects: readonly string[], trailer = ''): Uint8Array {
  let text = '%PDF-1.7\n';
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  return endPdf(text, offsets, trailer);
}

/** A further revision: these objects, by their numbers, in place of what they were. */
export function appendObjects(pdf: Uint8Array, objects: Readonly<Record<number, string>>, trailer = '/Root 1 0 R'): Uint8Array {
  let text = Buffer.from(pdf).toString('latin1');
  const start = Number(/startxref\s+(\d+)\s+%%EOF\s*$/.exec(text)?.[1]);
  const entries = Object.entries(objects).map(([number, object]) => {
    const offset = text.length;
    text += `${number} 0 obj\n${object}\nendobj\n`;
    return `${number} 1\n${String(offset).padStart(10, '0')} 00000 n\r\n`;
  });
  const at = text.length;
  const size = Math.max(...Object.keys(objects).map(Number), Number(/\/Size (\d+)(?![^]*\/Size)/.exec(text)?.[1] ?? 0)) + 1;
  text += `xref\n${entries.join('')}trailer\n<< /Size ${size} /Prev ${start} ${trailer} >>\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

/** As programs for old and new readers write it: object 4 is hidden from a reader that knows no cross-reference streams. */
export function hybridPdf(): Uint8Array {
  const [, pages = '', page = ''] = ONE_PAGE;
  let text = '%PDF-1.5\n';
  const add = (object: string): number => {
    const offset = text.length;
    text += `${object}\n`;
    return offset;
  };
  const offsets = [
    add('1 0 obj\n<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R >>\nendobj'),
    add(`2 0 obj\n${pages}\nendobj`),
    add(`3 0 obj\n${page}\nendobj`),
  ];
  const held = '4 0 << /Fields [] >>';
  add(`5 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Length ${held.length} >>\nstream\n${held}\nendstream\nendobj`);
  const objectStream = text.lastIndexOf('5 0 obj');
  const rows = Buffer.alloc(14);
  rows.set([2, 0, 0, 0, 5, 0, 0], 0);
  rows.writeUInt8(1, 7);
  rows.writeUInt32BE(objectStream, 8);
  const stream = add(
    `6 0 obj\n<< /Type /XRef /Size 6 /Index [4 2] /W [1 4 2] /Length 14 >>\nstream\n${rows.toString('latin1')}\nendstream\nendobj`,
  );
  return endPdf(text, offsets, `/XRefStm ${stream}`);
}

/** With a signature that tells which changes it allows: 1 none, 2 forms and signatures, 3 annotations too. */
export function certifiedPdf(level: number, entriesOfField = ''): Uint8Array {
  const reference = `<< /TransformMethod /DocMDP /TransformParams << /P ${level} >> >>`;
  return writePdf([
    '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> /Perms << /DocMDP 5 0 R >> >>',
    ...ONE_PAGE.slice(1),
    `<< /FT /Sig /T (a) /V 5 0 R ${entriesOfField} >>`,
    `<< /Type /Sig /Contents <00> /ByteRange [0 1 2 3] /Reference [ ${reference} ] >>`,
  ]);
}

/** More updates than any file has, each of nothing. */
export function endlessPdf(): Uint8Array {
  const pdf = writePdf(ONE_PAGE);
  const parts: Uint8Array[] = [pdf];
  let [length, previous] = [pdf.length, Buffer.from(pdf).lastIndexOf('\nxref') + 1];
  for (let update = 0; update < 2_100; update++) {
    const part = Buffer.from(`xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev ${previous}>>\n`, 'latin1');
    previous = length;
    length += part.length;
    parts.push(part);
  }
  return Buffer.concat([...parts, Buffer.from(`startxref\n${previous}\n%%EOF\n`, 'latin1')]);
}

function endPdf(text: string, offsets: readonly number[], trailer: string): Uint8Array {
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n\r\n`);
  const size = offsets.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f\r\n${rows.join('')}`;
  const end = `trailer\n<< /Size ${size} /Root 1 0 R ${trailer} >>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(text + table + end, 'latin1');
}

/** A picture of one colour, a third of it transparent. */
export async function samplePng(width: number, height: number): Promise<Uint8Array> {
  const { encode } = await import('@cantoo/pdf-lib/upng');
  const pixels = new Uint8Array(width * height * 4);
  for (let at = 0; at < pixels.length; at += 4) pixels.set([20, 40, 200, (at / 4) % width < width / 3 ? 0 : 255], at);
  return new Uint8Array(encode([pixels.buffer], width, height, 0));
}
