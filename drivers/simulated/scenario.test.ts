import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeTlv, requireTlv } from '../../apdu/tlv/ber-tlv.ts';
import { DeviceRemovedError } from '../errors.ts';
import { formatHex, parseHex } from './bytes.ts';
import { SCENARIO_NAMES, loadScenario, type Scenario } from './scenario.ts';

const signal = new AbortController().signal;

async function readCertificate(scenario: Scenario, reader: string, tag: string): Promise<X509Certificate> {
  await using connection = await scenario.source.connect(reader, { signal });
  await connection.transmit(parseHex('00a4040005a000000308'));
  const parts: Uint8Array[] = [];
  let response = await connection.transmit(parseHex(`00cb3fff055c03${tag}`));
  for (; response.at(-2) === 0x61; response = await connection.transmit(parseHex('00c0000000')))
    parts.push(response.subarray(0, -2));
  const object = Buffer.concat([...parts, response.subarray(0, -2)]);
  return new X509Certificate(requireTlv(decodeTlv(requireTlv(decodeTlv(new Uint8Array(object)), 0x53)), 0x70));
}

describe('office', () => {
  it('is a desk with four readers, cards of two operators, a reserve card, a passport, and a CA that issued what is on them', async () => {
    await using scenario = await loadScenario('office');
    expect(SCENARIO_NAMES).toContain('office');
    expect(scenario.readers.map(({ role, isContactless }) => role ?? (isContactless ? 'contactless' : ''))).toEqual([
      'operator',
      'secondOperator',
      'holder',
      'contactless',
    ]);
    const authority = new X509Certificate(scenario.authorities[0]?.certificate ?? new Uint8Array());
    for (const reader of ['Simulated Operator 00 00', 'Simulated Second Operator 00 00']) {
      for (const tag of ['5fc105', '5fc10a']) {
        const certificate = await readCertificate(scenario, reader, tag);
        expect(certificate.verify(authority.publicKey)).toBe(true);
        expect(certificate.subject).toMatch(/serialNumber=SE2321000016-BENCH/);
      }
    }
    await using holder = await scenario.source.connect('Simulated Holder 00 00', { signal });
    await holder.transmit(parseHex('00a4040005a000000308'));
    expect(formatHex(await holder.transmit(parseHex('0020008008313233343536ffff')))).toBe('9000');
    expect(formatHex(await holder.transmit(parseHex('00cb3fff055c035fc105')))).toBe('6a82');
    expect(scenario.readers[3]?.reader.card).toBe(scenario.cards.get('passport')?.card);
  });

  it('is another desk each time, and empty when it is disposed of', async () => {
    const [one, other] = [await loadScenario('office'), await loadScenario('office')];
    expect(one.cards.get('operator')?.card).not.toBe(other.cards.get('operator')?.card);
    const connection = await one.source.connect('Simulated Operator 00 00', { signal });
    await one.dispose();
    await expect(connection.transmit(parseHex('00a4040005a000000308'))).rejects.toThrow(DeviceRemovedError);
    expect(other.readers[0]?.reader.state().status).toBe('present');
    await other.dispose();
  });
});

describe('card-office', () => {
  it('is a desk with two administrators and a blank reserve card, and others beside it', async () => {
    await using scenario = await loadScenario('card-office');
    const inside = scenario.readers.map(({ role, reader }) => [
      role,
      [...scenario.cards.values()].find(({ card }) => card === reader.card)?.name,
    ]);
    expect(inside).toEqual([
      ['operator', 'anna'],
      ['secondOperator', 'bjorn'],
      ['holder', 'reserve'],
      ['colleague', undefined],
    ]);
    expect(scenario.cards.get('reserve')?.note?.en).toBe('Reserve card 1, 9752000000000000102');
    expect([...scenario.cards.keys()]).toEqual(['anna', 'bjorn', 'cecilia', 'david', 'reserve', 'reserve-2']);
    const administrators = ['anna', 'bjorn'].map((name) => scenario.cards.get(name)?.persona?.hsaId);
    expect(scenario.administrators).toEqual(administrators);
  });
});

