import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDocument } from '../../simulated/scanners/documents.ts';
import { acceptScan } from '../accept.ts';
import type { ScannerDriver } from '../driver.ts';
import { openFolderDriver } from './driver.ts';

const ZONE = ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'];
const PICTURE =
  makeDocument({
    ...{ form: 'TD3', surname: 'A', givenNames: 'B', number: 'T1', sex: 'F', birthDate: '800214', expiryDate: '300101' },
  }).images[0]?.bytes ?? new Uint8Array();

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);

async function scan(driver: ScannerDriver, onWaiting: () => void, timeoutMs = 10_000): Promise<ReturnType<typeof acceptScan>> {
  const onProgress = ({ stage }: { readonly stage: string }): void => {
    if (stage === 'waiting') onWaiting();
  };
  const options = { signal: AbortSignal.timeout(timeoutMs), timeoutMs, readsChip: true, images: [], onProgress };
  return acceptScan(await driver.scan('folder', options));
}

describe('a watched folder', () => {
  const open = (afterwards?: 'delete' | 'move') =>
    openFolderDriver('x', { folder, stableMs: 100, ...(afterwards ? { afterwards } : {}) });

  it('gives a zone with its pictures, and nothing is left behind', async () => {
    await using driver = await open();
    const { parts, images } = await scan(driver, () => {
      put('doc1.page.uv.png', PICTURE);
      put('doc1.txt', ZONE.join('\r\n'));
      put('other.page.ir.png', PICTURE);
    });
    expect(parts.mrz).toMatchObject({ lines: ZONE, verdict: 'passed' });
    expect(images.map(({ image }) => [image.kind, image.light])).toEqual([['page', 'uv']]);
    expect(readdirSync(folder)).toEqual(['other.page.ir.png']);
  });

  it('clears away what lay there before: it is of another document', async () => {
    put('old.txt', ZONE.join('\n').replaceAll('TESTSSON', 'OTHERSON'));
    await using driver = await open('move');
    const { parts } = await scan(driver, () => put('new.json', JSON.stringify({ outcome: 'complete', mrz: { lines: ZONE } })));
    expect(parts.mrz?.fields?.surname).toBe('TESTSSON');
    expect(readdirSync(join(folder, 'done')).sort()).toEqual(['new.json', 'old.txt']);
  });

  it('waits for a file that is still written', async () => {
    await using driver = await open();
    const { parts } = await scan(driver, () => {
      put('doc.txt', ZONE[0] ?? '');
      setTimeout(() => put('doc.txt', ZONE.join('\n')), 80);
    });
    expect(parts.mrz?.verdict).toBe('passed');
  });

  it('follows no link, and takes no file that is too long or no report', async () => {
    await using driver = await open();
    const secret = join(folder, 'secret');
    put('secret', ZONE.join('\n'));
    await expect(scan(driver, () => symlinkSync(secret, join(folder, 'doc.txt')), 600)).rejects.toThrow();
    expect(existsSync(secret)).toBe(true);
    rmSync(join(folder, 'doc.txt'));
    await expect(scan(driver, () => put('doc.json', 'x'.repeat(2_000_000)))).rejects.toThrow('at most 1048576');
    await expect(scan(driver, () => put('doc.json', '{"outcome":'))).rejects.toThrow('no JSON');
    expect(readdirSync(folder)).toEqual(['secret']);
  });

  it('that is not there is told as gone', async () => {
    await using driver = await open();
    rmSync(folder, { recursive: true });
    await expect(scan(driver, () => undefined)).rejects.toThrow('cannot be read');
    expect(await driver.health({ signal: AbortSignal.timeout(1_000) })).toMatchObject({ isWorking: false });
  });
});
