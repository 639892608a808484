import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VENDOR_KINDS, openVendorBench, type VendorBench, type VendorKind } from './bench.ts';
import { readMark, takePictures } from './page-pictures.ts';
import { printDocument } from './printed-document.ts';

let folder: string;
let bench: VendorBench | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-bench-'));
});

afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
  bench = undefined;
  await rm(folder, { recursive: true });
});

async function open(kind: VendorKind): Promise<VendorBench> {
  bench = await openVendorBench(kind, { folder, document: { persona: 'anna' } });
  return bench;
}

async function ask(
  path: string,
  init: RequestInit & { readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(path, bench?.service.url), {
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

describe.each(VENDOR_KINDS)('the bench of %s', (kind) => {
  it('moves documents and orders faults over HTTP', async () => {
    const { service } = await open(kind);
    const document = { persona: 'bjorn', defects: ['bright paper'] };
    expect(await ask('bench/document', { method: 'PUT', body: JSON.stringify(document) })).toMatchObject({ status: 200 });
    expect(service.document).toEqual(document);
    expect(await ask('bench/faults', { method: 'POST', body: '{"kind":"busy","times":2}' })).toMatchObject({ status: 200 });
    expect(service.faults.take('/x')).toMatchObject({ kind: 'busy' });
    expect(await ask('bench')).toMatchObject({ body: { document } });
  });

  it.each([
    ['bench/document', 'PUT', '{"persona":"nobody"}'],
    ['bench/document', 'PUT', '{"persona":"anna","defects":["ugly"]}'],
    ['bench/document', 'PUT', '[]'],
    ['bench/faults', 'POST', '{"kind":"earthquake"}'],
    ['bench/faults', 'POST', 'no JSON'],
  ])('refuses %s %s %s', async (path, method, body) => {
    await open(kind);
    expect((await ask(path, { method, body })).status).toBe(400);
  });

  it('is not for pages in a browser', async () => {
    await open(kind);
    expect((await ask('bench', { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
  });
});

describe('a camera', () => {
  it('has a picture for each light while a document lies there, and a new set when they were taken', async () => {
    const { service } = await open('regula');
    const pictures = join(folder, 'pictures');
    const lying = async (): Promise<readonly string[]> => (await readdir(pictures)).sort();
    const all = ['axial.png', 'ir.png', 'uv.png', 'white.png'];
    expect(await lying()).toEqual(all);
    for (const name of all) await rm(join(pictures, name));
    await expect.poll(lying, { timeout: 5_000 }).toEqual(all);
    service.document = undefined;
    await expect.poll(lying, { timeout: 5_000 }).toEqual([]);
  });
});

describe('a picture', () => {
  it('tells which page it is of, and in which light', () => {
    const page = { persona: 'cecilia', defects: ['copy'] as const };
    for (const { light, png } of takePictures(page)) expect(readMark(png)).toEqual({ light, page });
  });

  it('shows its defects: each changes the picture in the light in which it is seen', () => {
    const seen = {
      'bright paper': 'uv',
      'no fibres': 'uv',
      'no carbon ink': 'ir',
      'damaged laminate': 'axial',
      cancelled: 'white',
    } as const;
    for (const [defect, light] of Object.entries(seen) as [keyof typeof seen, (typeof seen)[keyof typeof seen]][]) {
      const [good] = takePictures({ persona: 'anna' }, [light]);
      const [bad] = takePictures({ persona: 'anna', defects: [defect] }, [light]);
      // The text chunk differs anyhow: the longer part behind it must too.
      expect(
        Buffer.from(bad?.png ?? [])
          .subarray(-200)
          .equals(Buffer.from(good?.png ?? []).subarray(-200)),
        defect,
      ).toBe(false);
    }
  });

  it('that is none tells nothing', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('GIF89a'), Buffer.alloc(100)]) expect(readMark(bytes)).toBeUndefined();
  });
});

describe('a page', () => {
  it('has the zone of the passport of the same person, but for an ordered digit', () => {
    const [, second = ''] = printDocument({ persona: 'anna' }).mrz;
    const [, wrong = ''] = printDocument({ persona: 'anna', defects: ['wrong check digit'] }).mrz;
    expect(wrong.slice(0, -1)).toBe(second.slice(0, -1));
    expect(wrong.slice(-1)).not.toBe(second.slice(-1));
  });
});
