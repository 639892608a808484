/** Wrong requests: what is no call at all, calls from where none may come, and calls that do not fit their method. Nothing of them reaches a card. */
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { METHODS, METHOD_NAMES, type MethodName } from '../../api-spec/methods/index.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import { BATCH_CALLS, CALLS_PER_CLIENT, MESSAGE_BYTES } from '../../daemon/api/limits.ts';
import {
  PIN,
  RestTransport,
  RpcSocket,
  TRANSPORTS,
  checkError,
  errorInBody,
  errorOf,
  eventually,
  http,
  openBench,
  outcomeOf,
  rawHttp,
  resultOf,
  stateOf,
  watchedPivCard,
  type Bench,
  type RpcMessage,
  type WatchedPivCard,
} from './support.ts';

/** A bench with a card, that must not hear of anything. */
async function openGuardedBench(stack: AsyncDisposableStack): Promise<{ bench: Bench; id: string; card: WatchedPivCard }> {
  const bench = stack.use(await openBench());
  const card = watchedPivCard();
  const id = await bench.insert(card);
  card.forget();
  const before = stateOf(card);
  stack.defer(() => {
    expect(card.commands).toEqual([]);
    expect(stateOf(card)).toEqual(before);
  });
  return { bench, id, card };
}

describe.each(TRANSPORTS)('over %s', (name) => {
  it.each<[string, MethodName, object, string]>([
    ['a missing field', 'pin.verify', {}, 'card'],
    ['another field', 'card.list', { all: true }, 'all'],
    ['a wrong type', 'card.read', { card: 7 }, 'card'],
    ['null', 'card.read', { card: null }, 'card'],
    ['an empty id', 'card.read', { card: '' }, 'card'],
    ['an id that is too long', 'card.read', { card: 'c'.repeat(65) }, 'card'],
    ['a target with two ways', 'card.read', { card: { reader: 'r', id: 'c' } }, 'card'],
    ['a list for an object', 'card.read', { card: ['card'] }, 'card'],
    ['a number for a PIN', 'pin.verify', { card: 'c', pin: 123456 }, 'pin'],
    ['an empty PIN', 'pin.verify', { card: 'c', pin: '' }, 'pin'],
    ['a PIN that is too long', 'pin.verify', { card: 'c', pin: '1'.repeat(65) }, 'pin'],
    ['a reference that is no hexadecimal', 'pin.verify', { card: 'c', pin: PIN, pinReference: 'zz' }, 'pinReference'],
    ['a word for true', 'pin.verify', { card: 'c', pin: PIN, allowLastTry: 'yes' }, 'allowLastTry'],
    [
      'an algorithm that is none',
      'key.generate',
      { card: 'c', keyReference: '9A', algorithm: 'P-521', managementKey: 'default' },
      'algorithm',
    ],
    [
      'an empty management key',
      'key.generate',
      { card: 'c', keyReference: '9A', algorithm: 'P-256', managementKey: '' },
      'managementKey',
    ],
    ['a digest that is no base64', 'sign.digest', { card: 'c', keyReference: '9A', algorithm: 'ES256', digest: 'a*' }, 'digest'],
    ['no commands', 'card.transmit', { card: 'c', commands: [] }, 'commands'],
    ['too many commands', 'card.transmit', { card: 'c', commands: Array.from({ length: 65 }, () => '00A40400') }, 'commands'],
    ['half a byte', 'card.transmit', { card: 'c', commands: ['00A4040'] }, 'commands'],
    ['a lease that is too short', 'card.lease', { card: 'c', durationMs: 99 }, 'durationMs'],
    ['a lease that is too long', 'card.lease', { card: 'c', durationMs: 60_001 }, 'durationMs'],
    ['half a millisecond', 'card.lease', { card: 'c', durationMs: 200.5 }, 'durationMs'],
    [
      'a subject that is too long',
      'certificate.request',
      { card: 'c', keyReference: '9A', subject: `CN=${'a'.repeat(1_025)}` },
      'subject',
    ],
  ])('%s answers invalid_params, and names the field but not its value', async (_, method, params, field) => {
    await using stack = new AsyncDisposableStack();
    const { bench, id } = await openGuardedBench(stack);
    const api = await bench.transport(name);
    const real = 'card' in params && params.card === 'c' ? { ...params, card: id } : params;
    if (name === 'REST' && METHODS[method].rest?.verb === 'GET') return; // has a test of its own
    const error = errorOf(await api.call(method, real));
    expect(error.code).toBe('invalid_params');
    expect(error.details?.['problem']).toContain(field);
    expect(error.en).toContain(field);
    expect(error.sv).toContain(field);
    expect(JSON.stringify(error)).not.toMatch(/123456|111111|aaaa/);
  });

  it('a field called __proto__ is an unknown field like any other', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id } = await openGuardedBench(stack);
    const api = await bench.transport(name);
    const params = JSON.parse(`{"card":"${id}","__proto__":{"pin":"123456"}}`) as object;
    expect(outcomeOf(await api.call('pin.verify', params))).toBe('invalid_params');
  });

  it('parameters that are a list or a word are refused', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    for (const wrong of ['[]', '"card"', '7', 'true']) {
      if (name === 'REST') {
        const { status, text } = await postJson(bench, '/v1/cards/read', wrong);
        expect(status).toBe(400);
        expect(errorInBody(text, 'card.read').code, wrong).toBe('invalid_params');
      } else {
        const api = await bench.socket();
        api.sendText(`{"jsonrpc":"2.0","id":1,"method":"card.read","params":${wrong}}`);
        expectRpcError(await api.answerTo(1), 'invalid_request', -32600);
      }
    }
  });
});

