/** A recorded card that a scenario file names: at a whole desk by the built program, and by itself. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import { connect } from '../../api-spec/client/client.ts';
import { findDaemon } from '../../daemon/data-folder.ts';
import { recordedCardKinds } from '../../daemon/trace/scenario-card.ts';
import { loadScenario, type Scenario } from '../../drivers/simulated/scenario.ts';
import { Program, build, runProgram } from '../cli/program.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const signal = new AbortController().signal;

let folder = '';
let path = '';
beforeAll(() => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'kortd-recorded-'));
  mkdirSync(join(folder, 'desk'));
  path = join(folder, 'desk', 'desk.json');
  copyFileSync(join(import.meta.dirname, 'piv.txt'), join(folder, 'desk', 'piv.txt'));
}, 120_000);
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One reader with the recorded card in it. */
function write(options: object, more: object = {}): void {
  const cards = [{ name: 'recorded', kind: 'trace', options, ...more }];
  writeFileSync(path, JSON.stringify({ name: 'desk', readers: [{ name: 'Front 00 00', card: 'recorded' }], cards }));
}

describe('a recorded card of a scenario', () => {
  const told: string[] = [];
  const load = (): Promise<Scenario> =>
    loadScenario(path, { kinds: recordedCardKinds((card, { message }) => told.push(`${card}: ${message}`)) });
  afterEach(() => told.splice(0));

  it('has its ATR and answers what was recorded, in any order; everything else is refused and told without what was sent', async () => {
    write({ file: 'piv.txt' });
    await using scenario = await load();
    await using connection = await scenario.source.connect('Front 00 00', { signal });
    const send = async (text: string): Promise<string> => hex(await connection.transmit(parseHex(text)));
    expect(hex(connection.atr)).toBe('3BFD1300008131FE158073C021C057597562694B657940');
    const select = '00A4040009A0000003080000100000';
    expect(await send(select)).toMatch(/9000$/);
    expect(await send('00200080')).toBe('63C3');
    // A PIN was hidden, and any is as right as it was; the number of tries stays one that was recorded whole.
    expect(await send('0020008008303030303030FFFF')).toBe('9000');
    expect(await send('00200080')).toMatch(/^(9000|63C3)$/);
    expect(await send(select)).toMatch(/9000$/);
    expect(told).toEqual([]);
    expect(await send('00A4040006A00000999999')).toBe('6A82');
    expect(await send('80F100000431323334')).toBe('6D00');
    expect(told).toEqual([
      'recorded: sent was SELECT an application (00A40400, 11 bytes), which was not recorded',
      expect.stringContaining('(80F10000, 9 bytes), which was not recorded'),
    ]);
    expect(told.join()).not.toContain('31323334');
  });

  it('is told of a bounded number of times', async () => {
    write({ file: 'piv.txt' });
    await using scenario = await load();
    const card = scenario.cards.get('recorded')?.card;
    for (let count = 0; count < 1000; count++) await card?.process(parseHex('80F10000'));
    expect(told).toHaveLength(201);
    expect(told.at(-1)).toMatch(/not told any more$/);
  });

  it('is used with short commands where it was recorded with them', async () => {
    const text = '@ 0.001 card 1 reader 1 atr 3B00\n@ 0.002 card 2 reader 1 atr 3B01 extended\n';
    writeFileSync(join(folder, 'desk', 'two.txt'), `${HEADER}@ 0.000 reader 1 pcsc "One"\n${text}`);
    write({ file: 'two.txt' });
    await using short = await load();
    await using first = await short.source.connect('Front 00 00', { signal });
    expect([hex(first.atr), first.supportsExtendedLength]).toEqual(['3B00', false]);
    write({ file: 'two.txt', card: 2 });
    await using second = await load();
    await using other = await second.source.connect('Front 00 00', { signal });
    expect([hex(other.atr), other.supportsExtendedLength]).toEqual(['3B01', true]);
  });

  it.each([
    ['missing.txt', { file: 'missing.txt' }, 'file', /missing\.txt is no trace that can be read: ENOENT/, /är ingen inspelning/],
    ['a folder', { file: '.' }, 'file', /it is no file/, /är ingen inspelning/],
    ['another card', { file: 'piv.txt', card: 7 }, 'card', /it has cards 1 to 1, and no card 7/, /inget kort 7/],
    ['a trace without cards', { file: 'empty.txt' }, 'file', /no card was recorded in it/, /inget kort är inspelat/],
    ['no file', {}, '', /required properties file/, undefined],
    ['a broken trace', { file: 'broken.txt' }, 'file', /line 7: neither an event/, /rad 7 är fel/],
    ['too long a trace', { file: 'long.txt' }, 'file', /more than 67108864/, /är ingen inspelning/],
  ])('that is of %s is refused by its field', async (_, options, field, message, sv) => {
    writeFileSync(join(folder, 'desk', 'empty.txt'), HEADER);
    writeFileSync(join(folder, 'desk', 'broken.txt'), `${HEADER}nonsense\n`);
    if (JSON.stringify(options).includes('long.txt'))
      writeFileSync(join(folder, 'desk', 'long.txt'), Buffer.alloc(64 * 1024 * 1024 + 1, 10));
    write(options);
    const failure: unknown = await load().then(undefined, (error: unknown) => error);
    const where = `cards[0].options${field === '' ? '' : `.${field}`}`;
    expect(failure).toMatchObject({ name: 'SimulationFileError', file: path, field: where });
    expect(failure).toHaveProperty('message', expect.stringMatching(message));
    if (sv) expect(failure).toHaveProperty('sv', expect.stringMatching(sv));
  });

  it('keeps no state, and is not known where nobody brings it', async () => {
    write({ file: 'piv.txt' }, { stateFile: 'state.json' });
    await expect(load()).rejects.toMatchObject({ field: 'cards[0].stateFile' });
    write({ file: 'piv.txt' });
    await expect(loadScenario(path)).rejects.toThrow(/there is no such kind of card/);
  });
});

