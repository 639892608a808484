/** That the search finds a secret wherever it was planted, in each form; and takes no hash for one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PIN, WRONG_PIN, openBench, resultOf, watchedPivCard } from '../api/support.ts';
import { findCores } from './cores.ts';
import { SecretFoundError, searchProgram } from './evidence.ts';
import { describeHits, searchBytes, searchFolder } from './search.ts';
import { noteMessage, noteTyped, typedValues } from './typed.ts';

const TYPED = '739154';
const MANAGEMENT_KEY = '0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F6071';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-evidence-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keyBytes = Buffer.from(MANAGEMENT_KEY, 'hex');
const command = (data: string): Buffer => Buffer.concat([Buffer.from('0020008008', 'hex'), Buffer.from(data)]);

describe('a planted secret is found', () => {
  const around = (secret: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from('{"x":"'), Buffer.from(secret), Buffer.from('"}')]);
  it.each<readonly [string, string, Buffer]>([
    ['as text', TYPED, around(TYPED)],
    ['as text after letters', TYPED, around(`pin${TYPED}`)],
    ['as a number', TYPED, Buffer.from(`{"pin":${TYPED}}`)],
    ['in hex', TYPED, around(Buffer.from(TYPED).toString('hex'))],
    ['in the hex of a command', TYPED, around(command(`${TYPED}\xff\xff`).toString('hex').toUpperCase())],
    ['in base64', TYPED, around(Buffer.from(TYPED).toString('base64'))],
    ['in the base64 of a command', TYPED, around(command(TYPED).toString('base64'))],
    ['in base64, one byte on', TYPED, around(Buffer.from(`x${TYPED}y`).toString('base64'))],
    ['in base64, two bytes on', TYPED, around(Buffer.from(`xx${TYPED}y`).toString('base64'))],
    ['in UTF-16', TYPED, around(Buffer.from(TYPED, 'utf16le'))],
    ['padded for PIV', TYPED, around(Buffer.concat([Buffer.from(TYPED), Buffer.of(0xff, 0xff)]))],
    ['padded for PIV, among digits', TYPED, Buffer.concat([Buffer.from(`000000000000${TYPED}`), Buffer.of(0xff, 0xff)])],
    ['as the text of a key', MANAGEMENT_KEY, around(MANAGEMENT_KEY.toLowerCase())],
    ['as the text of a key, in the hex of a command', MANAGEMENT_KEY, around(`00FFFFFF1B0A9B18${MANAGEMENT_KEY}`)],
    ['as the bytes of a key', MANAGEMENT_KEY, around(keyBytes)],
    ['as the bytes of a key in base64url', MANAGEMENT_KEY, around(Buffer.concat([Buffer.of(1), keyBytes]).toString('base64url'))],
  ])('%s', (_, value, bytes) => {
    const hits = searchBytes('log', bytes, ['000000000', value]);
    expect(hits.length).toBeGreaterThan(0);
    expect(hits[0]).toMatchObject({ where: 'log', value: 2 });
    expect(describeHits(hits)).not.toContain(value);
  });
});

it.each([
  ['a hash', `"hash":"a3f0${TYPED}9c00d1"`],
  ['a time', `"time":17${TYPED}12345`],
  ['another number', '"length":739155'],
])('digits in %s are no secret', (_, text) => {
  expect(searchBytes('log', Buffer.from(text), [TYPED])).toEqual([]);
});

it('a planted secret is found in a database, in its write-ahead log, and in folders below', () => {
  using database = new DatabaseSync(join(folder, 'x.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (text TEXT)');
  database.prepare('INSERT INTO t VALUES (?)').run(TYPED);
  expect(searchFolder(folder, [TYPED]).hits.map(({ where }) => where)).toContain('x.sqlite-wal');
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  mkdirSync(join(folder, 'below'));
  writeFileSync(join(folder, 'below', 'core'), Buffer.concat([Buffer.alloc(5_000), Buffer.from(TYPED)]));
  const { hits, files } = searchFolder(folder, [TYPED]);
  expect(hits.map(({ where }) => where).sort()).toEqual([join('below', 'core'), 'x.sqlite']);
  expect(hits.find(({ where }) => where.startsWith('below'))?.offset).toBe(5_000);
  expect(files).toBe(4);
});

describe('what goes out is noted', () => {
  it.each([
    [
      'a call over WebSocket',
      '{"jsonrpc":"2.0","id":1,"method":"pin.change","params":{"card":"c","pin":"610001","newPin":"610002"}}',
    ],
    ['a body of REST', new TextEncoder().encode('{ "puk" : "610001", "newPin":"61\\u0030002" }')],
    ['raw commands', '{"commands":["00A4040005A000000308","0024008010363130303031FFFF363130303032FFFF"]}'],
  ])('from %s', (_, message) => {
    const before = new Set(typedValues());
    noteMessage(message);
    for (const value of ['610001', '610002']) expect(typedValues()).toContain(value);
    expect(typedValues().filter((value) => !before.has(value) && !value.startsWith('61000'))).toEqual([]);
  });

  it('without what is no secret', () => {
    const before = typedValues();
    noteMessage('{"managementKey":"default","puk":"00000000","pin":{"reference":"80"},"pin":"1","pinReference":"610003"}');
    expect(typedValues()).toEqual(before);
  });
});

describe('a bench', () => {
  it('whose daemon wrote down a PIN that was typed fails when it closes, and says where without saying what', async () => {
    const bench = await openBench();
    const card = await bench.insert(watchedPivCard());
    for (const name of ['REST', 'WebSocket'] as const)
      resultOf(await (await bench.transport(name)).call('pin.verify', { card, pin: PIN }));
    writeFileSync(join(bench.dataFolder, 'forgotten.txt'), `PIN ${PIN}`);
    const error: unknown = await bench[Symbol.asyncDispose]().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SecretFoundError);
    expect(String(error)).toMatch(/forgotten\.txt at byte 4: typed value \d+, as text/);
    expect(String(error)).not.toContain(PIN);
  });

  it('whose log has one fails too, whoever typed it', async () => {
    const logged: object[] = [];
    const drop = (): void => undefined;
    const bench = await openBench({ log: { debug: drop, info: drop, warn: drop, error: (fields) => void logged.push(fields) } });
    const client = await bench.client();
    await expect(client.call('pin.verify', { card: 'c', pin: WRONG_PIN })).rejects.toThrow();
    bench.intercept.refuse = () => new Error(`a careless message with ${WRONG_PIN} in it`);
    const card = await bench.insert(watchedPivCard());
    await expect(client.call('card.read', { card, refresh: true })).rejects.toThrow();
    expect(logged).not.toEqual([]);
    await expect(bench[Symbol.asyncDispose]()).rejects.toThrow(/^a secret that was typed is where none may be:\nlog at byte \d+/);
  });
});

it('a program whose output or folder has one is found out', () => {
  noteTyped(TYPED);
  expect(() => searchProgram(folder, { log: `"text":"${TYPED}"` })).toThrow(SecretFoundError);
  expect(() => searchProgram(folder, { log: 'nothing' })).not.toThrow();
});

it('a core file is found, whatever its name, and nothing else is taken for one', () => {
  const elf = (type: number): Buffer => Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(9), Buffer.of(type, 0)]);
  writeFileSync(join(folder, 'core.1234'), elf(4));
  writeFileSync(join(folder, 'library.so'), elf(3));
  writeFileSync(join(folder, 'core'), 'no core');
  expect(findCores([folder], 0)).toEqual([join(folder, 'core.1234')]);
  expect(findCores([folder], Date.now() + 60_000)).toEqual([]);
});