describe('a scenario file', () => {
  let folder = '';
  let path = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kortd-scenario-'));
    path = join(folder, 'desk.json');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const reader = { name: 'One' };
  const card = { name: 'mine', kind: 'piv' };

  it('can arm faults, script a keypad and keep a card in a file beside it', async () => {
    const readers = [
      { name: 'One', card: 'mine', keypad: ['123456', 'cancel'], faults: [{ kind: 'statusWord', at: 1, statusWord: '6F00' }] },
    ];
    await writeFile(
      path,
      JSON.stringify({ name: 'desk', readers, cards: [{ ...card, stateFile: 'mine.json', options: { pin: '123456' } }] }),
    );
    await using scenario = await loadScenario(path);
    expect((await stat(join(folder, 'mine.json'))).isFile()).toBe(true);
    await using connection = await scenario.source.connect('One', { signal });
    expect(formatHex(await connection.transmit(parseHex('00a4040005a000000308')))).toBe('6f00');
    await connection.transmit(parseHex('00a4040005a000000308'));
    const format = { minLength: 6, maxLength: 8, blockLengthBytes: 8 };
    const verify = parseHex('0020008008ffffffffffffffff');
    expect(formatHex((await connection.keypad?.verifyPin(verify, format)) ?? new Uint8Array())).toBe('9000');
    await expect(connection.keypad?.verifyPin(verify, format)).rejects.toThrow(/cancelled/);
  });

  it.each([
    [{ name: 'desk', readers: [], cards: [], extra: 1 }, ''],
    [{ name: 'desk', readers: [{ name: 1 }], cards: [] }, 'readers[0].name'],
    [{ name: 'desk', readers: [reader, reader], cards: [] }, 'readers[1].name'],
    [{ name: 'desk', readers: [{ ...reader, card: 'mine' }], cards: [] }, 'readers[0].card'],
    [{ name: 'desk', readers: [reader], cards: [card, card] }, 'cards[1].name'],
    [{ name: 'desk', readers: [reader], cards: [{ name: 'mine', kind: 'constructor' }] }, 'cards[0].kind'],
    [{ name: 'desk', readers: [reader], cards: [{ ...card, options: { pin: 5 } }] }, 'cards[0].options.pin'],
    [{ name: 'desk', readers: [reader], cards: [{ ...card, options: { profil: 'plain' } }] }, 'cards[0].options'],
    [
      { name: 'desk', readers: [reader], cards: [{ ...card, options: { keys: { '9A': { privateKey: 'AAAA' } } } }] },
      'cards[0].options.keys.9A.privateKey',
    ],
    [{ name: 'desk', readers: [reader], cards: [{ ...card, options: { firmware: '300.1.1' } }] }, 'cards[0].options.firmware'],
  ])('with a bad field is refused by the path of the field (%#)', async (scenario, field) => {
    await writeFile(path, JSON.stringify(scenario));
    const loading = loadScenario(path);
    await expect(loading).rejects.toMatchObject({ name: 'SimulationFileError', field, file: path });
    await expect(loading).rejects.toThrow(`loading scenario ${path}: `);
  });

  it('that is a fault nobody knows is refused', async () => {
    await writeFile(path, JSON.stringify({ name: 'desk', readers: [{ ...reader, faults: [{ kind: 'fire' }] }], cards: [] }));
    await expect(loadScenario(path)).rejects.toThrow(/readers\[0\]\.faults\[0\]/);
  });

  it('that is missing or no JSON is refused by its name', async () => {
    await expect(loadScenario(path)).rejects.toThrow(/desk\.json: ENOENT/);
    await writeFile(path, 'x');
    await expect(loadScenario(path)).rejects.toThrow(/desk\.json: it is no JSON/);
    await expect(loadScenario('nowhere')).rejects.toThrow(/there is no such scenario \(there is: card-office, office\)/);
  });
});
