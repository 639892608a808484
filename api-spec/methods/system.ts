import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed } from '../schemas.ts';
import { LIMITS } from '../wire.ts';
import { RunningTrace } from './trace.ts';

type LimitName = Exclude<keyof typeof LIMITS, 'idempotencyMs'>;

const limit = (name: LimitName): Type.TInteger => Type.Integer({ description: LIMITS[name].summary });

/** Each of LIMITS. */
const Limits = Closed({
  backlogBytes: limit('backlogBytes'),
  backlogBytesPerClient: limit('backlogBytesPerClient'),
  backlogBytesPerOrigin: limit('backlogBytesPerOrigin'),
  batchCalls: limit('batchCalls'),
  callsPerClient: limit('callsPerClient'),
  callsPerOrigin: limit('callsPerOrigin'),
  callsPerReader: limit('callsPerReader'),
  connections: limit('connections'),
  connectionsPerOrigin: limit('connectionsPerOrigin'),
  contentBytes: limit('contentBytes'),
  contentMs: limit('contentMs'),
  contents: limit('contents'),
  contentsPerOwner: limit('contentsPerOwner'),
  eventBacklogBytes: limit('eventBacklogBytes'),
  headerBytes: limit('headerBytes'),
  headerLines: limit('headerLines'),
  headersMs: limit('headersMs'),
  heartbeatMs: limit('heartbeatMs'),
  keepAliveMs: limit('keepAliveMs'),
  keptBytes: limit('keptBytes'),
  keptBytesPerOrigin: limit('keptBytesPerOrigin'),
  leaseLifeMs: limit('leaseLifeMs'),
  leaseMs: limit('leaseMs'),
  messageBurst: limit('messageBurst'),
  messageBytes: limit('messageBytes'),
  messageFragments: limit('messageFragments'),
  messagesPerSecond: limit('messagesPerSecond'),
  pipelinedRequests: limit('pipelinedRequests'),
  replayEvents: limit('replayEvents'),
  requestMs: limit('requestMs'),
  stalledMs: limit('stalledMs'),
  timeoutMs: limit('timeoutMs'),
  unknownConnections: limit('unknownConnections'),
  unreadBytes: limit('unreadBytes'),
  uploads: limit('uploads'),
  uploadsPerOwner: limit('uploadsPerOwner'),
  webConnections: limit('webConnections'),
  webSockets: limit('webSockets'),
} satisfies Record<LimitName, Type.TInteger>);

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
      trace: Type.Optional(RunningTrace),
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
      limits: Limits,
    }),
    errors: [],
  }),
  'system.reload': defineMethod({
    summary: 'Read the policy files and the TLS certificate anew. Connections of origins that lost their grant are closed.',
    attempt: { en: 'Reading the policy', sv: 'Att läsa policyn' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/system/reload' },
    params: Closed({}),
    result: Closed({
      problems: Type.Array(Closed({ file: Type.String(), problem: Type.String() }), {
        description: 'Policy files that were refused whole, and why.',
      }),
      tlsPort: Type.Optional(
        Type.Integer({ description: 'Where https and wss are to be had; absent while TLS is not enabled.' }),
      ),
    }),
    errors: [],
  }),
};