const HEADER = 'kortd trace 1\nkortd: 0.1.0\nplatform: linux-x64\nbegan: 2026-11-23T01:09:58.881Z\ncontents: redacted\n\n';

describe('kortd serve --simulate FILE', () => {
  const parameters = (): readonly string[] => {
    const ports = ['--port', '0', '--console-port', '0'];
    return ['serve', '--simulate', path, ...ports, '--data-dir', join(folder, 'data'), '--log-level', 'warn'];
  };

  it('has the recorded card in its reader, reads it as it was read, and logs what was not recorded', async () => {
    write({ file: 'piv.txt' });
    await using program = new Program(folder, parameters());
    await program.said(/^kortd ready .*\n/m);
    const client = await connect(findDaemon(join(folder, 'data')));
    try {
      await expect.poll(async () => (await client.call('card.list')).cards[0]?.status, { timeout: 10_000 }).toBe('ready');
      const [card] = (await client.call('card.list')).cards;
      expect(card).toMatchObject({ atr: '3BFD1300008131FE158073C021C057597562694B657940' });
      expect(JSON.stringify(card)).toContain('piv');
      await client.call('card.read', { card: card?.id ?? '', refresh: true });
      await client.call('pin.verify', { card: card?.id ?? '', pin: '000000' });
      const change = client.call('pin.change', { card: card?.id ?? '', pin: '000000', newPin: '111111' });
      await expect(change).rejects.toMatchObject({ name: 'CallError' });
    } finally {
      client.close();
    }
    const { stderr } = await program.stop();
    expect(stderr).toContain('a recorded card was asked what was not recorded');
    expect(stderr).toContain('"card":"recorded"');
  });

  it.each([
    ['en_GB.UTF-8', /piv\.txt is no trace that can be read/],
    ['sv_SE.UTF-8', /piv\.txt är ingen inspelning som går att läsa/],
  ])('refuses a broken trace in the language of the session (%s)', async (locale, message) => {
    writeFileSync(join(folder, 'desk', 'no-piv.txt'), 'nonsense');
    write({ file: 'no-piv.txt' });
    vi.stubEnv('LC_ALL', locale);
    const { status, stderr } = await runProgram(folder, parameters());
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
