import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DeviceProtocolError, ServiceUnavailableError } from '../errors.ts';
import { VendorClient, type VendorRequest, type VendorServiceOptions } from './vendor-http.ts';

const MIB = 1_048_576;
let server: Server | undefined;

afterEach(async () => {
  const closing = server;
  server = undefined;
  if (!closing) return;
  closing.closeAllConnections();
  await new Promise((resolve) => closing.close(resolve));
});

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/base/`;
}

function clientOf(baseUrl: string, more: Partial<VendorServiceOptions> = {}): VendorClient {
  return new VendorClient({ device: 'x', baseUrl, timeoutMs: 10_000, maxAnswerBytes: 4 * MIB, pauseMs: 1, ...more });
}

function get(path = 'it', more: Partial<VendorRequest> = {}): VendorRequest {
  return { method: 'GET', path, attempt: 'asking', signal: AbortSignal.timeout(20_000), ...more };
}

describe('an address', () => {
  it.each([
    ['http://scanner.example/', 'plain http'],
    ['ftp://127.0.0.1/', 'neither https'],
    ['https://user:secret@127.0.0.1/', 'a user or a password'],
    ['nonsense', 'no URL'],
  ])('%s is refused', (baseUrl, problem) => {
    expect(() => clientOf(baseUrl)).toThrow(problem);
  });

  it.each(['https://scanner.example/', 'http://localhost:8080', 'http://[::1]:8080/api'])('%s is taken', (baseUrl) => {
    expect(() => clientOf(baseUrl)).not.toThrow();
  });

  it.each(['http://192.0.2.1/x', '//192.0.2.1/x', '../x', '/x'])('is not left by the path %s', async (path) => {
    let asked = 0;
    const client = clientOf(await serve((_, response) => void response.end(String(++asked))));
    await expect(client.ask(get(path))).rejects.toMatchObject({ driverCode: 'address_refused' });
    expect(asked).toBe(0);
  });
});

describe('an answer', () => {
  it('of 200 MB is cut at its bound, with memory for little more than that', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(MIB, 0x20);
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const write = (): void => {
        while (sent < 200 && !response.destroyed) {
          sent++;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
        if (!response.destroyed) response.end();
      };
      write();
    });
    const before = process.memoryUsage.rss();
    let highest = before;
    const watching = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5);
    await expect(clientOf(url).ask(get())).rejects.toMatchObject({ driverCode: 'answer_too_large' });
    clearInterval(watching);
    highest = Math.max(highest, process.memoryUsage.rss());
    expect(sent).toBeLessThan(100);
    expect(Math.round((highest - before) / MIB)).toBeLessThan(64);
  });

  it('that tells beforehand that it is too long is not read', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 200 * MIB });
      response.write(' ');
    });
    await expect(clientOf(url).ask(get())).rejects.toThrow(DeviceProtocolError);
  });

  it('that drips ends at the deadline', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const dripping = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(dripping));
    });
    await expect(clientOf(url, { timeoutMs: 200 }).ask(get())).rejects.toMatchObject({ driverCode: 'timeout', timeoutMs: 200 });
  });

  it('that is not UTF-8 is no JSON', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(Buffer.from('"\xff"', 'latin1'));
    });
    await expect(clientOf(url).ask(get())).rejects.toMatchObject({ driverCode: 'answer_invalid' });
  });

  it('nested a million times deep is refused or read, and nothing overflows', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('['.repeat(1_000_000) + ']'.repeat(1_000_000));
    });
    const answer = await clientOf(url)
      .ask(get())
      .catch((error: unknown) => error);
    if (answer instanceof Error) expect(answer).toMatchObject({ driverCode: 'answer_invalid' });
    else expect(answer).toMatchObject({ status: 200 });
  });

  it('that is no HTTP at all is told so', async () => {
    const url = await serve((request) => request.socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await expect(clientOf(url).ask(get())).rejects.toMatchObject({ driverCode: 'answer_invalid' });
  });

  it('of a failure is given with its status', async () => {
    const url = await serve(
      (_, response) => void response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"x"}'),
    );
    expect(await clientOf(url).ask(get())).toMatchObject({ status: 400, value: { error: 'x' } });
  });
});

describe('a call', () => {
  it('that may not be made twice is not', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.writeHead(503).end();
    });
    await expect(clientOf(url).ask(get('it', { method: 'POST', body: {} }))).rejects.toThrow(ServiceUnavailableError);
    expect(asked).toBe(1);
  });

  it('that may be is made three times, within its deadline', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked++;
      response.writeHead(503).end();
    });
    await expect(clientOf(url).ask(get())).rejects.toMatchObject({ driverCode: 'service_busy' });
    expect(asked).toBe(3);
  });

  it('sends its body as JSON, with its length', async () => {
    let seen = '';
    const url = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (part: string) => (seen += part));
      request.on('end', () => void response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{}'));
      expect(request.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '15' });
    });
    await clientOf(url).ask(get('it', { method: 'POST', body: { name: 'Åsa' } }));
    expect(seen).toBe('{"name":"Åsa"}');
  });
});
