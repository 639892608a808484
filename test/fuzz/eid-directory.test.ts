/** eID cards whose own directories are wrong: cut short, looping, of wrong tags, with lengths that lie, with certificates that are none. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { concat, parseHex } from '../../apdu/bytes.ts';
import { CardError } from '../../apdu/errors.ts';
import { createEidCard, type EidCardState } from '../../drivers/simulated/cards/eid.ts';
import { openBench, outcomeOf, resultOf, WatchedCard } from '../api/support.ts';
import { stateOf as stateOfEid } from '../api/eid-desk.ts';
import { EidDesk } from '../cards/eid-desk.ts';
import { FLOW_CARD, flowsOf, type Kind } from '../cards/eid-flows.ts';
import { FUZZ_TIMEOUT_MS, forSeeds, type SeededRandom } from './seeded.ts';

const APPLICATION = '3f005015';
/** EF.OD, EF.CIAInfo, EF.UnusedSpace, the directory files, one public key and one certificate. */
const FILES = ['5031', '5032', '5033', '4401', '4402', '4403', '4404', '4405', '4d01', '4331'] as const;
const KINDS: readonly [Kind, Kind] = ['plain', 'nidel'];
const ROUNDS = 150;
/** 64 files of a few commands each, and what a flow does beside reading. */
const MAX_EXCHANGES = 1_100;

type Change = (content: Uint8Array) => Uint8Array;

/** The card with one file otherwise; the file keeps its length where it can, as a card's would. */
function withFile(state: EidCardState, name: string, change: Change): EidCardState {
  const path = `${APPLICATION}${name}`;
  const file = state.files[path];
  if (file?.kind !== 'working') throw new RangeError(`there is no file ${path}`);
  const before = new Uint8Array(Buffer.from(file.content, 'base64'));
  const content = Buffer.from(change(before)).toString('base64');
  return { ...state, files: { ...state.files, [path]: { ...file, content } } };
}

/** The same bytes from the start, then those of the file. */
const begins =
  (hex: string): Change =>
  (content) =>
    concat(parseHex(hex), content.subarray(hex.length / 2));

const absolute = (file: string): string => `30${file.length === 4 ? '08' : '0A'}04063F005015${file}`;
const pointer = (tag: string, file: string): string => `${tag}0A${absolute(file)}`;

const NAMED: readonly [string, (typeof FILES)[number], Change][] = [
  ['an empty object directory', '5031', () => new Uint8Array(72)],
  ['an object directory of one byte', '5031', () => Uint8Array.of(0xa4)],
  ['an object directory cut within a pointer', '5031', (content) => content.subarray(0, 17)],
  [
    'an object directory that leads to itself',
    '5031',
    () => parseHex(['A0', 'A1', 'A4', 'A5', 'A8'].map((tag) => pointer(tag, '5031')).join('')),
  ],
  ['an object directory that leads to a certificate', '5031', () => parseHex(pointer('A4', '4331') + pointer('A8', '4401'))],
  ['an object directory that leads nowhere', '5031', () => parseHex(pointer('A4', '7777') + pointer('A8', '7778'))],
  ['an object directory that leads to a private key', '5031', () => parseHex(pointer('A4', '4B01') + pointer('A8', '4401'))],
  [
    'an object directory that leads to a directory',
    '5031',
    () => parseHex('A40830060404' + '3F005015' + 'A80830060404' + '3F005015'),
  ],
  ['an object directory of another class', '5031', begins('BF')],
  ['forty pointers to one directory', '5031', () => parseHex(pointer('A4', '4404').repeat(40))],
  ['directories of private keys that are those of PINs', '5031', () => parseHex(pointer('A0', '4401') + pointer('A8', '4402'))],
  ['no card information', '5032', () => new Uint8Array(100)],
  ['card information of the wrong tag', '5032', begins('31')],
  ['card information with a length over the file', '5032', begins('3084FFFFFFFF')],
  ['card information with an endless length', '5032', begins('3080')],
  ['a directory of PINs with a length over the file', '4401', begins('3083FFFFFF')],
  ['a directory of PINs with an entry cut short', '4401', (content) => content.subarray(0, 50)],
  ['a directory of PINs that are keys', '4401', begins('A0')],
  ['a directory of keys with a length over the file', '4402', begins('3082FFFF')],
  ['a directory of keys cut short', '4402', (content) => content.subarray(0, 30)],
  ['a directory of keys of the wrong tags', '4402', begins('5F2F')],
  ['a directory of certificates cut short', '4404', (content) => content.subarray(0, 20)],
  [
    'a directory of certificates that leads to itself',
    '4404',
    () => parseHex(`302630110C0C4C65676974696D6572696E670301003003040145A10C300A3008${'0406' + '3F0050154404'}`),
  ],
  [
    'a hundred and thirty certificates',
    '4404',
    () => parseHex(`302430110C0C4C65676974696D6572696E670301003003040145A10A30083006040450154331`.repeat(130)),
  ],
  [
    'a certificate that is none',
    '4331',
    () => new TextEncoder().encode('no certificate, and as long as one might be'.repeat(20)),
  ],
  ['a certificate cut short', '4331', (content) => content.subarray(0, 300)],
  ['a certificate with a length over the file', '4331', begins('3083FFFFFF')],
  ['a certificate of nothing but filling', '4331', (content) => new Uint8Array(content.length).fill(0xff)],
  ['a certificate of one byte', '4331', () => Uint8Array.of(0x30)],
  ['a public key that is none', '4d01', begins('0102030405')],
];

