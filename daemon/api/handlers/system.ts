import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../../../api-spec/versions.ts';
import { MAX_TIMEOUT_MS } from '../../../api-spec/method.ts';
import type { Result } from '../../../api-spec/methods/index.ts';
import { MAX_LEASE_LIFE_MS, MAX_LEASE_MS } from '../../desk/leases.ts';
import { MAX_WAITING } from '../../desk/desk.ts';
import { PRODUCT, VERSION } from '../../version.ts';
import type { Handlers } from '../call.ts';
import { REPLAY_EVENTS } from '../event-log.ts';
import * as limits from '../limits.ts';
import type { HandlerContext } from './context.ts';
import { describeTrace } from './trace.ts';

type SystemMethods = 'system.acknowledgeDatabase' | 'system.health' | 'system.info' | 'system.reload';

/** Told, and all is well. */
const HARMLESS: ReadonlySet<string> = new Set(['database_discarded', 'restart_needed']);

export function systemHandlers(context: HandlerContext): Pick<Handlers, SystemMethods> {
  // Never changes while this runs, and so is encoded once.
  const info = Object.freeze({
    product: PRODUCT,
    version: VERSION,
    apiVersion: { lowest: LOWEST_API_VERSION, highest: HIGHEST_API_VERSION },
    stream: context.events.stream,
    simulated: context.simulated,
    platform: `${process.platform}-${process.arch}`,
    limits: Object.freeze(limitsInForce()),
  });
  return {
    'system.info': () => info,
    'system.health': () => {
      const sources = context.desk.health.map(({ id, available, since, recoveries, problem }) => ({
        id,
        available,
        since: since.toISOString(),
        recoveries,
        ...(problem === undefined ? {} : { problem }),
      }));
      const problems = [...context.problems()];
      const isWell = sources.every((source) => source.available) && problems.every(({ code }) => HARMLESS.has(code));
      return {
        status: isWell ? 'ok' : 'degraded',
        sources,
        readers: context.desk.readers.length,
        cards: context.desk.cards.length,
        clients: context.clients(),
        callsUnderWay: context.callsUnderWay(),
        uptimeMs: Date.now() - context.startedAt.getTime(),
        residentBytes: process.memoryUsage.rss(),
        problems,
        ...(context.recorder.state ? { trace: describeTrace(context.recorder.state) } : {}),
      };
    },
    'system.acknowledgeDatabase': ({ file }) => context.acknowledgeDatabase(file),
    'system.reload': () => context.reload(),
  };
}

/** As the parts of the daemon go by them. */
export function limitsInForce(): Result<'system.info'>['limits'] {
  return {
    backlogBytes: limits.BACKLOG_BYTES,
    backlogBytesPerClient: limits.BACKLOG_BYTES_PER_CLIENT,
    backlogBytesPerOrigin: limits.BACKLOG_BYTES_PER_ORIGIN,
    batchCalls: limits.BATCH_CALLS,
    callsPerClient: limits.CALLS_PER_CLIENT,
    callsPerOrigin: limits.CALLS_PER_ORIGIN,
    callsPerReader: MAX_WAITING,
    connections: limits.CONNECTIONS,
    connectionsPerOrigin: limits.CONNECTIONS_PER_ORIGIN,
    contentBytes: limits.CONTENT_BYTES,
    contentMs: limits.CONTENT_MS,
    contents: limits.CONTENTS,
    contentsPerOwner: limits.CONTENTS_PER_OWNER,
    eventBacklogBytes: limits.EVENT_BACKLOG_BYTES,
    headerBytes: limits.HEADER_BYTES,
    headerLines: limits.HEADER_LINES,
    headersMs: limits.HEADERS_MS,
    heartbeatMs: limits.HEARTBEAT_MS,
    keepAliveMs: limits.KEEP_ALIVE_MS,
    keptBytes: limits.KEPT_BYTES,
    keptBytesPerOrigin: limits.KEPT_BYTES_PER_ORIGIN,
    leaseLifeMs: MAX_LEASE_LIFE_MS,
    leaseMs: MAX_LEASE_MS,
    messageBurst: limits.MESSAGES_PER_ORIGIN.burst,
    messageBytes: limits.MESSAGE_BYTES,
    messageFragments: limits.MESSAGE_PARTS.maxFragments,
    messagesPerSecond: limits.MESSAGES_PER_ORIGIN.perSecond,
    pipelinedRequests: limits.PIPELINED_REQUESTS,
    replayEvents: REPLAY_EVENTS,
    requestMs: limits.REQUEST_MS,
    stalledMs: limits.STALLED_ANSWER_MS,
    timeoutMs: MAX_TIMEOUT_MS,
    unknownConnections: limits.UNKNOWN_CONNECTIONS,
    unreadBytes: limits.UNREAD_BYTES,
    uploads: limits.UPLOADS,
    uploadsPerOwner: limits.UPLOADS_PER_OWNER,
    webConnections: limits.WEB_CONNECTIONS,
    webSockets: limits.MAX_CLIENTS,
  };
}
