import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../bytes.ts';
import { SimulationFileError } from '../../errors.ts';
import { createEidCard, openEidCardFile, type EidCardState, type SimulatedEidCard } from '../eid.ts';
import { SELECT_APPLICATION, pinBlock } from './testing.ts';

const VERIFY = `0020000108${pinBlock('123456')}`;

async function send(card: SimulatedEidCard, ...commands: readonly string[]): Promise<string> {
  let answer = '';
  for (const command of commands) answer = formatHex(await card.process(parseHex(command)));
  return answer;
}

describe('a card in a file', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kortd-eid-'));
    path = join(folder, 'card.json');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is what it was when it is opened again: PINs, files and keys', async () => {
    const first = await openEidCardFile(path, { persona: 'reserve' });
    await send(first, SELECT_APPLICATION, VERIFY, `0024000110${pinBlock('123456')}${pinBlock('111222')}`);
    expect(await send(first, '0046000008ac068001a1840101')).toBe('9000');
    await send(first, '00a4020c024404', '00d6000002abcd', '00e000000d620b8002000482010183024370');
    await send(first, `0020000208${pinBlock('000000')}`);
    const second = await openEidCardFile(path);
    expect(second.state()).toEqual(first.state());
    expect(createEidCard({ state: first.state() }).state()).toEqual(first.state());
    expect(await send(second, SELECT_APPLICATION, '00200002')).toBe('63c2');
    expect(await send(second, `0020000108${pinBlock('111222')}`)).toBe('9000');
    expect(await send(second, '00a4020c024404', '00b0000002')).toBe('abcd9000');
    expect(await send(second, '00a4020c024370', '00b0000004')).toBe('000000009000');
    expect(await send(second, '002241b606800102840101', '002a9e9a0401020304')).toBe('6100');
  });

  it('is on the disk before the answer, whole, for its owner alone, with nothing beside it', async () => {
    const card = await openEidCardFile(path, { persona: 'anna' });
    await send(card, SELECT_APPLICATION, `0020000108${pinBlock('000000')}`);
    const saved = JSON.parse(await readFile(path, 'utf8')) as EidCardState;
    expect(saved.pins.legitimering).toEqual({ block: pinBlock('123456'), attemptsTotal: 3, attemptsRemaining: 2 });
    expect(await readdir(folder)).toEqual(['card.json']);
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is not written by commands that change nothing', async () => {
    const card = await openEidCardFile(path, { persona: 'anna' });
    const before = await stat(path);
    await send(card, SELECT_APPLICATION, VERIFY, '00a4020c025031', '002241b606800142840101', `002a9e9a20${'00'.repeat(32)}`);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
  });

  it('answers 6581 when the change cannot be kept, and keeps it at the next one', async () => {
    const saved: EidCardState[] = [];
    let isBroken = true;
    const errors: unknown[] = [];
    const card = createEidCard({
      persona: 'anna',
      onInternalError: (error) => errors.push(error),
      save: (state) => {
        if (isBroken) return Promise.reject(new Error('the disk is full'));
        saved.push(state);
        return Promise.resolve();
      },
    });
    expect(await send(card, SELECT_APPLICATION, `0020000108${pinBlock('000000')}`)).toBe('6581');
    isBroken = false;
    expect(await send(card, '00200001')).toBe('63c2');
    expect(saved.map(({ pins }) => pins.legitimering.attemptsRemaining)).toEqual([2]);
    expect(errors).toHaveLength(1);
  });

  it.each([
    ['{', /no JSON/],
    ['{}', /format|required/],
    ['PIV', /format/],
    ['path', /files\.5031: no path from 3f00/],
    ['access', /files\.3f00\.access: no compact security attributes/],
    ['block', /pins\.puk\.block: not eight bytes/],
    ['key', /files\.3f0050154b01\.privateKey/],
  ])('that holds no card (%s) is refused and left as it is', async (damage, message) => {
    const state = structuredClone(createEidCard({ persona: 'anna' }).state()) as unknown as Record<
      string,
      Record<string, object>
    >;
    const damages: Record<string, () => unknown> = {
      '{': () => '{',
      '{}': () => ({}),
      PIV: () => ({ ...state, format: 'kortd-simulated-piv' }),
      path: () => ({ ...state, files: { ...state['files'], '5031': state['files']?.['3f00'] } }),
      access: () => ({ ...state, files: { ...state['files'], '3f00': { kind: 'directory', access: '0301' } } }),
      block: () => ({ ...state, pins: { ...state['pins'], puk: { ...state['pins']?.['puk'], block: '00' } } }),
      key: () => ({
        ...state,
        files: { ...state['files'], '3f0050154b01': { ...state['files']?.['3f0050154b01'], privateKey: 'AAAA' } },
      }),
    };
    const made = damages[damage]?.();
    const text = typeof made === 'string' ? made : JSON.stringify(made);
    await writeFile(path, text);
    const opening = openEidCardFile(path);
    await expect(opening).rejects.toThrow(SimulationFileError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({ file: path });
    expect(await readFile(path, 'utf8')).toBe(text);
  });
});
