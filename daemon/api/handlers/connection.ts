import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../../../api-spec/versions.ts';
import { ApiError } from '../../errors.ts';
import type { Call, CallerConnection, Handlers } from '../call.ts';

type ConnectionMethods = 'call.cancel' | 'event.subscribe' | 'event.unsubscribe' | 'version.select';

export function connectionHandlers(): Pick<Handlers, ConnectionMethods> {
  return {
    'call.cancel': ({ id }, call) => ({ cancelled: connectionOf(call).cancel(id) }),
    'event.subscribe': (params, call) => connectionOf(call).subscribe(params),
    'event.unsubscribe': (_, call) => {
      connectionOf(call).unsubscribe();
      return {};
    },
    'version.select': ({ apiVersion }, call) => {
      if (apiVersion < LOWEST_API_VERSION || apiVersion > HIGHEST_API_VERSION) {
        throw new ApiError('version_unsupported', `choosing API version ${apiVersion}`, {
          lowest: LOWEST_API_VERSION,
          highest: HIGHEST_API_VERSION,
        });
      }
      connectionOf(call).selectVersion(apiVersion);
      return { apiVersion };
    },
  };
}

/** The dispatcher lets these methods through on a WebSocket only. */
function connectionOf(call: Call): CallerConnection {
  if (!call.caller.connection) throw new ApiError('method_not_found', `calling ${call.method}: it exists only on a WebSocket`);
  return call.caller.connection;
}
