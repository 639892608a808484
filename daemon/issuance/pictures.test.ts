import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pictures } from './pictures.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-pictures-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a picture', () => {
  it('is stored for its owner alone, in place of an earlier one of that name', async () => {
    const pictures = new Pictures(() => join(folder, 'new', 'pictures'));
    await pictures.store('a.png', Uint8Array.of(1, 2, 3));
    await pictures.store('a.png', Uint8Array.of(4));
    const file = join(folder, 'new', 'pictures', 'a.png');
    expect([...readFileSync(file)]).toEqual([4]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'new', 'pictures'))).toEqual(['a.png']);
  });

  it('that cannot be stored leaves nothing behind', async () => {
    const pictures = new Pictures(() => folder);
    await expect(pictures.store('no/such/place.png', Uint8Array.of(1))).rejects.toMatchObject({ code: 'pictures_unavailable' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not stored where the folder is a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    const pictures = new Pictures(() => join(folder, 'file'));
    await expect(pictures.store('a.png', Uint8Array.of(1))).rejects.toMatchObject({ code: 'pictures_unavailable' });
  });

  it('is removed, and one that is gone stays gone', async () => {
    const pictures = new Pictures(() => folder);
    await pictures.store('a.png', Uint8Array.of(1));
    await pictures.remove('a.png');
    await pictures.remove('a.png');
    expect(readdirSync(folder)).toEqual([]);
  });
});
