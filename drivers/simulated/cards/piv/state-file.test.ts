import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../bytes.ts';
import { SimulationFileError } from '../../errors.ts';
import { createPivCard, openPivCardFile, type PivCardState, type SimulatedPivCard } from '../piv.ts';
import { SELECT, VERIFY, knownRandomBytes } from './testing.ts';

const AUTHENTICATE = ['0087039b047c028000', '0087039b167c148008001122334455667781088899aabbccddeeff'];

async function send(card: SimulatedPivCard, ...commands: readonly string[]): Promise<string> {
  let answer = '';
  for (const command of commands) answer = formatHex(await card.process(parseHex(command)));
  return answer;
}

describe('a card in a file', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kortd-piv-'));
    path = join(folder, 'card.json');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is what it was when it is opened again', async () => {
    const first = await openPivCardFile(path, { pin: '654321', randomBytes: knownRandomBytes });
    await send(
      first,
      SELECT,
      ...AUTHENTICATE,
      '0047009a05ac03800111',
      '00db3fff085c035fc10a530101',
      '0020008008393939393939ffff',
    );
    await send(first, '00f99a00');
    const second = await openPivCardFile(path, { randomBytes: knownRandomBytes });
    expect(second.state()).toEqual(first.state());
    expect(createPivCard({ state: first.state() }).state()).toEqual(first.state());
    expect(await send(second, SELECT, '00200080')).toBe('63c2');
    expect(await send(second, '0020008008363534333231ffff')).toBe('9000');
    expect(await send(second, `0087119a267c2482008120${'11'.repeat(32)}`)).toMatch(/9000$/);
  });

  it('is on the disk before the answer, whole, for its owner alone, with nothing beside it', async () => {
    const card = await openPivCardFile(path);
    await send(card, SELECT, '0020008008393939393939ffff');
    const saved = JSON.parse(await readFile(path, 'utf8')) as PivCardState;
    expect(saved.pin).toEqual({ block: '313233343536ffff', attemptsTotal: 3, attemptsRemaining: 2 });
    expect(await readdir(folder)).toEqual(['card.json']);
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is not written by commands that change nothing', async () => {
    const card = await openPivCardFile(path);
    const before = await stat(path);
    await send(card, SELECT, VERIFY, '00cb3fff055c035fc102');
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
  });

  it.each([
    ['', /it is no JSON/],
    ['{"format":', /it is no JSON/],
    ['[]', /the file must be object/],
    ['{}', /the file must have required properties format/],
  ])('that holds %j is refused, and left as it is', async (text, message) => {
    await writeFile(path, text);
    const opening = openPivCardFile(path);
    await expect(opening).rejects.toThrow(SimulationFileError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({ file: path });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  const sound = createPivCard().state();
  it.each([
    [{ ...sound, pin: { ...sound.pin, attemptsTotal: 0 } }, 'pin.attemptsTotal'],
    [{ ...sound, pin: { ...sound.pin, block: '3132' } }, 'pin.block'],
    [
      { ...sound, keys: { '9A': { privateKey: 'AAAA', pinPolicy: 2, touchPolicy: 1, origin: 'generated' } } },
      'keys.9A.privateKey',
    ],
    [{ ...sound, keys: { '42': { privateKey: 'AAAA', pinPolicy: 2, touchPolicy: 1, origin: 'generated' } } }, 'keys.42'],
    [{ ...sound, objects: { nonsense: '' } }, 'objects.nonsense'],
    [{ ...sound, managementKey: { algorithm: 'AES-128', key: '00', touchPolicy: 1 } }, 'managementKey.key'],
    [{ ...sound, extra: 1 }, ''],
  ])('with a bad field is refused by the name of the field (%#)', async (state, field) => {
    await writeFile(path, JSON.stringify(state));
    await expect(openPivCardFile(path)).rejects.toMatchObject({ name: 'SimulationFileError', field, file: path });
  });

  it('of absurd size is refused before it is read', async () => {
    await writeFile(path, new Uint8Array(5 * 1024 * 1024));
    await expect(openPivCardFile(path)).rejects.toThrow(/more than 4194304/);
  });

  it('that cannot be written answers 6581, and is saved at the next change that can', async () => {
    let fails = true;
    const saved: PivCardState[] = [];
    const errors: unknown[] = [];
    const save = (state: PivCardState): Promise<void> => {
      if (fails) return Promise.reject(new Error('no space left'));
      saved.push(state);
      return Promise.resolve();
    };
    const card = createPivCard({ save, onInternalError: (error) => errors.push(error) });
    expect(await send(card, SELECT, '0020008008393939393939ffff')).toBe('6581');
    expect(errors).toHaveLength(1);
    fails = false;
    expect(await send(card, '0020008008393939393939ffff')).toBe('63c1');
    expect(saved.at(-1)?.pin.attemptsRemaining).toBe(1);
  });
});
