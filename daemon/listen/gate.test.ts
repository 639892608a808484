import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownUser } from '../access/local-user.ts';
import { parseOrigin } from '../access/origin.ts';
import { ApiError } from '../errors.ts';
import { Gate, type OriginAccess } from './gate.ts';

const TOKEN = 'the-right-token';
const GRANTED = 'https://granted.example';
const PAGE_TOKEN = 'the-token-of-the-page';
const claimed = new Set<string>();
/** One origin has a grant of the user that this runs as. */
const access: OriginAccess = {
  parse: (text) => {
    const parsed = parseOrigin(text);
    if ('refusal' in parsed) throw new ApiError('origin_refused', parsed.refusal);
    return parsed.origin;
  },
  knows: (origin) => origin === GRANTED,
  scopesOf: ({ origin }) => new Set(origin === GRANTED ? ['card.read' as const] : []),
  acceptsToken: (token, { origin, user }) => token === PAGE_TOKEN && origin === GRANTED && user === ownUser(),
  claimToken: (token, holder) => access.acceptsToken(token, holder) && !claimed.has(token) && claimed.add(token).has(token),
};
const gate = new Gate(27_150, TOKEN, access);

/** Our end of a connection that really is one: the gate asks the kernel whose the other end is. */
let server: Server;
let client: Socket;
let socket: Socket;
beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [socket] = (await once(server, 'connection')) as [Socket];
});
afterAll(() => {
  client.destroy();
  socket.destroy();
  server.close();
});

/** As Node hands a request over: names and values in turn, repeated ones too. */
function requestWith(headers: readonly (readonly [string, string])[], url = '/v1/system/info', method = 'GET'): IncomingMessage {
  const table = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { url, method, socket, headers: table, rawHeaders: headers.flat() } as unknown as IncomingMessage;
}

const host = ['Host', '127.0.0.1:27150'] as const;
const token = ['Authorization', `Bearer ${TOKEN}`] as const;

