import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';

export const systemMethods = {
  'system.health': defineMethod({
    summary: 'How the service and what it stands on are doing.',
    attempt: { en: 'Reading the state of the service', sv: 'Att läsa tjänstens tillstånd' },
    since: 1,
    scope: 'system',
    rest: { verb: 'GET', path: '/v1/system/health' },
    params: Closed({}),
    result: Closed({
      status: Type.Enum(['ok', 'degraded'] as const),
      sources: Type.Array(
        Closed({
          id: Type.String(),
          available: Type.Boolean(),
          since: Type.String({ description: 'Since when. ISO 8601, UTC.' }),
          recoveries: Type.Integer({ description: 'How often it went away and came back.' }),
          problem: Type.Optional(Type.String()),
        }),
      ),
      readers: Type.Integer(),
      cards: Type.Integer(),
      clients: Type.Integer({ description: 'Open WebSockets.' }),
      callsUnderWay: Type.Integer(),
      uptimeMs: Type.Integer(),
      residentBytes: Type.Integer(),
    }),
    errors: [],
  }),
  'system.info': defineMethod({
    summary: 'Product, versions and limits.',
    attempt: { en: 'Reading about the service', sv: 'Att läsa om tjänsten' },
    since: 1,
    scope: 'system',
    rest: { verb: 'GET', path: '/v1/system/info' },
    params: Closed({}),
    result: Closed({
      product: Type.String(),
      version: Type.String(),
      apiVersion: Closed({ lowest: Type.Integer(), highest: Type.Integer() }),
      stream: Type.String({ description: 'Names this run of the service; event sequence numbers belong to it.' }),
      simulated: Type.Boolean(),
      platform: Type.String(),
      limits: Closed({
        messageBytes: Type.Integer(),
        batchCalls: Type.Integer(),
        callsPerClient: Type.Integer(),
        callsPerReader: Type.Integer(),
        replayEvents: Type.Integer(),
        leaseMs: Type.Integer(),
        timeoutMs: Type.Integer(),
      }),
    }),
    errors: [],
  }),
};
