/** https of the daemon itself: opened, renewed and closed while it runs, with the gate in front as over plain http. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { disableTls, enableTls } from '../../daemon/tls/tls-folder.ts';
import { openBench, resultOf, within, type Bench } from '../api/support.ts';

const run = promisify(execFile);

async function reload(bench: Bench): Promise<{ tlsPort?: number; problems: readonly { file: string; problem: string }[] }> {
  return resultOf(await (await bench.socket()).call('system.reload'));
}

async function enable(bench: Bench, renew = false): Promise<{ readonly port: number; readonly ca: string }> {
  const { files } = await enableTls(bench.dataFolder, { now: new Date(), renew });
  const { tlsPort } = await reload(bench);
  expect(tlsPort).toBeGreaterThan(0);
  return { port: tlsPort ?? 0, ca: files.authority.path };
}

async function curl(ca: string, ...parameters: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--noproxy', '*', '--max-time', '10', '--cacert', ca, ...parameters]);
  return stdout;
}

describe('https on loopback', () => {
  it('is there after kortd tls enable and a reload, under all three names, for calls and WebSockets, and gone after disable', async () => {
    await using bench = await openBench();
    expect(await reload(bench)).toEqual({ problems: [] });
    const { port, ca } = await enable(bench);
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const answer = await curl(ca, '-H', `Authorization: Bearer ${bench.token}`, `https://${host}:${port}/v1/system/info`);
      expect(JSON.parse(answer)).toMatchObject({ product: 'kortd' });
    }
    const { files } = await enableTls(bench.dataFolder, { now: new Date() });
    const socket = new WebSocket(`wss://localhost:${port}/v1/ws`, ['kortd.v1', `kortd.token.${bench.token}`], {
      ca: await import('node:fs').then(({ readFileSync }) => readFileSync(files.authority.path)),
    });
    const [greeting] = (await within(once(socket, 'message'), 'the greeting')) as [Buffer];
    expect(JSON.parse(greeting.toString())).toMatchObject({ method: 'greeting' });
    const closed = once(socket, 'close');
    disableTls(bench.dataFolder);
    expect(await reload(bench)).toEqual({ problems: [] });
    await within(closed, 'the WebSocket to close');
    await expect(curl(ca, `https://localhost:${port}/v1/system/info`)).rejects.toThrow();
  });

  it('has the gate in front', async () => {
    await using bench = await openBench();
    const { port, ca } = await enable(bench);
    const url = `https://localhost:${port}/v1/system/info`;
    expect(await curl(ca, url)).toContain('"code":"unauthorized"');
    expect(await curl(ca, '-H', 'Host: evil.example', url)).toContain('"code":"host_refused"');
    expect(await curl(ca, '-H', 'Origin: https://evil.example', url)).toContain('"code":"origin_refused"');
  });

  it('serves a renewed certificate from then on', async () => {
    await using bench = await openBench();
    const first = await enable(bench);
    const second = await enable(bench, true);
    expect(second.port).toBe(first.port);
    expect(await curl(second.ca, `https://localhost:${second.port}/v1/system/info`)).toContain('unauthorized');
  });

  it('with a certificate of no use is told, and plain http goes on', async () => {
    await using bench = await openBench();
    await enableTls(bench.dataFolder, { now: new Date() });
    writeFileSync(join(bench.dataFolder, 'tls', 'certificate.pem'), 'nothing');
    const { tlsPort, problems } = await reload(bench);
    expect(tlsPort).toBeUndefined();
    expect(problems).toMatchObject([{ file: join(bench.dataFolder, 'tls') }]);
  });

  it('survives what is no TLS', async () => {
    await using bench = await openBench();
    const { port, ca } = await enable(bench);
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => 'refused');
    expect(answer).toBe('refused');
    expect(await curl(ca, `https://localhost:${port}/v1/system/info`)).toContain('unauthorized');
  });
});
