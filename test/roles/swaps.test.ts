/**
 * Two readers, three persons, four cards: whatever lies where, and whatever is swapped at whichever moment of a call, no card but the holder's is used as
 * the holder's. Every call x every arrangement; and every call x every swap x every connection and exchange of the call.
 */
import { createHash, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Bench } from '../api/support.ts';
import { errorOf, eventually, outcomeOf, resultOf } from '../api/support.ts';
import {
  CARD_NAMES,
  PINS,
  Tray,
  certificateOf,
  makeCards,
  openRoleBench,
  personOf,
  prepareDesk,
  wasUsed,
  type CardName,
  type EidCard,
  type RoleDesk,
} from './desk.ts';

const MESSAGE = Buffer.from('a receipt');
const digest = createHash('sha256').update(MESSAGE).digest('base64');
const card = { role: 'holder' };
const ORIGIN = 'https://login.example';

type Params = (desk: RoleDesk) => object;

/** Each way to use a card by its role. */
const STEPS: Readonly<Record<string, Params>> = {
  'card.read': () => ({}),
  'card.lease': () => ({}),
  'card.transmit': () => ({ commands: ['00A4040C0CA000000063504B43532D3135'] }),
  'certificate.list': () => ({}),
  'certificate.request': ({ keyReference }) => ({ keyReference, subject: 'CN=Cecilia', pin: PINS.underskrift }),
  'login.authenticate': () => ({ challenge: Buffer.alloc(33, 5).toString('base64'), origin: ORIGIN, pin: PINS.legitimering }),
  'pin.verify': ({ pinReferences }) => ({ pinReference: pinReferences[0], pin: PINS.legitimering }),
  'sign.digest': ({ keyReference }) => ({ keyReference, algorithm: 'RS256', digest, pin: PINS.underskrift }),
};
const METHODS = Object.keys(STEPS);

/** What is right, by the policy's own words. */
function expected(holder: CardName | undefined, operator: CardName | undefined): string {
  if (!holder) return 'no_card';
  if (personOf(holder) !== 'cecilia') return 'card_not_allowed';
  if (!operator) return 'other_card_needed';
  return personOf(operator) === 'cecilia' ? 'same_person' : 'ok';
}

const PLACES: readonly (CardName | undefined)[] = [undefined, ...CARD_NAMES];
const ARRANGEMENTS = PLACES.flatMap((holder) =>
  PLACES.filter((operator) => operator === undefined || operator !== holder).map((operator) => [holder, operator] as const),
);

async function arrange(bench: Bench, cards: readonly (EidCard | Tray | undefined)[]): Promise<void> {
  for (const index of [0, 1]) bench.reader(index).remove();
  await eventually('the readers to be empty', () => bench.daemon.desk.cards.length === 0);
  for (const [index, one] of cards.entries()) if (one) await bench.insert(one, index);
}

describe.each(METHODS)('%s by role', (method) => {
  it('answers as the rules say for every card in either reader, and uses no other card', async () => {
    await using bench = await openRoleBench();
    const desk = await prepareDesk(bench);
    for (const [holder, operator] of ARRANGEMENTS) {
      const cards = makeCards();
      const where = `holder ${holder ?? 'empty'}, operator ${operator ?? 'empty'}`;
      await arrange(bench, [holder && cards[holder], operator && cards[operator]]);
      const answer = await desk.api.call(method as 'card.read', { card, ...STEPS[method]?.(desk) });
      expect(outcomeOf(answer), where).toBe(expected(holder, operator));
      for (const name of CARD_NAMES) {
        const isRight = name === holder && expected(holder, operator) === 'ok';
        if (!isRight) expect(wasUsed(cards[name]), `${where}: ${name}`).toBe(false);
      }
    }
  });
});

type Cards = Readonly<Record<CardName, EidCard>>;
interface Swap {
  /** Seen by the desk: the cards are taken out and put in. */
  readonly loud: (bench: Bench, cards: Cards) => void;
  /** Not seen: another card lies there, and the reader never said so. */
  readonly silent?: (trays: readonly [Tray, Tray], cards: Cards) => void;
}