describe('a REST request', () => {
  it.each(METHOD_NAMES.filter((method) => (METHODS[method] as ApiMethod).rest?.verb === 'GET'))(
    '%s takes no query',
    async (method) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const { status, text } = await get(bench, `${METHODS[method].rest?.path ?? ''}?all=1`);
      expect(status).toBe(400);
      expect(errorInBody(text, method)).toMatchObject({
        code: 'invalid_params',
        details: { problem: 'params: unknown field all' },
      });
    },
  );

  it.each([
    ['GET', '/v1/no/such'],
    ['GET', '/'],
    ['GET', '/v1/cards/read'],
    ['DELETE', '/v1/cards'],
    ['HEAD', '/v1/system/info'],
    ['OPTIONS', '/v1/system/info'],
    ['OPTIONS', '*'],
    ['PUT', '/v1/keys/generate'],
    ['GET', '/v1/system/info/'],
    ['GET', '//v1/system/info'],
  ])('%s %s is no call', async (method, path) => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const { status, text } = await http({ port: bench.port, method, path, headers: authorized(bench) });
    if (path === '*') expect(status).toBe(400);
    else expect(status).toBe(404);
    if (method !== 'HEAD') expect(errorInBody(text).code).toBe(path === '*' ? 'invalid_request' : 'method_not_found');
  });

  it.each(['/v1/%zz', '/v1/cards%', '/%c0%af'])(
    "with the broken path %s is refused in the API's own words, and only after the gate",
    async (path) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const { status, text, headers } = await get(bench, path);
      expect(status).toBe(400);
      expect(errorInBody(text).code).toBe('invalid_request');
      expect(headers['cache-control']).toBe('no-store');
      const stranger = await http({ port: bench.port, method: 'GET', path, headers: {} });
      expect(stranger.status).toBe(401);
      expect(errorInBody(stranger.text).code).toBe('unauthorized');
    },
  );

  it.each(['{', '', '{"card":', "{'card':'a'}", '\u0000', '{"card":"a"} {"card":"b"}', 'undefined'])(
    'with the body %j is not JSON',
    async (body) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const { status, text } = await postJson(bench, '/v1/cards/read', body);
      expect(status).toBe(400);
      expect(errorInBody(text).code).toMatch(/^invalid_(json|request|params)$/);
      if (body !== '') expect(errorInBody(text).code).toBe('invalid_json');
    },
  );

  it('that is larger than allowed answers 413, by its length and by its bytes', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const large = JSON.stringify({ card: 'c'.repeat(MESSAGE_BYTES) });
    const { status, text } = await postJson(bench, '/v1/cards/read', large);
    expect(status).toBe(413);
    expect(errorInBody(text)).toMatchObject({ code: 'message_too_large', details: { limitBytes: MESSAGE_BYTES } });
    const chunked = await http({
      port: bench.port,
      method: 'POST',
      path: '/v1/cards/read',
      headers: { ...authorized(bench), 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      body: large,
    });
    expect(chunked.status).toBe(413);
    expect(errorInBody(chunked.text).code).toBe('message_too_large');
    const fits = await postJson(bench, '/v1/cards/read', JSON.stringify({ card: 'none', lease: 'x' }).padEnd(MESSAGE_BYTES));
    expect(errorInBody(fits.text, 'card.read').code).toBe('not_found');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', ''])(
    'with the content type "%s" is refused: no form of a web page can call',
    async (type) => {
      await using stack = new AsyncDisposableStack();
      const { bench, id } = await openGuardedBench(stack);
      const { status, text } = await http({
        port: bench.port,
        method: 'POST',
        path: '/v1/pins/verify',
        headers: { ...authorized(bench), 'content-type': type },
        body: JSON.stringify({ card: id, pin: PIN }),
      });
      expect(status).toBe(400);
      expect(errorInBody(text).code).toBe('invalid_request');
    },
  );

  it.each([
    ['kortd-timeout-ms', 'soon'],
    ['kortd-timeout-ms', '-5'],
    ['kortd-timeout-ms', '1e3'],
    ['kortd-timeout-ms', ''],
    ['kortd-timeout-ms', '9999999999'],
    ['idempotency-key', ''],
    ['idempotency-key', 'k'.repeat(129)],
  ])('with the header %s: "%s" is refused', async (header, value) => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const { status, text } = await get(bench, '/v1/system/info', { [header]: value });
    expect(status).toBe(400);
    expect(errorInBody(text, 'system.info').code).toBe('invalid_request');
  });

  it.each(METHOD_NAMES.filter((method) => !(METHODS[method] as ApiMethod).rest))(
    'cannot reach %s, which is of a WebSocket',
    async (method) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const { status } = await postJson(bench, `/v1/${method.replace('.', '/')}`, '{}');
      expect(status).toBe(404);
    },
  );

  it('an answer is never stored, guessed at, or opened to other origins', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const { status, headers } = await get(bench, '/v1/system/info');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(Object.keys(headers).filter((header) => header.startsWith('access-control'))).toEqual([]);
  });
});

