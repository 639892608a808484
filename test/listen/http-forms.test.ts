/** HTTP as no browser sends it, byte for byte: every way that Node hands a request over passes the gate, and one refusal ends a connection. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PIN, errorInBody, openBench, rawHttp, watchedPivCard, within, type Bench } from '../api/support.ts';

const UPGRADE = 'Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n';
const VERSION = 'Sec-WebSocket-Version: 13\n';

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly head: string;
}

/** All that came, cut into answers. */
function answersIn(text: string): readonly Answer[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part !== '')
    .map((part) => {
      const [head = '', body = ''] = part.split('\r\n\r\n');
      const isError = body.startsWith('{"error"');
      return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), code: isError ? errorInBody(body).code : undefined, head };
    });
}

function lines(bench: Bench): { host: string; token: string } {
  return { host: `Host: 127.0.0.1:${bench.port}\n`, token: `Authorization: Bearer ${bench.token}\n` };
}

async function send(bench: Bench, text: string): Promise<readonly Answer[]> {
  return answersIn(await rawHttp(bench.port, text));
}

describe('a request from nowhere', () => {
  it.each([
    ['CONNECT', 'CONNECT 127.0.0.1:1 HTTP/1.1\n', 'host_refused'],
    ['an expectation', 'POST /v1/cards/read HTTP/1.1\nExpect: 100-continue\nContent-Length: 2\n', 'host_refused'],
    ['another expectation', 'POST /v1/cards/read HTTP/1.1\nExpect: a-miracle\nContent-Length: 2\n', 'host_refused'],
    [
      'an upgrade to HTTP/2',
      'GET /v1/cards HTTP/1.1\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: x\n',
      'host_refused',
    ],
    ['TRACE', 'TRACE /v1/cards HTTP/1.1\n', 'host_refused'],
    ['OPTIONS of everything', 'OPTIONS * HTTP/1.1\n', 'host_refused'],
  ])('by %s meets the gate first', async (_, first, code) => {
    await using bench = await openBench();
    const answers = await send(bench, `${first}Host: evil.example\n${lines(bench).token}\n`);
    expect(answers.map((answer) => answer.code)).toEqual([code]);
    expect(answers[0]?.head.toLowerCase()).toContain('connection: close');
  });
});

describe('a request with the token', () => {
  it.each([
    ['CONNECT', 'CONNECT 127.0.0.1:1 HTTP/1.1\n', '', 400, 'invalid_request'],
    ['TRACE', 'TRACE /v1/cards HTTP/1.1\nConnection: close\n', '', 404, 'method_not_found'],
    ['another expectation', 'GET /v1/cards HTTP/1.1\nExpect: a-miracle\n', '', 400, 'invalid_request'],
    ['an upgrade to HTTP/2', 'GET /v1/cards HTTP/1.1\nConnection: Upgrade\nUpgrade: h2c\n', '', 400, 'invalid_request'],
    ['a WebSocket by POST', `POST /v1/ws HTTP/1.1\n${UPGRADE}${VERSION}`, '', 400, 'invalid_request'],
    ['a WebSocket with a body', `GET /v1/ws HTTP/1.1\n${UPGRADE}${VERSION}Content-Length: 5\n`, 'hello', 400, 'invalid_request'],
    ['a WebSocket of version 8', `GET /v1/ws HTTP/1.1\n${UPGRADE}Sec-WebSocket-Version: 8\n`, '', 400, 'invalid_request'],
    ['a WebSocket of no version', `GET /v1/ws HTTP/1.1\n${UPGRADE}`, '', 400, 'invalid_request'],
    ['a WebSocket of two versions', `GET /v1/ws HTTP/1.1\n${UPGRADE}${VERSION}${VERSION}`, '', 400, 'invalid_request'],
    [
      'two keys',
      `GET /v1/ws HTTP/1.1\n${UPGRADE}${VERSION}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n`,
      '',
      400,
      'invalid_request',
    ],
    ['more than 100 header lines', `GET /v1/cards HTTP/1.1\n${'X: y\n'.repeat(101)}`, '', 400, 'invalid_request'],
  ])('by %s is refused in the words of the API', async (_, first, body, status, code) => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    expect(await send(bench, `${first}${host}${token}\n${body}`)).toMatchObject([{ status, code }]);
  });

  it('that comes with thousands of headers loses none: Node would drop an Origin behind them', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const text = `GET /v1/cards HTTP/1.1\n${host}${token}${'a:\n'.repeat(2_500)}Origin: https://evil.example\n\n`;
    expect(await send(bench, text)).toMatchObject([{ status: 403, code: 'origin_refused' }]);
  });

  it('waits with its body until it is asked for it, and then is answered', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const body = '{"card":"none"}';
    const head = `POST /v1/cards/read HTTP/1.1\n${host}${token}Expect: 100-continue\nContent-Type: application/json\nContent-Length: ${body.length}\n`;
    await using client = openRaw(bench);
    client.send(`${head}\n`);
    expect(await client.received(/100 Continue\r\n\r\n$/)).toBeDefined();
    client.send(body);
    expect(await client.received(/404 /)).toBeDefined();
  });

  it('that is refused is not asked for its body', async () => {
    await using bench = await openBench();
    const head = `POST /v1/cards/read HTTP/1.1\n${lines(bench).host}Expect: 100-continue\nContent-Type: application/json\nContent-Length: 9\n`;
    expect(await send(bench, `${head}\n`)).toMatchObject([{ status: 401, code: 'unauthorized' }]);
  });

  it('that is refused is answered although its body is long, and still on its way', async () => {
    await using bench = await openBench();
    const head = `POST /v1/cards/read HTTP/1.1\n${lines(bench).host}Content-Type: application/json\nContent-Length: 200000\n`;
    await using client = openRaw(bench);
    client.send(`${head}\n`);
    for (let part = 0; part < 20; part++) client.send(' '.repeat(10_000));
    expect(await client.received(/401 [^]*\}$/)).toBeDefined();
    await client.closed;
  });

  it('cannot bring its token in a trailer', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const head = `POST /v1/cards/read HTTP/1.1\n${host}Content-Type: application/json\nTransfer-Encoding: chunked\nTrailer: Authorization\n`;
    expect(await send(bench, `${head}\n2\n{}\n0\n${token}\n`)).toMatchObject([{ status: 401, code: 'unauthorized' }]);
  });
});

