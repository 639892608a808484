/** Who may read /metrics: collectors on this machine, and no browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBench, resultOf } from '../api/support.ts';
import { METRICS_ON, get, portOf, type GetOptions } from './scrape.ts';

const TOKEN = 'a-token-for-the-collector-0123456789';

describe('/metrics', () => {
  it('is answered to a collector, and lets no browser make anything of it', async () => {
    await using bench = await openBench({ telemetry: METRICS_ON });
    const { status, headers, text } = await get(portOf(bench), {
      headers: { accept: 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1' },
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(text).toContain('kortd_build_info{');
    const head = await get(portOf(bench), { method: 'HEAD' });
    expect([head.status, head.text, Number(head.headers['content-length']) > 1_000]).toEqual([200, '', true]);
  });

  const refused: readonly (readonly [string, number, GetOptions])[] = [
    ['of a page of any origin', 403, { headers: { origin: 'https://portal.example' } }],
    ['of a page of its own address', 403, { headers: { origin: 'http://127.0.0.1' } }],
    ['of a page without an origin', 403, { headers: { origin: 'null' } }],
    ['of a browser that goes there', 403, { headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' } }],
    ['of a picture in a page', 403, { headers: { 'sec-fetch-dest': 'image' } }],
    ['by a name that was rebound to loopback', 403, { headers: { host: 'attacker.example' } }],
    ['by the address of another port', 403, { headers: { host: '127.0.0.1:1' } }],
    ['of anything else', 404, { path: '/' }],
    ['of the API', 404, { path: '/v1/readers' }],
    ['with a query', 404, { path: '/metrics?x' }],
    ['that would change something', 405, { method: 'POST' }],
    ['that asks for more rights', 405, { method: 'OPTIONS' }],
  ];
  it('is refused to requests of other kinds, and tells them nothing', async () => {
    await using bench = await openBench({ telemetry: METRICS_ON });
    const port = portOf(bench);
    for (const [what, status, options] of refused) {
      const answer = await get(port, { ...options, headers: { host: `127.0.0.1:${port}`, ...options.headers } });
      expect([what, answer.status, answer.text]).toEqual([what, status, '']);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await get(port, { headers: { host: `localhost:${port}` } })).status).toBe(200);
  });

  it('wants the token where a file has one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-token-'));
    try {
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, `${TOKEN}\n`);
      await using bench = await openBench({ telemetry: { metrics: { port: 0, tokenFile } } });
      const status = async (authorization?: string): Promise<number> =>
        (await get(portOf(bench), authorization === undefined ? {} : { headers: { authorization } })).status;
      expect(await status()).toBe(401);
      expect(await status(`Bearer ${TOKEN.slice(1)}`)).toBe(401);
      expect(await status(`Basic ${TOKEN}`)).toBe(401);
      expect(await status(`Bearer ${TOKEN}`)).toBe(200);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is there only where it was switched on', async () => {
    await using bench = await openBench();
    expect(bench.daemon.metricsPort()).toBeUndefined();
  });

  it('keeps nobody from cards when its port is taken or its token is none', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    try {
      const address = other.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      await using bench = await openBench({ telemetry: { metrics: { port } } });
      expect(bench.daemon.metricsPort()).toBeUndefined();
      expect(resultOf(await (await bench.socket()).call('reader.list')).readers).toHaveLength(1);
    } finally {
      await new Promise((resolve) => void other.close(resolve));
    }
    await using bench = await openBench({ telemetry: { metrics: { port: 0, tokenFile: '/nowhere/token' } } });
    expect(bench.daemon.metricsPort()).toBeUndefined();
  });
});
