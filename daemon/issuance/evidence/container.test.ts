import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MANIFEST_FILE, MIMETYPE, SEAL_SIGNATURE_FILE, SUMMARY_PAGE } from './contents.ts';
import { buildContainer } from './container.ts';
import { parseManifest } from './manifest.ts';
import { openSeal, type Seal } from './seal.ts';
import { SimulatedOffice } from './testing.ts';
import { verifyEvidence } from './verify.ts';
import { unpackZip } from './zip.ts';

let office: SimulatedOffice;
let seal: Seal;
const NOW = new Date('2026-03-01T09:00:00Z');

beforeAll(async () => {
  office = new SimulatedOffice();
  seal = await openSeal({ folder: office.folder, now: () => NOW, name: 'kortd desk test' });
});
afterAll(() => {
  office[Symbol.dispose]();
});

const filesOf = (container: Uint8Array): ReadonlyMap<string, Uint8Array> =>
  new Map(unpackZip(container).entries.map(({ name, content }) => [name, content]));
const text = (files: ReadonlyMap<string, Uint8Array>, name: string): string =>
  Buffer.from(files.get(name) ?? []).toString('utf8');

describe('the container of a finished ceremony', () => {
  it('holds what was signed, recorded and written, and nothing that the manifest does not list', async () => {
    const ceremony = await office.highest();
    expect(ceremony.state).toBe('finished');
    const container = await buildContainer(office.recordOf(ceremony), seal);
    const files = filesOf(container);
    expect([...files.keys()]).toEqual([
      ...['mimetype', 'summary.html', 'summary.json', 'recorded/order.json'],
      ...['ordered', 'reviewed'].flatMap((step) => [
        `statements/${step}.txt`,
        `statements/${step}.p7s`,
        `statements/${step}.json`,
      ]),
      ...['recorded/terms.json', 'cards/download/job.json'],
      ...['cards/download/1-authentication.cer', 'cards/download/2-signature.cer'],
      ...['statements/receipt.txt', 'statements/receipt.p7s', 'statements/receipt.json'],
      ...['journal.jsonl', 'audit.jsonl', 'attachments/picture.jpg', MANIFEST_FILE, SEAL_SIGNATURE_FILE],
    ]);
    expect(parseManifest(files.get(MANIFEST_FILE) ?? new Uint8Array()).files).toHaveLength(files.size - 3);
    const report = verifyEvidence(container, { seals: [seal.certificate] });
    expect(report.problems).toEqual([]);
    expect(report.summary).toMatchObject({ ceremony: ceremony.id, keepUntil: '2036-03-01', state: 'finished' });
    expect(report.signers.map(({ step, subject }) => `${step}: ${/CN=([^,]+)/.exec(subject)?.[1] ?? ''}`)).toEqual([
      'ordered: Anna Lindqvist',
      'reviewed: Björn Åkesson',
      'receipt: Cecilia Öberg',
    ]);
  });

  it('begins with its media type, so that programs tell it by its first bytes', async () => {
    const container = await buildContainer(office.recordOf(await office.highest()), seal);
    // ETSI EN 319 162-1, annex A.1: at offset 30 the name, at 38 the content.
    expect(Buffer.from(container.subarray(0, 38 + MIMETYPE.length)).toString('latin1')).toMatch(
      /^PK\x03\x04[^]{26}mimetypeapplication\/vnd\.etsi\.asic-e\+zip$/,
    );
  });

  it('is the same each time, but for the seal', async () => {
    const record = office.recordOf(await office.highest());
    const unsealed = { sign: () => Promise.resolve(new Uint8Array([1])) };
    const [one, other] = [await buildContainer(record, unsealed), await buildContainer(record, unsealed)];
    expect(Buffer.compare(one, other)).toBe(0);
  });

  it('shows what people entered as text, in both languages', async () => {
    const page = text(filesOf(await buildContainer(office.recordOf(await office.highest()), seal)), SUMMARY_PAGE);
    expect(page).toContain('Cecilia Öberg &lt;Öbs&amp;Co&gt;');
    expect(page).not.toContain('<Öbs');
    expect(page).toContain('Reservkort, tillitsnivå 3');
    expect(page).toContain('Reserve card, LoA3');
  });

  it('of a statement that two signed names both, and is as good', async () => {
    const ceremony = await office.vouched();
    const container = await buildContainer(office.recordOf(ceremony), seal);
    const { problems, signers } = verifyEvidence(container, { seals: [seal.certificate] });
    expect(problems).toEqual([]);
    expect(signers.map(({ step }) => step)).toEqual(['vouched', 'vouchedAgain', 'vouchedAgain']);
    expect(JSON.parse(text(filesOf(container), 'messages/told.json'))).toMatchObject({ messages: { length: 4 } });
  });

  it('is not made of one that goes on', async () => {
    await expect(buildContainer(office.recordOf(await office.highest(3)), seal)).rejects.toThrow(/has not ended/);
  });
});