describe('a WebSocket message', () => {
  it.each<[string, string, 'invalid_json' | 'invalid_request' | 'method_not_found' | 'invalid_params', number]>([
    ['no JSON', '{', 'invalid_json', -32700],
    ['nothing', '', 'invalid_json', -32700],
    ['a word', '"system.info"', 'invalid_request', -32600],
    ['null', 'null', 'invalid_request', -32600],
    ['no version', '{"id":1,"method":"system.info"}', 'invalid_request', -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"system.info"}', 'invalid_request', -32600],
    ['no method', '{"jsonrpc":"2.0","id":1}', 'invalid_request', -32600],
    ['a number for a method', '{"jsonrpc":"2.0","id":1,"method":7}', 'invalid_request', -32600],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"system.shutdown"}', 'method_not_found', -32601],
    ['a method of every object', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', 'method_not_found', -32601],
    ['a list of parameters', '{"jsonrpc":"2.0","id":1,"method":"system.info","params":[]}', 'invalid_request', -32600],
    ['null for parameters', '{"jsonrpc":"2.0","id":1,"method":"system.info","params":null}', 'invalid_request', -32600],
    ['an unknown member', '{"jsonrpc":"2.0","id":1,"method":"system.info","extra":1}', 'invalid_request', -32600],
    ['__proto__ as a member', '{"jsonrpc":"2.0","id":1,"method":"system.info","__proto__":{}}', 'invalid_request', -32600],
    ['a deadline in words', '{"jsonrpc":"2.0","id":1,"method":"system.info","timeoutMs":"1"}', 'invalid_request', -32600],
    ['a deadline of nothing', '{"jsonrpc":"2.0","id":1,"method":"system.info","timeoutMs":0}', 'invalid_request', -32600],
    [
      'an empty idempotency key',
      '{"jsonrpc":"2.0","id":1,"method":"system.info","idempotencyKey":""}',
      'invalid_request',
      -32600,
    ],
    [
      'an idempotency key that is a number',
      '{"jsonrpc":"2.0","id":1,"method":"system.info","idempotencyKey":1}',
      'invalid_request',
      -32600,
    ],
    [
      'an unknown event',
      '{"jsonrpc":"2.0","id":1,"method":"event.subscribe","params":{"events":["card.*"]}}',
      'invalid_params',
      -32602,
    ],
    [
      'a negative number to replay from',
      '{"jsonrpc":"2.0","id":1,"method":"event.subscribe","params":{"since":-1}}',
      'invalid_params',
      -32602,
    ],
  ])('with %s is answered with an error of JSON-RPC', async (_, text, code, rpcCode) => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const api = await bench.socket();
    api.sendText(text);
    expectRpcError(await api.answerTo(text.includes('"id":1') ? 1 : null), code, rpcCode, methodIn(text));
    expect(outcomeOf(await api.call('system.info')), 'the connection goes on').toBe('ok');
  });

  it.each(['true', '{}', '[1]', 'null', `"${'i'.repeat(129)}"`, '1e999'])(
    'with the id %s is answered with the id null',
    async (id) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const api = await bench.socket();
      api.sendText(`{"jsonrpc":"2.0","id":${id},"method":"system.info"}`);
      expectRpcError(await api.answerTo(null), 'invalid_request', -32600);
    },
  );

  it.each([0, -1, 1.5, ''])('with the id %j is answered with that id', async (id) => {
    await using bench = await openBench();
    const api = await bench.socket();
    api.sendText(JSON.stringify({ jsonrpc: '2.0', id, method: 'system.info' }));
    expect((await api.answerTo(id)).result).toMatchObject({ product: 'kortd' });
  });

  it('that is larger than allowed closes the connection with 1009', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const api = await bench.socket();
    api.sendText(' '.repeat(MESSAGE_BYTES + 1));
    expect((await api.closed).code).toBe(1009);
    const other = await bench.socket();
    other.sendText(`{"jsonrpc":"2.0","id":1,"method":"system.info"}`.padEnd(MESSAGE_BYTES));
    expect((await other.answerTo(1)).result).toBeDefined();
  });

  it('in binary closes the connection with 1003', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const api = await bench.socket();
    api.sendText(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"system.info"}'));
    expect(await api.closed).toEqual({ code: 1003, reason: 'kortd takes text messages only' });
    expect(api.messages).toHaveLength(1); // the greeting
  });

  it('that is no UTF-8 closes the connection with 1007', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const api = await bench.socket();
    api.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
    expect((await api.closed).code).toBe(1007);
  });

  it('that is a batch of too many calls, or of none, is refused as one', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id } = await openGuardedBench(stack);
    const api = await bench.socket();
    const call = { jsonrpc: '2.0', id: 5, method: 'pin.verify', params: { card: id, pin: PIN } };
    for (const batch of [[], Array.from({ length: BATCH_CALLS + 1 }, () => call)]) {
      const seen = api.messages.length;
      api.sendText(JSON.stringify(batch));
      const answer = await api.find('the refusal', () => api.messages[seen]);
      expectRpcError(answer as RpcMessage, 'invalid_request', -32600);
    }
  });

  it('that is a batch with calls of all sorts is answered call by call', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const api = await bench.socket();
    api.sendText('[1, {"jsonrpc":"2.0","id":"x","method":"nope"}, [], {"jsonrpc":"2.0","id":"y","method":"system.info"}]');
    const answers = (await api.find('the batch', () => api.messages.find(Array.isArray))) as readonly RpcMessage[];
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      [null, -32600],
      ['x', -32601],
      [null, -32600],
      ['y', undefined],
    ]);
  });

  it('beyond the calls that a connection may have under way is refused, with the id of its call', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    const api = await bench.socket();
    const call = (): number => api.start('card.transmit', { card: id, commands: ['00FD0000'] }, { idempotencyKey: 'one' });
    const first = call();
    for (let count = 1; count < CALLS_PER_CLIENT; count++) call();
    const tooMany = call();
    expectRpcError(await api.answerTo(tooMany), 'too_many_calls', -32000);
    card.hold = undefined;
    hold.resolve(undefined);
    expect((await api.answerTo(first)).result).toBeDefined();
    expect(await eventually('every answer', () => api.messages.length === CALLS_PER_CLIENT + 2)).toBe(true);
    expect(card.commands.filter((command) => command === '00FD0000')).toHaveLength(1);
  });
});

