/** Roles of readers on the real pcscd, whose virtual readers tell no serial number and no USB port: bound by name, found after restarts, never guessed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallError, type Client } from '../../api-spec/client/client.ts';
import type { Reader } from '../../api-spec/schemas.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { insertSimulatedCard, startProgram } from '../support/program.ts';

const FIRST_PORT = 35_963;
const DEADLINE_MS = 20_000;
const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let client: Client;
let policyFolder: string;
let cards: AsyncDisposableStack;

beforeAll(async () => {
  policyFolder = await mkdtemp(join(tmpdir(), 'kortd-roles-'));
  stack.defer(async () => rm(policyFolder, { recursive: true }));
  pcscd = stack.use(await startPcscd(2));
  ({ client } = stack.use(await startProgram(['--policy-dir', policyFolder])));
  cards = new AsyncDisposableStack();
  stack.defer(async () => cards.disposeAsync());
});
afterAll(async () => {
  await stack.disposeAsync();
});

async function insert(kind: string, port: number): Promise<void> {
  cards.use(await insertSimulatedCard(port, undefined, kind));
}

async function pullAll(): Promise<void> {
  await cards.disposeAsync();
  cards = new AsyncDisposableStack();
  await pcscd.untilEmpty();
  await isReady(0);
}

async function until<T>(what: string, find: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + DEADLINE_MS; ;) {
    const found = await find();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waiting for ${what}: ${JSON.stringify(await client.call('reader.list'))}`);
    await delay(20);
  }
}

const readers = async (): Promise<readonly Reader[]> => (await client.call('reader.list')).readers;
const names = async (): Promise<readonly string[]> => (await readers()).map(({ name }) => name).sort();

async function restart(drivers: readonly string[]): Promise<void> {
  await pullAll();
  await pcscd.stop();
  await until('the readers to be away', async () => (await readers()).every(({ status }) => status === 'unavailable'));
  await pcscd.start(drivers);
  await until('the readers to be back', async () => {
    const all = await readers();
    return all.length === drivers.length * 2 && all.every(({ status }) => status !== 'unavailable');
  });
}

/** The name of the person whose card a role has, or the code of the error. */
async function personIn(role: string): Promise<string> {
  try {
    const { certificates } = await client.call('card.read', { card: { role } });
    return /CN=(\w+)/.exec(certificates[0]?.parsed?.subject ?? '')?.[1] ?? '';
  } catch (error) {
    if (error instanceof CallError) return error.error.code;
    throw error;
  }
}

async function setPolicy(content: object): Promise<void> {
  await writeFile(join(policyFolder, 'policy.json'), JSON.stringify(content), { mode: 0o600 });
  expect(await client.call('system.reload')).toEqual({ problems: [] });
}

async function isReady(count: number): Promise<void> {
  await until('the cards to be ready', async () => {
    const { cards: all } = await client.call('card.list');
    return all.filter(({ status }) => status === 'ready').length === count;
  });
}

describe('roles on the real pcscd', () => {
  it('bind two slots of one reader by name and slot, and each role has its card', async () => {
    await until('the readers', async () => (await readers()).length === 2);
    for (const [role, slot] of [
      ['operator', 0],
      ['holder', 1],
    ] as const) {
      const reader = (await readers()).find(({ name }) => name === `Kortd Bench A 00 0${slot}`);
      const bound = await client.call('reader.assignRole', { role, reader: reader?.id ?? '' });
      expect(bound.role).toMatchObject({ status: 'ready', selector: { name: 'Kortd Bench A', slot } });
    }
    await insert('eid:anna', FIRST_PORT);
    await insert('eid:cecilia', FIRST_PORT + 1);
    await isReady(2);
    expect([await personIn('operator'), await personIn('holder')]).toEqual(['Anna', 'Cecilia']);
  });

  it('find the reader after a restart of pcscd, at other ports and behind another reader', async () => {
    await restart(['Kortd Extra', 'Kortd Bench A']);
    await insert('eid:bjorn', FIRST_PORT);
    await insert('eid:anna', FIRST_PORT + 2);
    await insert('eid:cecilia', FIRST_PORT + 3);
    await isReady(3);
    expect([await personIn('operator'), await personIn('holder')]).toEqual(['Anna', 'Cecilia']);
  });

  it('take neither of two slots that the policy’s name fits, and the one that it names', async () => {
    await setPolicy({ roles: { holder: { reader: { name: 'Kortd Bench A' } } } });
    expect([await personIn('operator'), await personIn('holder')]).toEqual(['Anna', 'role_ambiguous']);
    await setPolicy({ roles: { holder: { reader: { name: 'Kortd Bench A 07 00', slot: 1 } } } });
    expect([await personIn('operator'), await personIn('holder')]).toEqual(['Anna', 'Cecilia']);
    const refused = await client.call('reader.removeRole', { role: 'holder' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ error: { code: 'role_by_policy' } });
  });

  it('keep persons apart, and cards out that may not act', async () => {
    const reader = { name: 'Kortd Bench A', slot: 1 };
    await setPolicy({ roles: { holder: { reader, notSamePersonAs: ['operator'] } } });
    expect(await personIn('holder')).toBe('Cecilia');
    await setPolicy({ roles: { holder: { reader, cards: [{ hsaId: 'SE2321000016-BENCH1' }] } } });
    expect(await personIn('holder')).toBe('card_not_allowed');
    await pullAll();
    await setPolicy({ roles: { holder: { reader, notSamePersonAs: ['operator'] } } });
    await insert('eid:anna', FIRST_PORT + 3);
    await isReady(1);
    expect(await personIn('holder')).toBe('other_card_needed');
    await insert('eid:anna', FIRST_PORT + 2);
    await isReady(2);
    expect(await personIn('holder')).toBe('same_person');
    await setPolicy({});
  });

  it('go with a reader that the policy ignores, and come back with it', async () => {
    await setPolicy({ ignoredReaders: ['Kortd Bench * 00 00', 'kortd extra*'] });
    expect(await names()).toEqual(['Kortd Bench A 00 01']);
    expect(await personIn('operator')).toBe('role_reader_away');
    await setPolicy({});
    await isReady(2);
    expect(await personIn('operator')).toBe('Anna');
  });
});