function outcome(headers: readonly (readonly [string, string])[], url?: string, method?: string): string {
  try {
    gate.check(requestWith(headers, url, method));
    return 'ok';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

describe('the gate', () => {
  it.each(['127.0.0.1:27150', 'localhost:27150', '[::1]:27150', 'LocalHost:27150'])('knows itself as %s', (name) => {
    expect(outcome([['Host', name], token])).toBe('ok');
  });

  it('looks at Host, then Origin, then the target, then the token', () => {
    const origin = ['Origin', 'https://a.example'] as const;
    expect(outcome([['Host', 'a.example'], origin], 'http://x/')).toBe('host_refused');
    expect(outcome([host, origin], 'http://x/')).toBe('origin_refused');
    expect(outcome([host], 'http://x/')).toBe('invalid_request');
    expect(outcome([host])).toBe('unauthorized');
    expect(outcome([host, token])).toBe('ok');
  });

  it.each(['origin', 'ORIGIN', 'Origin'])('refuses the header %s with any value', (name) => {
    for (const value of ['', 'null', 'http://127.0.0.1:27150'])
      expect(outcome([host, token, [name, value]])).toBe('origin_refused');
  });

  it('counts repeated headers that Node would join or drop', () => {
    expect(outcome([host, host, token])).toBe('host_refused');
    expect(outcome([host, token, token])).toBe('unauthorized');
    expect(outcome([host, token, ['authorization', 'Bearer other']])).toBe('unauthorized');
  });

  it.each([
    ['Authorization', `bearer ${TOKEN}`, 'ok'],
    ['Authorization', `Bearer  ${TOKEN}`, 'unauthorized'],
    ['Authorization', TOKEN, 'unauthorized'],
    ['Authorization', 'Bearer ', 'unauthorized'],
    ['Authorization', `Bearer ${TOKEN.slice(1)}`, 'unauthorized'],
    ['Sec-WebSocket-Protocol', `kortd.v1, kortd.token.${TOKEN}`, 'ok'],
    ['Sec-WebSocket-Protocol', `kortd.token.${TOKEN},kortd.v1`, 'ok'],
    ['Sec-WebSocket-Protocol', 'kortd.v1', 'unauthorized'],
    ['Sec-WebSocket-Protocol', `kortd.token.wrong, kortd.token.${TOKEN}`, 'unauthorized'],
  ])('%s: %s is %s', (name, value, expected) => {
    expect(outcome([host, [name, value]])).toBe(expected);
  });

  it('lets a web origin in with a grant and a token of its own, and with the scopes of the grant', () => {
    const page = [host, ['Origin', GRANTED] as const];
    expect(outcome(page)).toBe('unauthorized');
    expect(outcome([...page, token])).toBe('unauthorized');
    const admission = gate.check(requestWith([...page, ['Authorization', `Bearer ${PAGE_TOKEN}`]]));
    expect(admission).toMatchObject({ kind: 'web', origin: GRANTED, user: ownUser() });
    expect(admission.kind === 'web' && admission.scopes()).toEqual(new Set(['card.read', 'access.request']));
    expect(outcome([host, ['Origin', 'https://other.example'], ['Authorization', `Bearer ${PAGE_TOKEN}`]])).toBe(
      'origin_refused',
    );
    expect(outcome([host, ['Authorization', `Bearer ${PAGE_TOKEN}`]])).toBe('unauthorized');
  });

  it('lets an origin without a grant ask for access, and do nothing else', () => {
    const stranger = [host, ['Origin', 'https://stranger.example'] as const];
    const admission = gate.check(requestWith(stranger, '/v1/access/request', 'POST'));
    expect(admission).toMatchObject({ kind: 'web', origin: 'https://stranger.example' });
    expect(admission.kind === 'web' && admission.scopes()).toEqual(new Set(['access.request']));
    expect(outcome(stranger, '/v1/access/request')).toBe('unauthorized'); // not by POST
    expect(outcome(stranger, '/v1/access/request?x')).toBe('origin_refused');
    expect(outcome(stranger)).toBe('origin_refused');
  });

  it('refuses two Origin headers, also of a granted origin', () => {
    expect(outcome([host, ['Origin', GRANTED], ['Origin', GRANTED], ['Authorization', `Bearer ${PAGE_TOKEN}`]])).toBe(
      'origin_refused',
    );
  });

  it('answers a preflight for a granted origin, and for a stranger only where access is asked for', () => {
    const ask = (origin: string, url?: string): string | undefined =>
      gate.checkPreflight(requestWith([host, ['Origin', origin], ['Access-Control-Request-Method', 'POST']], url));
    expect(ask(GRANTED)).toBe(GRANTED);
    expect(ask('https://stranger.example', '/v1/access/request')).toBe('https://stranger.example');
    expect(() => ask('https://stranger.example')).toThrow(expect.objectContaining({ code: 'origin_refused' }) as Error);
    expect(() => ask('null', '/v1/access/request')).toThrow(expect.objectContaining({ code: 'origin_refused' }) as Error);
    expect(gate.checkPreflight(requestWith([host, ['Origin', GRANTED]]))).toBeUndefined();
  });

  it('lets a page open one WebSocket with a token', () => {
    const upgrade = [host, ['Origin', GRANTED], ['Upgrade', 'websocket'], ['Authorization', `Bearer ${PAGE_TOKEN}`]] as const;
    expect([outcome(upgrade), outcome(upgrade)]).toEqual(['ok', 'unauthorized']);
  });

  it.each([
    ['a page of the same origin, which there is none', 'same-origin', 'cors', true],
    ['a navigation of a page', 'cross-site', 'navigate', true],
    ['the address bar', 'none', 'navigate', false],
    ['a call without Origin', 'cross-site', 'no-cors', false],
  ])('refuses a browser that says that it comes from %s', (_, site, mode, hasOrigin) => {
    const headers = [host, ['Sec-Fetch-Site', site], ['Sec-Fetch-Mode', mode], token] as const;
    expect(outcome(hasOrigin ? [...headers, ['Origin', GRANTED]] : headers)).toBe('origin_refused');
  });

  it('looks at the content type before the token', () => {
    const post = (...headers: (readonly [string, string])[]): string => outcome([host, ...headers], '/v1/pins/verify', 'POST');
    expect(post(['Content-Length', '2'], ['Content-Type', 'text/plain'])).toBe('invalid_request');
    expect(post(['Transfer-Encoding', 'chunked'])).toBe('invalid_request');
    expect(post(['Content-Length', '2'], ['Content-Type', 'application/json'], ['Content-Type', 'text/plain'])).toBe(
      'invalid_request',
    );
    expect(post(['Content-Length', '2'], ['Content-Type', 'application/json; charset=utf-8'])).toBe('unauthorized');
    expect(post(token)).toBe('ok');
  });
});
