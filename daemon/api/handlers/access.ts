import { WEB_SCOPES } from '../../access/policy.ts';
import { ApiError } from '../../errors.ts';
import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

type AccessMethods = 'access.approve' | 'access.deny' | 'access.list' | 'access.request' | 'access.revoke';

export function accessHandlers({ access }: HandlerContext): Pick<Handlers, AccessMethods> {
  return {
    'access.approve': ({ code }, call) => {
      const { origin, scopes } = access.decide(code, true);
      call.subject = { purpose: `${origin}: ${scopes.join(' ')}` };
      return { origin, scopes: [...scopes] };
    },
    'access.deny': ({ code }, call) => {
      const { origin } = access.decide(code, false);
      call.subject = { purpose: origin };
      return { origin };
    },
    'access.list': () => {
      const { grants, requests } = access.list();
      return {
        grants: grants.map(({ origin, user, scopes, source, ...times }) => ({
          origin,
          ...(user === undefined ? {} : { user }),
          scopes: [...scopes],
          source,
          ...described(times),
        })),
        requests: requests.map(({ code, origin, user, scopes, reason, requestedAt }) => ({
          code,
          origin,
          user,
          scopes: [...scopes],
          requestedAt: new Date(requestedAt).toISOString(),
          ...(reason === undefined ? {} : { reason }),
        })),
      };
    },
    'access.request': async ({ scopes, reason, code }, call) => {
      const { origin, user } = call.caller;
      if (origin === undefined) {
        const problem = 'only a web origin asks for access; a native program has the token';
        throw new ApiError('invalid_request', `requesting access: ${problem}`, { problem });
      }
      const refused = scopes.find((scope) => !WEB_SCOPES.includes(scope));
      if (refused)
        throw new ApiError('scope_not_for_web', `requesting access: no web origin can hold ${refused}`, { scope: refused });
      const granted = await access.request({ origin, user, scopes, reason, code }, call.signal);
      return { ...granted, scopes: [...granted.scopes] };
    },
    'access.revoke': ({ origin }, call) => {
      call.subject = { purpose: origin };
      access.revoke(origin);
      return {};
    },
  };
}

type Times = Readonly<Record<'grantedAt' | 'expiresAt' | 'lastUsedAt', number | undefined>>;

/** Times as the API gives them; what is not known is left out. */
function described(times: Times): Partial<Record<keyof Times, string>> {
  return Object.fromEntries(
    Object.entries(times).flatMap(([name, time]) => (time === undefined ? [] : [[name, new Date(time).toISOString()]])),
  );
}
