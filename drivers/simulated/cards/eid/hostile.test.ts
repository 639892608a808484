/** Whatever a card is sent, it answers with a status word, stays a card, and gives no secret away. Seeded: a failure comes again. */
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, formatHex, parseHex } from '../../bytes.ts';
import { createEidCard } from '../eid.ts';
import { CardUnderTest, SELECT_APPLICATION, pinBlock, seededNumbers } from './testing.ts';

const INSTRUCTIONS = [0x20, 0x22, 0x24, 0x2a, 0x2c, 0x46, 0xa4, 0xb0, 0xc0, 0xca, 0xd6, 0xe0, 0xe4];
const PARAMETERS = [0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x09, 0x0c, 0x41, 0x80, 0x81, 0x86, 0x9a, 0x9e, 0xb6, 0xb8, 0xff];
/** What commands that mean something carry. */
const FRAGMENTS = [
  '5015',
  '4b01',
  '4b02',
  '5031',
  '3f00',
  '800102',
  '800142',
  '8001a2',
  '840101',
  '840102',
  '81024b01',
  '62',
  'ac06',
];

function isAnswer(response: Uint8Array): boolean {
  return response.length >= 2 && response.length <= 65_538 && [0x6, 0x9].includes((response.at(-2) ?? 0) >> 4);
}

describe.each(['anna', 'bjorn', 'david', 'reserve'])('the card of %s', (persona) => {
  it('answers random bytes', async () => {
    const next = seededNumbers(1);
    const card = new CardUnderTest({ persona });
    for (let round = 0; round < 3000; round++) {
      const command = Uint8Array.from({ length: next() % 300 }, () => next() % 256);
      const response = await card.card.process(command);
      if (!isAnswer(response)) throw new Error(`${formatHex(command)} was answered with ${formatHex(response)}`);
    }
    expect(card.internalErrors).toEqual([]);
  });

  it('answers commands that are nearly right', async () => {
    const next = seededNumbers(2);
    const pick = <T>(list: readonly T[]): T => list[next() % list.length] as T;
    const card = new CardUnderTest({ persona });
    const padding = persona === 'bjorn' ? 'ff' : '00';
    for (let round = 0; round < 6000; round++) {
      if (round % 50 === 0) {
        card.card.reset();
        card.send(SELECT_APPLICATION);
        for (const [reference, digits] of [
          ['01', '123456'],
          ['02', '654321'],
          ['81', '123456'],
          ['82', '654321'],
        ] as const)
          card.send(`002000${reference}08${pinBlock(digits, padding)}`);
      }
      const random = Uint8Array.from({ length: next() % 20 }, () => next() % 256);
      const parts = Array.from({ length: next() % 4 }, () => parseHex(pick(FRAGMENTS)));
      const data = concatBytes(...parts, next() % 3 === 0 ? random : new Uint8Array());
      const head = [next() % 16 === 0 ? 0x10 : 0x00, pick(INSTRUCTIONS), pick(PARAMETERS), pick(PARAMETERS)];
      const le = next() % 2 === 0 ? [next() % 256] : [];
      const command = Uint8Array.from([...head, ...(data.length > 0 ? [data.length, ...data] : []), ...le]);
      const response = await card.card.process(command);
      if (!isAnswer(response)) throw new Error(`${formatHex(command)} was answered with ${formatHex(response)}`);
    }
    expect(card.internalErrors).toEqual([]);
    const state = card.card.state();
    expect(createEidCard({ state }).state()).toEqual(state);
  });

  it('gives no key away by any read', async () => {
    const card = new CardUnderTest({ persona }).select();
    const read: string[] = [];
    for (const path of Object.keys(card.card.state().files)) {
      if (path.length === 4) continue;
      await card.card.process(parseHex(`00a4080c${formatHex(Uint8Array.of(path.length / 2 - 2))}${path.slice(4)}`));
      for (let offset = 0; offset < 2048; offset += 128)
        read.push(
          formatHex((await card.card.process(parseHex(`00b0${offset.toString(16).padStart(4, '0')}80`))).subarray(0, -2)),
        );
    }
    const all = read.join('');
    expect(all.length).toBeGreaterThan(1000);
    for (const file of Object.values(card.card.state().files)) {
      if (file.kind !== 'key' || file.privateKey === undefined) continue;
      const { d } = createPrivateKey({ key: Buffer.from(file.privateKey, 'base64'), format: 'der', type: 'pkcs8' }).export({
        format: 'jwk',
      });
      const secret = Buffer.from(d ?? '', 'base64url').toString('hex');
      expect(secret.length).toBeGreaterThanOrEqual(64);
      expect(all.includes(secret)).toBe(false);
    }
  });
});