function randomChange(random: SeededRandom): Change {
  return (content) => {
    const end = content.findLastIndex((byte) => byte !== 0x00 && byte !== 0xff) + 1;
    const damaged = random.damage(content.slice(0, Math.max(end, 1)));
    return damaged.length >= content.length ? damaged : concat(damaged, content.subarray(damaged.length));
  };
}

async function expectOrderly(state: EidCardState, flow: ReturnType<typeof flowsOf>[number]): Promise<void> {
  const desk = new EidDesk({ card: { state } });
  let exchanges = 0;
  const error: unknown = await desk.transact(flow.run, { onExchange: () => exchanges++ }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error !== undefined && !(error instanceof CardError))
    throw new TypeError(`an error that is none of ours, ${flow.name}: ${inspect(error)}`, { cause: error });
  expect(exchanges, flow.name).toBeLessThanOrEqual(MAX_EXCHANGES);
}

describe('every flow on an eID card with', () => {
  it.each(NAMED)('%s ends in a card error, or goes through, within bounds', async (_, name, change) => {
    for (const kind of KINDS)
      for (const flow of flowsOf(kind)) await expectOrderly(withFile(FLOW_CARD[kind], name, change), flow);
  });

  it('any file damaged ends in a card error, or goes through, within bounds', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await forSeeds({ first: 1, rounds: ROUNDS }, async (random) => {
      const kind = random.pick(KINDS);
      const [first, ...others] = flowsOf(kind);
      if (!first) throw new RangeError('there are no flows');
      await expectOrderly(withFile(FLOW_CARD[kind], random.pick(FILES), randomChange(random)), random.pick([first, ...others]));
    });
  });
});

describe('over the API', () => {
  /** What a card's own mistakes may answer. */
  const CLEAR = ['ok', 'card_data_invalid', 'card_refused', 'card_unsupported', 'object_not_found', 'key_not_found'];
  const GOOD = createEidCard({ persona: 'david' });

  it('a card with wrong directories answers clearly and stays as it was, and the next card is read', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const api = await bench.socket();
    const good = await bench.insert(GOOD, 1);
    const outcomes = new Set<string>();
    for (const [what, name, change] of NAMED) {
      const card = new WatchedCard(createEidCard({ state: withFile(FLOW_CARD.plain, name, change) }));
      const before = stateOfEid(card);
      const id = await bench.insert(card);
      const read = outcomeOf(await api.call('card.read', { card: id }));
      expect(CLEAR, `${what}: ${read}`).toContain(read);
      outcomes.add(read);
      const listed = outcomeOf(await api.call('certificate.list', { card: id }));
      expect(listed, what).toBe(read);
      expect(stateOfEid(card), what).toEqual(before);
      expect(resultOf(await api.call('card.read', { card: good })).certificates).toHaveLength(4);
      bench.reader().remove();
    }
    expect(outcomes).toContain('ok');
    expect(outcomes).toContain('card_data_invalid');
    expect(resultOf(await api.call('system.health', {})).status).toBe('ok');
  });

  it('a certificate that is none is given out as it is, and not parsed', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const state = withFile(FLOW_CARD.plain, '4331', (content) => content.subarray(0, 300));
    const id = await bench.insert(createEidCard({ state }));
    const { certificates, keys } = resultOf(await api.call('card.read', { card: id }));
    expect(certificates[0]).toMatchObject({ keyReference: '45' });
    expect(certificates[0]).not.toHaveProperty('parsed');
    expect(keys).toHaveLength(2);
  });
});
