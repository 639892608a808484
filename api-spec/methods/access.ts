import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed, ScopeName } from '../schemas.ts';
import { ACCESS_CODE } from '../wire.ts';

const Origin = Type.String({ minLength: 1, maxLength: 300, description: 'As browsers write it: https://app.example.' });
const Code = Type.String({ minLength: 1, maxLength: 16, description: 'The short code of the request.' });
const User = Type.String({ description: 'User id of the operating system, in whose browser the page is. Absent: every user.' });
const PendingRequest = Closed({
  code: Type.String(),
  origin: Type.String(),
  user: User,
  scopes: Type.Array(ScopeName),
  reason: Type.Optional(Type.String()),
  requestedAt: Type.String({ description: 'ISO 8601, UTC.' }),
});
const Grant = Closed({
  origin: Type.String(),
  user: Type.Optional(User),
  scopes: Type.Array(ScopeName),
  source: Type.Enum(['consent', 'policy'] as const),
  grantedAt: Type.Optional(Type.String({ description: 'ISO 8601, UTC.' })),
  expiresAt: Type.Optional(Type.String({ description: 'ISO 8601, UTC.' })),
  lastUsedAt: Type.Optional(Type.String({ description: 'ISO 8601, UTC.' })),
});

export const accessMethods = {
  'access.approve': defineMethod({
    summary: 'Consent to a request for access that waits under this code.',
    attempt: { en: 'Granting access', sv: 'Att ge åtkomst' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/access/approve' },
    params: Closed({ code: Code }),
    result: Closed({ origin: Type.String(), scopes: Type.Array(ScopeName) }),
    errors: ['not_found'],
  }),
  'access.deny': defineMethod({
    summary: 'Refuse a request for access. Three refusals silence its origin for ten minutes.',
    attempt: { en: 'Refusing access', sv: 'Att neka åtkomst' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/access/deny' },
    params: Closed({ code: Code }),
    result: Closed({ origin: Type.String() }),
    errors: ['not_found'],
  }),
  'access.list': defineMethod({
    summary: 'Grants in force, and requests that wait for an answer.',
    attempt: { en: 'Listing access', sv: 'Att lista åtkomst' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'GET', path: '/v1/access' },
    params: Closed({}),
    result: Closed({ grants: Type.Array(Grant), requests: Type.Array(PendingRequest) }),
    errors: [],
  }),
  'access.request': defineMethod({
    summary: 'A web app asks for access. Answered at once when its origin has it, else when a person has decided.',
    attempt: { en: 'Requesting access', sv: 'Att begära åtkomst' },
    since: 1,
    scope: 'access.request',
    rest: { verb: 'POST', path: '/v1/access/request' },
    timeoutMs: 120_000,
    params: Closed({
      scopes: Type.Array(ScopeName, { minItems: 1, maxItems: 16 }),
      reason: Type.Optional(Type.String({ maxLength: 200, description: 'Shown to the person.' })),
      code: Type.Optional(
        Type.String({
          pattern: `^[${ACCESS_CODE.alphabet}]{${ACCESS_CODE.length}}$`,
          description: 'Random, and shown on the page: the prompt shows it too. kortd makes one up unless it is given.',
        }),
      ),
    }),
    result: Closed({
      token: Type.String({ description: 'For this origin alone: bearer token, or WebSocket subprotocol `kortd.token.<token>`.' }),
      expiresInMs: Type.Integer(),
      scopes: Type.Array(ScopeName),
    }),
    errors: ['access_denied', 'access_silenced', 'scope_not_for_web'],
  }),
  'access.revoke': defineMethod({
    summary: 'Take access back. Open connections of the origin are closed at once.',
    attempt: { en: 'Revoking access', sv: 'Att återkalla åtkomst' },
    since: 1,
    scope: 'access.manage',
    rest: { verb: 'POST', path: '/v1/access/revoke' },
    params: Closed({ origin: Origin }),
    result: Closed({}),
    errors: ['not_found', 'policy_grant'],
  }),
};
