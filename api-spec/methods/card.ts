import Type from 'typebox';
import { CARD_ERRORS } from '../errors.ts';
import { Identity } from '../identity.ts';
import { defineMethod } from '../method.ts';
import { Card, CardTarget, Certificate, Closed, Hex, Key, LeaseParam, Pin, cardParams } from '../schemas.ts';

export const cardMethods = {
  'card.lease': defineMethod({
    summary: 'Keep a card for several calls: until the lease ends, only calls that name it reach the card.',
    attempt: { en: 'Leasing the card', sv: 'Att låna kortet' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'POST', path: '/v1/cards/lease' },
    params: Closed({
      card: CardTarget,
      purpose: Type.Optional(Type.String({ maxLength: 120, description: 'Shown to whoever finds the card busy.' })),
      durationMs: Type.Optional(
        Type.Integer({ minimum: 100, maximum: 60_000, description: 'Default 15,000. Leasing again with `lease` extends.' }),
      ),
      lease: LeaseParam,
    }),
    result: Closed({
      lease: Type.String(),
      card: Type.String(),
      fence: Type.Integer({ description: 'Grows with each lease of this card.' }),
      expiresAt: Type.String({ description: 'ISO 8601, UTC.' }),
    }),
    errors: CARD_ERRORS,
  }),
  'card.list': defineMethod({
    summary: 'Every card in a reader.',
    attempt: { en: 'Listing the cards', sv: 'Att lista korten' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'GET', path: '/v1/cards' },
    params: Closed({}),
    result: Closed({ cards: Type.Array(Card) }),
    errors: [],
  }),
  'card.read': defineMethod({
    summary: 'What a card is and holds: PINs with their tries, keys, certificates, and who they say its holder is.',
    attempt: { en: 'Reading the card', sv: 'Att läsa kortet' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'POST', path: '/v1/cards/read' },
    params: Closed({
      ...cardParams,
      refresh: Type.Optional(
        Type.Boolean({ description: 'Read everything from the card again, also what is known since it was put in.' }),
      ),
    }),
    result: Closed({
      card: Card,
      pins: Type.Array(Pin),
      keys: Type.Array(Key),
      certificates: Type.Array(Certificate),
      identity: Type.Optional(Identity),
    }),
    errors: CARD_ERRORS,
  }),
  'card.release': defineMethod({
    summary: 'Give a lease back.',
    attempt: { en: 'Giving the card back', sv: 'Att lämna tillbaka kortet' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'POST', path: '/v1/cards/release' },
    params: Closed({ lease: Type.String({ minLength: 1, maxLength: 64 }) }),
    result: Closed({}),
    errors: ['lease_invalid'],
  }),
  'card.transmit': defineMethod({
    summary: 'Send raw command APDUs, all in one transaction. The card is reset afterwards when one of them carried a PIN.',
    attempt: { en: 'Sending commands to the card', sv: 'Att skicka kommandon till kortet' },
    since: 1,
    scope: 'card.transmit',
    rest: { verb: 'POST', path: '/v1/cards/transmit' },
    params: Closed({
      ...cardParams,
      commands: Type.Array(Hex('Command APDU, 4 bytes or more.', 65_544), { minItems: 1, maxItems: 64 }),
    }),
    result: Closed({
      responses: Type.Array(
        Closed({
          data: Type.String({ description: 'Hexadecimal.' }),
          statusWord: Type.String({ description: 'SW1 SW2, four hexadecimal digits.' }),
        }),
      ),
    }),
    errors: CARD_ERRORS,
  }),
};
