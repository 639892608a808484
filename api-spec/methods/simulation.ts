/** simulation.*: the hands at a simulated desk. On real readers a person moves the cards, and none of this is there. */
import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed, Id, RoleName } from '../schemas.ts';

const CardName = Type.String({ minLength: 1, maxLength: 100, description: 'As the scenario calls it.' });

const SimulatedDesk = Closed({
  readers: Type.Array(
    Closed({
      reader: Id('reader'),
      name: Type.String(),
      role: Type.Optional(RoleName),
      card: Type.Optional(CardName),
      isOccupied: Type.Boolean({ description: 'A card is in it: also one that the scenario does not name.' }),
    }),
  ),
  cards: Type.Array(
    Closed({
      card: CardName,
      holder: Type.Optional(Type.String({ description: 'Whose it is.' })),
      note: Type.Optional(Closed({ en: Type.String(), sv: Type.String() }, 'What it is, for people.')),
      reader: Type.Optional(Id('reader')),
    }),
  ),
});

const common = { since: 1, scope: 'simulation' as const, result: SimulatedDesk };

const PadAct = Type.Enum(['write', 'accept', 'clear', 'cancel', 'pull', 'plug'] as const, {
  description: 'write: a name; accept, clear, cancel: a tap on that button; pull, plug: the cable.',
});

export const simulationMethods = {
  'simulation.insertCard': defineMethod({
    summary:
      'Put a card of the scenario into a reader of the simulated desk. It leaves the reader that it was in, and so does the card that was there.',
    attempt: { en: 'Putting the simulated card in', sv: 'Att sätta i det simulerade kortet' },
    ...common,
    rest: { verb: 'POST', path: '/v1/simulation/insertcard' },
    params: Closed({ reader: Id('reader'), card: CardName }),
    errors: ['not_found', 'not_simulated'],
  }),
  'simulation.list': defineMethod({
    summary: 'The readers of the simulated desk, and every card of the scenario: those in a reader and those beside.',
    attempt: { en: 'Looking at the simulated desk', sv: 'Att se på det simulerade bordet' },
    ...common,
    rest: { verb: 'GET', path: '/v1/simulation' },
    params: Closed({}),
    errors: ['not_simulated'],
  }),
  'simulation.removeCard': defineMethod({
    summary: 'Take the card out of a reader of the simulated desk, whatever is under way. Nothing happens to an empty one.',
    attempt: { en: 'Taking the simulated card out', sv: 'Att ta ut det simulerade kortet' },
    ...common,
    rest: { verb: 'POST', path: '/v1/simulation/removecard' },
    params: Closed({ reader: Id('reader') }),
    errors: ['not_found', 'not_simulated'],
  }),
  'simulation.usePad': defineMethod({
    summary:
      'Be the person at a pad of the simulated desk: write, tap a button, pull the cable. What is written is nobody’s hand.',
    attempt: { en: 'Using the simulated pad', sv: 'Att använda den simulerade plattan' },
    since: 1,
    scope: 'simulation',
    rest: { verb: 'POST', path: '/v1/simulation/usepad' },
    params: Closed({
      pad: Type.String({ minLength: 1, maxLength: 100, description: 'Serial number, as the scenario calls it.' }),
      act: PadAct,
      seed: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Another name for each number. Default: 1.' }),
      ),
      samples: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000, description: 'Length of the name. Default: 300.' })),
    }),
    result: Closed({ pads: Type.Array(Closed({ pad: Type.String(), model: Type.String(), isPlugged: Type.Boolean() })) }),
    errors: ['not_found', 'not_simulated'],
  }),
} as const;
