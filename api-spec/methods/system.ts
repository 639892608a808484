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

/** A file that was refused, a database that was replaced, or what follows from that. */
const HealthProblem = Closed({
  code: Type.String({
    description:
      '`reload_refused`, `policy_refused`, `restart_needed`, `database_replaced`, `database_discarded`, `database_damaged`, `issuance_read_only`, `scanners_refused`. Further ones may come.',
  }),
  file: Type.Optional(Type.String({ description: 'Which file it is about.' })),
  since: Type.Optional(Type.String({ description: 'ISO 8601, UTC.' })),
  en: Type.String({ description: 'What is wrong and what to do, in English.' }),
  sv: Type.String({ description: 'The same in Swedish.' }),
});

export const systemMethods = {
  'system.acknowledgeDatabase': defineMethod({
    summary:
      'Say that the loss of a database is known: a damaged one was moved aside, and a new one has begun. After that of the journal ceremonies are begun again.',
    attempt: { en: 'Acknowledging the loss of a database', sv: 'Att kvittera förlusten av en databas' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/system/acknowledge/database' },
    params: Closed({
      file: Type.Enum(['access.sqlite', 'audit.sqlite', 'issuance.sqlite', 'roles.sqlite', 'wrong-pins.sqlite'] as const),
    }),
    result: Closed({
      movedTo: Type.Array(Type.String(), { description: 'Names of the damaged files in the data folder; they stay there.' }),
      remaining: Type.Array(Type.String(), { description: 'What else waits to be acknowledged.' }),
    }),
    errors: [],
  }),
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
      problems: Type.Array(HealthProblem, {
        description:
          'What an administrator has to see to. Any but `restart_needed` and `database_discarded` makes the status `degraded`.',
      }),
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
    summary:
      'Read the configuration, the policy files and the TLS certificate anew. One file of configuration, policy or scanners that is refused leaves everything as it was. Connections of origins that lost their grant are closed.',
    attempt: { en: 'Reading the configuration', sv: 'Att läsa konfigurationen' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/system/reload' },
    params: Closed({}),
    result: Closed({
      problems: Type.Array(
        Closed({
          file: Type.String(),
          problem: Type.String(),
          line: Type.Optional(Type.Integer()),
          path: Type.Optional(Type.String({ description: 'The option: listen.port.' })),
          sv: Type.Optional(Type.String({ description: 'The problem in Swedish.' })),
        }),
        {
          description:
            'Files that were refused, and why. With one of configuration, policy or scanners among them nothing was applied.',
        },
      ),
      needsRestart: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Options that the file has otherwise than the running daemon, which takes them at its next start.',
        }),
      ),
      tlsPort: Type.Optional(
        Type.Integer({ description: 'Where https and wss are to be had; absent while TLS is not enabled.' }),
      ),
    }),
    errors: [],
  }),
};