const SWAPS: Readonly<Record<string, Swap>> = {
  'the two cards change places': {
    loud: (bench, { anna, cecilia }) => {
      for (const index of [0, 1]) bench.reader(index).remove();
      bench.reader(0).insert(anna);
      bench.reader(1).insert(cecilia);
    },
    silent: ([holder, operator], { anna, cecilia }) => {
      holder.swap(anna);
      operator.swap(cecilia);
    },
  },
  'a third person’s card comes into the holder’s reader': {
    loud: (bench, { bjorn }) => bench.reader(0).insert(bjorn),
    silent: ([holder], { bjorn }) => holder.swap(bjorn),
  },
  'another card of the holder comes into the operator’s reader': {
    loud: (bench, { ceciliaAgain }) => bench.reader(1).insert(ceciliaAgain),
    silent: ([, operator], { ceciliaAgain }) => operator.swap(ceciliaAgain),
  },
  'another card of the holder comes into the holder’s reader': {
    loud: (bench, { ceciliaAgain }) => bench.reader(0).insert(ceciliaAgain),
    silent: ([holder], { ceciliaAgain }) => holder.swap(ceciliaAgain),
  },
  'the operator’s card is taken out': {
    loud: (bench) => void bench.reader(1).remove(),
  },
};

/** Does it before the connection, or the exchange, of this number, counted over both readers; true once it was done. */
function armAt(bench: Bench, at: number, swap: { readonly silent: () => void; readonly loud: () => void }): () => boolean {
  let count = 0;
  let done = false;
  const tick = (act: () => void): void => {
    count++;
    if (count !== at) return;
    done = true;
    act();
  };
  bench.intercept.connect = (connection) => {
    tick(swap.silent);
    return {
      atr: connection.atr,
      supportsExtendedLength: connection.supportsExtendedLength,
      transmit: async (command, options) => {
        tick(swap.loud);
        return await connection.transmit(command, options);
      },
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  };
  return () => done;
}

/** What no swap may bring about. */
function expectNothingWrong(method: string, answer: object, cards: Cards, where: string): void {
  for (const name of CARD_NAMES) if (name !== 'cecilia') expect(wasUsed(cards[name]), `${where}: ${name} was used`).toBe(false);
  const outcome = outcomeOf(answer as never);
  if (outcome !== 'ok') {
    expect(errorOf(answer as never).en, where).toMatch(/\S/);
    expect(['card_not_allowed', 'card_removed', 'no_card', 'other_card_needed', 'same_person'], `${where}: ${outcome}`).toContain(
      outcome,
    );
    return;
  }
  if (method !== 'sign.digest') return;
  const { signature } = resultOf<{ readonly signature: string }>(answer as never);
  const { publicKey } = certificateOf('cecilia', 'underskrift');
  expect(verify('sha256', MESSAGE, publicKey, Buffer.from(signature, 'base64')), where).toBe(true);
}

describe.each(METHODS)('during %s by role', (method) => {
  it.each(Object.entries(SWAPS))('%s at any moment, and no card but the holder’s is used', async (_, swap) => {
    await using bench = await openRoleBench();
    const desk = await prepareDesk(bench);
    let moments = 0;
    for (let at = 1; ; at++) {
      const cards = makeCards();
      const trays = [new Tray(cards.cecilia), new Tray(cards.anna)] as const;
      await arrange(bench, trays);
      const isDone = armAt(bench, at, {
        silent: () => swap.silent?.(trays, cards),
        loud: () => swap.loud(bench, cards),
      });
      const answer = await desk.api.call(method as 'card.read', { card, ...STEPS[method]?.(desk) });
      delete bench.intercept.connect;
      expectNothingWrong(method, answer, cards, `${method}, moment ${at}`);
      // Before the first connection, which is to the operator's card: all that follows meets other cards than those that were looked up.
      if (at === 1 && swap.silent) expect(['card_removed', 'other_card_needed']).toContain(outcomeOf(answer));
      if (!isDone()) {
        expect(outcomeOf(answer)).toBe('ok');
        break;
      }
      moments++;
    }
    // The operator's card and the holder's are each connected to, and each answers.
    expect(moments).toBeGreaterThan(4);
  });
});

describe('between two calls', () => {
  it('a swap of the two cards turns the next call away, whatever came before', async () => {
    await using bench = await openRoleBench();
    const desk = await prepareDesk(bench);
    for (const before of METHODS) {
      for (const after of METHODS) {
        const cards = makeCards();
        await arrange(bench, [cards.cecilia, cards.anna]);
        const first = await desk.api.call(before as 'card.read', { card, ...STEPS[before]?.(desk) });
        const lease = before === 'card.lease' ? { lease: resultOf<{ readonly lease: string }>(first as never).lease } : {};
        for (const one of Object.values(cards)) one.forget();
        await arrange(bench, [cards.anna, cards.cecilia]);
        const answer = await desk.api.call(after as 'card.read', { card, ...STEPS[after]?.(desk), ...lease });
        expect(outcomeOf(answer), `${before}, then ${after}`).toBe(
          before === 'card.lease' ? 'lease_invalid' : 'card_not_allowed',
        );
        for (const name of CARD_NAMES) expect(wasUsed(cards[name]), `${before}, then ${after}: ${name}`).toBe(false);
      }
    }
  });
});
