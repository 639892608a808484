import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../../../api-spec/versions.ts';
import { MAX_TIMEOUT_MS } from '../../../api-spec/method.ts';
import { describeReader } from '../../desk/describe.ts';
import { MAX_LEASE_MS } from '../../desk/leases.ts';
import { MAX_WAITING } from '../../desk/desk.ts';
import { PRODUCT, VERSION } from '../../version.ts';
import type { Handlers } from '../call.ts';
import { REPLAY_EVENTS } from '../event-log.ts';
import { BATCH_CALLS, CALLS_PER_CLIENT, MESSAGE_BYTES } from '../limits.ts';
import type { HandlerContext } from './context.ts';

export function systemHandlers(context: HandlerContext): Pick<Handlers, 'system.info' | 'system.health' | 'reader.list'> {
  const info = {
    product: PRODUCT,
    version: VERSION,
    apiVersion: { lowest: LOWEST_API_VERSION, highest: HIGHEST_API_VERSION },
    stream: context.events.stream,
    simulated: context.simulated,
    platform: `${process.platform}-${process.arch}`,
    limits: {
      messageBytes: MESSAGE_BYTES,
      batchCalls: BATCH_CALLS,
      callsPerClient: CALLS_PER_CLIENT,
      callsPerReader: MAX_WAITING,
      replayEvents: REPLAY_EVENTS,
      leaseMs: MAX_LEASE_MS,
      timeoutMs: MAX_TIMEOUT_MS,
    },
  };
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
      return {
        status: sources.every((source) => source.available) ? 'ok' : 'degraded',
        sources,
        readers: context.desk.readers.length,
        cards: context.desk.cards.length,
        clients: context.clients(),
        callsUnderWay: context.callsUnderWay(),
        uptimeMs: Date.now() - context.startedAt.getTime(),
        residentBytes: process.memoryUsage.rss(),
      };
    },
    'reader.list': () => ({ readers: context.desk.readers.map(describeReader) }),
  };
}