describe('who asks', () => {
  const REQUESTS = [
    ['REST', 'GET /v1/system/info HTTP/1.1', ''],
    [
      'a WebSocket',
      'GET /v1/ws HTTP/1.1',
      'Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n',
    ],
  ] as const;

  describe.each(REQUESTS)('of %s', (_, line, extra) => {
    const ask = async (bench: Bench, headers: string, first: string = line): Promise<string> =>
      await rawHttp(bench.port, `${first}\n${headers}${extra}${extra === '' ? 'Connection: close\n' : ''}\n`);
    const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
    const codeIn = (answer: string): string => errorInBody(answer.slice(answer.indexOf('\r\n\r\n') + 4)).code;
    const token = (bench: Bench): string => `Authorization: Bearer ${bench.token}\n`;

    it.each([
      ['no Host', ''],
      ['an empty Host', 'Host:\n'],
      ['a name that points here', 'Host: kortd.example:PORT\n'],
      ['no port', 'Host: 127.0.0.1\n'],
      ['another port', 'Host: 127.0.0.1:1\n'],
      ['two Hosts', 'Host: 127.0.0.1:PORT\nHost: 127.0.0.1:PORT\n'],
      ['two Hosts of which one is strange', 'Host: 127.0.0.1:PORT\nHost: evil.example\n'],
      ['an address of all interfaces', 'Host: 0.0.0.0:PORT\n'],
      ['a name with a dot at its end', 'Host: localhost.:PORT\n'],
    ])('with %s is refused before anything else', async (__, host) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const answer = await ask(
        bench,
        `${host.replaceAll('PORT', String(bench.port))}${token(bench)}Origin: https://evil.example\n`,
      );
      expect(statusOf(answer)).toBe(421);
      expect(codeIn(answer)).toBe('host_refused');
    });

    it('in HTTP/1.0 without Host is refused', async () => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const answer = await ask(bench, token(bench), line.replace('1.1', '1.0'));
      expect(codeIn(answer)).toBe('host_refused');
    });

    it.each([
      'https://evil.example',
      'null',
      'http://127.0.0.1:PORT',
      'http://localhost:PORT',
      'file://',
      '',
      'chrome-extension://abc',
    ])('with the Origin "%s" is refused, whatever its token', async (origin) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const host = `Host: 127.0.0.1:${bench.port}\n`;
      for (const authorization of [token(bench), '']) {
        const answer = await ask(bench, `${host}Origin: ${origin.replace('PORT', String(bench.port))}\n${authorization}`);
        expect(statusOf(answer)).toBe(403);
        expect(codeIn(answer)).toBe('origin_refused');
        expect(answer.toLowerCase()).not.toContain('access-control');
      }
    });

    it.each([
      ['no token', ''],
      ['a wrong token', 'Authorization: Bearer wrong\n'],
      ['a token in another scheme', 'Authorization: Basic TOKEN\n'],
      ['a token with a space at its end', 'Authorization: Bearer TOKEN x\n'],
      ['a token in two headers', 'Authorization: Bearer TOKEN\nAuthorization: Bearer TOKEN\n'],
      ['a token that is too long', `Authorization: Bearer ${'t'.repeat(257)}\n`],
      ['a wrong header before a right subprotocol', 'Authorization: Bearer wrong\nSec-WebSocket-Protocol: kortd.token.TOKEN\n'],
      ['a wrong subprotocol', 'Sec-WebSocket-Protocol: kortd.v1, kortd.token.wrong\n'],
      ['a token in a cookie', 'Cookie: token=TOKEN\n'],
    ])('with %s is refused', async (__, headers) => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const answer = await ask(bench, `Host: 127.0.0.1:${bench.port}\n${headers.replaceAll('TOKEN', bench.token)}`);
      expect(statusOf(answer)).toBe(401);
      expect(codeIn(answer)).toBe('unauthorized');
    });

    it('with an absolute address in its first line is refused', async () => {
      await using stack = new AsyncDisposableStack();
      const { bench } = await openGuardedBench(stack);
      const host = `127.0.0.1:${bench.port}`;
      const answer = await ask(bench, `Host: ${host}\n${token(bench)}`, line.replace('/v1', `http://${host}/v1`));
      expect(statusOf(answer)).toBe(400);
      expect(codeIn(answer)).toBe('invalid_request');
    });
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST'])('a Host of %s with the right port is accepted', async (host) => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const { status } = await get(bench, '/v1/system/info', { host: `${host}:${bench.port}` });
    expect(status).toBe(200);
  });

  it.each(['/', '/v1', '/v1/ws/', '/v1/ws?token=x', '/v1/cards', '/V1/WS'])('an upgrade on %s is refused', async (path) => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const socket = new RpcSocket(
      new WebSocket(`ws://127.0.0.1:${bench.port}${path}`, ['kortd.v1', `kortd.token.${bench.token}`]),
    );
    const refused = new Promise<number>((resolve) =>
      socket.socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0)),
    );
    expect(await refused).toBe(404);
    await socket[Symbol.asyncDispose]();
  });

  it('an upgrade to something else than a WebSocket is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    const answer = await rawHttp(
      bench.port,
      `GET /v1/ws HTTP/1.1\nHost: 127.0.0.1:${bench.port}\nAuthorization: Bearer ${bench.token}\nConnection: Upgrade\nUpgrade: h2c\n\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(errorInBody(answer.slice(answer.indexOf('\r\n\r\n') + 4)).code).toBe('invalid_request');
  });

  it('bytes that are no HTTP end their connection and nothing else', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench } = await openGuardedBench(stack);
    for (const bytes of ['\u0016\u0003\u0001 hello\n\n', 'GET\n\n', `GET / HTTP/1.1\n${'x'.repeat(40_000)}: y\n\n`])
      expect(await rawHttp(bench.port, bytes)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(outcomeOf(await new RestTransport(bench.port, bench.token).call('system.info'))).toBe('ok');
  });

  it('the token does not pass as that of an earlier run', async () => {
    const first = await openBench();
    const { token } = first;
    await first[Symbol.asyncDispose]();
    await using bench = await openBench();
    expect(outcomeOf(await new RestTransport(bench.port, token).call('system.info'))).toBe('unauthorized');
    expect(resultOf(await new RestTransport(bench.port, bench.token).call('system.info')).product).toBe('kortd');
  });
});

function authorized(bench: Bench): Record<string, string> {
  return { authorization: `Bearer ${bench.token}` };
}

async function get(bench: Bench, path: string, headers: Record<string, string> = {}): ReturnType<typeof http> {
  return await http({ port: bench.port, method: 'GET', path, headers: { ...authorized(bench), ...headers } });
}

async function postJson(bench: Bench, path: string, body: string): ReturnType<typeof http> {
  return await http({
    port: bench.port,
    method: 'POST',
    path,
    headers: { ...authorized(bench), 'content-type': 'application/json' },
    body,
  });
}

function methodIn(text: string): MethodName | undefined {
  return METHOD_NAMES.find((name) => text.includes(`"method":"${name}"`));
}

function expectRpcError(message: RpcMessage, code: ErrorCode, rpcCode: number, method?: MethodName): void {
  expect(message.jsonrpc).toBe('2.0');
  expect(message.error?.code).toBe(rpcCode);
  expect(message.error && checkError(message.error.data, method).code).toBe(code);
}
