/** Passports to order: descriptions of scenarios, what makes none, and what is kept between runs. */
import { createECDH } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../bytes.ts';
import { loadScenario } from '../../scenario.ts';
import { openEmrtdCardFile, type SimulatedEmrtdCard } from '../emrtd.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-passport-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function scenarioOf(options: object): Promise<string> {
  const path = join(folder, 'desk.json');
  const reader = { name: 'Contactless', contactless: true, card: 'passport' };
  await writeFile(
    path,
    JSON.stringify({ name: 'passport', readers: [reader], cards: [{ name: 'passport', kind: 'emrtd', options }] }),
  );
  return path;
}

describe('a passport of a scenario', () => {
  it('lies on a contactless reader', async () => {
    await using scenario = await loadScenario(
      await scenarioOf({
        persona: 'david',
        defects: ['tampered portrait'],
        activeAuthentication: { key: 'P-256', hash: 'SHA-1' },
        can: '112233',
      }),
    );
    const [place] = scenario.readers;
    expect(place?.isContactless).toBe(true);
    const connection = await scenario.source.connect('Contactless', { signal: AbortSignal.timeout(5_000) });
    expect(formatHex(await connection.transmit(parseHex('00a4040c07a0000002471001')))).toBe('9000');
    await connection[Symbol.asyncDispose]();
  });

  it.each([
    [{ persona: 'nobody' }, 'cards[0].options'],
    [{ defects: ['coffee'] }, 'cards[0].options'],
    [{ can: '12345' }, 'can'],
    [{ documentNumber: 'TOOLONG123' }, 'documentNumber'],
    [{ dataGroups: [14] }, 'dataGroups'],
    [{ colour: 'red' }, 'colour'],
    [{ pace: [{ mapping: 'chip authentication', suite: 'AES-128', parameters: 0 }] }, 'pace[0]'],
    [{ pace: [{ mapping: 'chip authentication', suite: 'AES-128', parameters: 13 }] }, 'pace[0]'],
    [{ pace: [{ mapping: 'integrated', suite: 'AES-128', parameters: 10 }] }, 'pace[0]'],
    [{ pace: [{ mapping: 'generic', suite: 'AES-128', parameters: 3 }] }, 'pace[0]'],
  ])('is refused with the place of what is wrong: %j', async (options, field) => {
    await expect(scenarioOf(options).then((path) => loadScenario(path))).rejects.toThrow(field);
  });
});

describe('a passport in a file', () => {
  it('keeps what its card number has left, and the same keys and files', async () => {
    const path = join(folder, 'passport.json');
    const first = await openEmrtdCardFile(path, { persona: 'bjorn', canTries: 4 });
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ canTriesRemaining: 4, description: { persona: 'bjorn' } });
    await failByCan(first);
    const again = await openEmrtdCardFile(path);
    expect(again.state()).toEqual({ ...first.state(), canTriesRemaining: 3 });
    expect(again.printed).toEqual(first.printed);
  });

  it('is not made of a file that holds something else', async () => {
    const path = join(folder, 'other.json');
    await writeFile(path, '{"format":"kortd-simulated-eid"}');
    await expect(openEmrtdCardFile(path)).rejects.toThrow(/other\.json/);
  });
});

/** PACE by a number of the card, with a token of nought. Any point of the curve does for a key. */
async function failByCan(card: SimulatedEmrtdCard): Promise<void> {
  const send = async (command: string): Promise<string> => formatHex(await card.process(parseHex(command)));
  expect(await send('0022c1a412800a04007f00070202040604830102840110')).toBe('9000');
  expect(await send('10860000027c0000')).toMatch(/9000$/);
  const point = createECDH('brainpoolP384r1').generateKeys('hex');
  expect(await send(`10860000657c638161${point}00`)).toMatch(/9000$/);
  expect(await send(`10860000657c638361${point}00`)).toMatch(/9000$/);
  expect(await send('008600000c7c0a8508000000000000000000')).toBe('63c3');
}
