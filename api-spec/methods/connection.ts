/** Calls about the WebSocket itself: which version it speaks, which events it gets, which of its calls are given up. */
import Type from 'typebox';
import { EVENT_NAMES } from '../events.ts';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';

export const connectionMethods = {
  'call.cancel': defineMethod({
    summary: 'Give up a call of this connection. It ends with call_cancelled, unless it was done already.',
    attempt: { en: 'Cancelling a call', sv: 'Att avbryta ett anrop' },
    since: 1,
    params: Closed({
      id: Type.Union([Type.String({ maxLength: 128 }), Type.Number()], { description: 'The JSON-RPC id of the call.' }),
    }),
    result: Closed({ cancelled: Type.Boolean({ description: 'False when no such call was under way.' }) }),
    errors: [],
  }),
  'event.subscribe': defineMethod({
    summary: 'Get events on this connection, in place of an earlier subscription.',
    attempt: { en: 'Subscribing to events', sv: 'Att prenumerera på händelser' },
    since: 1,
    params: Closed({
      events: Type.Optional(Type.Array(Type.Enum(EVENT_NAMES), { maxItems: 64, description: 'All when left out.' })),
      since: Type.Optional(
        Type.Integer({ minimum: 0, description: 'Replay what came after this sequence number; a gap notice says what is lost.' }),
      ),
      stream: Type.Optional(
        Type.String({ maxLength: 64, description: 'The stream that `since` belongs to, from the greeting. Another one: a gap.' }),
      ),
    }),
    result: Closed({ stream: Type.String(), sequence: Type.Integer({ description: 'Of the latest event.' }) }),
    errors: [],
  }),
  'event.unsubscribe': defineMethod({
    summary: 'Get no more events on this connection.',
    attempt: { en: 'Ending the subscription', sv: 'Att avsluta prenumerationen' },
    since: 1,
    params: Closed({}),
    result: Closed({}),
    errors: [],
  }),
  'version.select': defineMethod({
    summary: 'Choose the API version that this connection speaks; the highest unless chosen.',
    attempt: { en: 'Choosing the API version', sv: 'Att välja API-version' },
    since: 1,
    params: Closed({ apiVersion: Type.Integer() }),
    result: Closed({ apiVersion: Type.Integer() }),
    errors: ['version_unsupported'],
  }),
};
