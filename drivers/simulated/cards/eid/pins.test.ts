import { describe, expect, it } from 'vitest';
import type { EidCardOptions } from '../eid.ts';
import { CardUnderTest, pinBlock } from './testing.ts';

const RIGHT = pinBlock('123456');
const WRONG = pinBlock('000000');
const SIGNING = pinBlock('654321');
const PUK = pinBlock('12345678');
const NEW = pinBlock('24681357');

function ready(options: EidCardOptions = {}): CardUnderTest {
  return new CardUnderTest({ persona: 'anna', ...options }).select();
}

function block(card: CardUnderTest): void {
  for (const answer of ['63c2', '63c1', '63c0', '6983']) expect(card.send(`0020000108${WRONG}`)).toBe(answer);
}

describe('VERIFY', () => {
  it('counts each PIN down on its own, and fills the counter up again', () => {
    const card = ready();
    expect(card.send('00200001')).toBe('63c3');
    expect(card.send(`0020000108${WRONG}`)).toBe('63c2');
    expect(card.send('00200002')).toBe('63c3');
    expect(card.send(`0020000108${RIGHT}`)).toBe('9000');
    expect(card.send('00200001')).toBe('9000');
    expect(card.send('00200002')).toBe('63c3');
    expect(card.send('0020ff01')).toBe('9000');
    expect(card.send('00200001')).toBe('63c3');
  });

  it('takes away what was verified when it is wrong', () => {
    const card = ready();
    card.send(`0020000108${RIGHT}`);
    expect(card.send(`0020000108${WRONG}`)).toBe('63c2');
    expect(card.send('00200001')).toBe('63c2');
  });

  it('blocks after the last try, which it tells', () => {
    const card = ready();
    block(card);
    expect(card.send(`0020000108${RIGHT}`)).toBe('6983');
    expect(card.send('00200001')).toBe('6983');
    expect(card.send(`0020000208${SIGNING}`)).toBe('9000');
  });

  it('uses no try for a block of another length, nor for parameters and references that there are not', () => {
    const card = ready();
    expect(card.send('0020000106313233343536')).toBe('6700');
    expect(card.send(`002000010a${RIGHT}0000`)).toBe('6700');
    expect(card.send(`0020010108${RIGHT}`)).toBe('6a86');
    expect(card.send(`0020ff0108${RIGHT}`)).toBe('6a87');
    for (const reference of ['00', '04', '81']) expect(card.send(`002000${reference}08${RIGHT}`)).toBe('6a88');
    expect(card.send('00200001')).toBe('63c3');
  });

  it('says at most 15 tries', () => {
    expect(ready({ pinAttempts: { legitimering: 20 } }).send('00200001')).toBe('63cf');
  });

  it('wants the padding of the card, and takes a PIN of eight digits', () => {
    const card = ready({ profile: 'myeid', pins: { underskrift: '12345678' } });
    expect(card.send(`0020000108${RIGHT}`)).toBe('63c2');
    expect(card.send(`0020000108${pinBlock('123456', 'ff')}`)).toBe('9000');
    expect(card.send(`0020000208${pinBlock('12345678')}`)).toBe('9000');
  });

  it('knows the PINs of the plain card as specific to its DF', () => {
    const card = ready({ persona: 'cecilia' });
    expect(card.send(`0020000108${RIGHT}`)).toBe('6a88');
    expect(card.send(`0020008108${RIGHT}`)).toBe('9000');
  });
});

describe('CHANGE REFERENCE DATA', () => {
  it('puts a new PIN in the place of the old one, and verifies it', () => {
    const card = ready();
    expect(card.send(`0024000110${RIGHT}${NEW}`)).toBe('9000');
    expect(card.send('00200001')).toBe('9000');
    expect(card.send(`0020000108${RIGHT}`)).toBe('63c2');
    expect(card.send(`0020000108${NEW}`)).toBe('9000');
  });

  it('takes a try for a wrong old PIN, and none for a bad new one', () => {
    const card = ready();
    expect(card.send(`0024000110${WRONG}${NEW}`)).toBe('63c2');
    for (const bad of [pinBlock('12345'), pinBlock('12345a'), '3132330034353600', pinBlock('123456', 'ff')])
      expect(card.send(`0024000110${RIGHT}${bad}`), bad).toBe('6a80');
    expect(card.send(`0024000108${RIGHT}`)).toBe('6700');
    expect(card.send('00200001')).toBe('63c2');
    block(ready());
  });

  it('is not for a blocked PIN, the PUK, or another way of changing', () => {
    const card = ready();
    expect(card.send(`0024000310${PUK}${NEW}`)).toBe('6985');
    expect(card.send(`0024010108${NEW}`)).toBe('6a86');
    expect(card.send(`0024000910${RIGHT}${NEW}`)).toBe('6a88');
    block(card);
    expect(card.send(`0024000110${RIGHT}${NEW}`)).toBe('6983');
  });
});

describe('RESET RETRY COUNTER', () => {
  it('gives a blocked PIN a new value for the PUK, and does not verify it', () => {
    const card = ready();
    block(card);
    expect(card.send(`002c000110${PUK}${NEW}`)).toBe('9000');
    expect(card.send('00200001')).toBe('63c3');
    expect(card.send(`0020000108${NEW}`)).toBe('9000');
  });

  it('fills the counter alone where no new PIN is given', () => {
    const card = ready();
    block(card);
    expect(card.send(`002c010108${PUK}`)).toBe('9000');
    expect(card.send(`0020000108${RIGHT}`)).toBe('9000');
  });

  it('lets a PUK that was verified do it once', () => {
    const card = ready();
    block(card);
    expect(card.send(`002c020108${NEW}`)).toBe('6985');
    expect(card.send('002c0301')).toBe('6985');
    expect(card.send(`0020000308${PUK}`)).toBe('9000');
    expect(card.send(`002c020108${NEW}`)).toBe('9000');
    expect(card.send('002c0301')).toBe('6985');
    expect(card.send(`0020000308${PUK}`)).toBe('9000');
    expect(card.send('002c0301')).toBe('9000');
    expect(card.send(`0020000108${NEW}`)).toBe('9000');
  });

  it('counts wrong PUKs down to the end of the card', () => {
    const card = ready();
    block(card);
    for (let left = 9; left >= 0; left--) expect(card.send(`002c000110${WRONG}${NEW}`)).toBe(`63c${left.toString(16)}`);
    expect(card.send(`002c000110${PUK}${NEW}`)).toBe('6983');
    expect(card.send('00200003')).toBe('6983');
  });

  it('takes no try for a new PIN that is none, nor for lengths, parameters and references', () => {
    const card = ready();
    expect(card.send(`002c000110${WRONG}${pinBlock('1')}`)).toBe('6a80');
    expect(card.send(`002c000108${PUK}`)).toBe('6700');
    expect(card.send(`002c010110${PUK}${NEW}`)).toBe('6700');
    expect(card.send(`002c040110${PUK}${NEW}`)).toBe('6a86');
    expect(card.send(`002c000510${PUK}${NEW}`)).toBe('6a88');
    expect(card.send(`002c000310${PUK}${NEW}`)).toBe('6985');
    expect(card.send('00200003')).toBe('63ca');
  });
});