describe('requests one behind the other', () => {
  it('are answered in their order', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\n${host}${token}${more}\n`;
    const answers = await send(bench, get('/v1/system/info') + get('/v1/none') + get('/v1/cards', 'Connection: close\n'));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
  });

  it('are not looked at behind one that was refused', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    card.forget();
    const { host, token } = lines(bench);
    const body = JSON.stringify({ card: id, pin: PIN });
    const verify = `POST /v1/pins/verify HTTP/1.1\n${host}${token}Content-Type: application/json\nContent-Length: ${body.length}\n\n${body}`;
    const upgrade = `GET /v1/ws HTTP/1.1\n${host}${token}${UPGRADE}${VERSION}\n`;
    const first = `GET /v1/cards HTTP/1.1\n${host}\n`;
    expect(await send(bench, first + verify)).toMatchObject([{ status: 401, code: 'unauthorized' }]);
    // What cannot be answered in turn ends the connection at once.
    for (const behind of [upgrade, 'no HTTP at all\n\n'])
      expect((await send(bench, first + behind)).filter(({ status }) => status !== 401)).toEqual([]);
    expect(card.commands).toEqual([]);
  });

  it('cannot end in a WebSocket, which would be given their answers', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const text = `GET /v1/cards HTTP/1.1\n${host}${token}\nGET /v1/ws HTTP/1.1\n${host}${token}${UPGRADE}${VERSION}\n`;
    expect((await send(bench, text)).map(({ status }) => status)).not.toContain(101);
  });

  it('are too many at 66', async () => {
    await using bench = await openBench();
    const { host, token } = lines(bench);
    const text = `GET /v1/cards HTTP/1.1\n${host}${token}\n`.repeat(66);
    await using client = openRaw(bench);
    client.send(text);
    await client.closed;
    expect(answersIn(client.text()).length).toBeLessThan(66);
  });
});

describe('what is no request', () => {
  it.each([
    ['nonsense', 'hello\n\n', 400, 'invalid_request'],
    ['two lengths', 'POST /v1/cards/read HTTP/1.1\nHost: x\nContent-Length: 1\nContent-Length: 2\n\nab', 400, 'invalid_request'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\nHost: x\nContent-Length: 1\nTransfer-Encoding: chunked\n\n',
      400,
      'invalid_request',
    ],
    ['a head that is too large', `GET / HTTP/1.1\nX: ${'x'.repeat(17_000)}\n\n`, 413, 'message_too_large'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\n\nSM\n\n', 400, 'invalid_request'],
  ])('such as %s is told so in the words of the API, and nothing else', async (_, text, status, code) => {
    await using bench = await openBench();
    const answers = await send(bench, text);
    expect(answers.slice(0, 1)).toMatchObject([{ status, code }]);
    expect(answers[0]?.head).toMatch(/\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n/);
    expect(answers[0]?.head).not.toMatch(/server|x-powered-by|node/i);
  });
});

describe('a WebSocket', () => {
  it('is opened without compression, whatever is offered, and its answer does not repeat the token', async () => {
    await using bench = await openBench();
    const { host } = lines(bench);
    await using client = openRaw(bench);
    const offers = `Sec-WebSocket-Protocol: kortd.v1\nSec-WebSocket-Protocol: kortd.token.${bench.token}\nSec-WebSocket-Extensions: permessage-deflate\n`;
    client.send(`GET /v1/ws HTTP/1.1\n${host}${UPGRADE}${VERSION}${offers}\n`);
    const head = await client.received(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
    expect(head).toContain('Sec-WebSocket-Protocol: kortd.v1\r\n');
    expect(head).not.toContain(bench.token);
    expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
  });
});

interface RawClient extends AsyncDisposable {
  send(text: string): void;
  /** What came, up to the end of the match. */
  received(pattern: RegExp): Promise<string>;
  readonly closed: Promise<void>;
  readonly text: () => string;
}

function openRaw(bench: Bench): RawClient {
  const socket: Socket = connect(bench.port, '127.0.0.1');
  let text = '';
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
  socket.on('error', () => socket.destroy());
  return {
    send: (part) => void socket.write(part.replaceAll('\n', '\r\n')),
    received: async (pattern) => {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return text.slice(0, match.index + match[0].length);
        if (socket.destroyed) throw new Error(`the connection ended: ${text}`);
        await within(Promise.race([once(socket, 'data'), closed]), String(pattern));
      }
    },
    closed: within(closed, 'the end of the connection', 20_000),
    text: () => text,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
