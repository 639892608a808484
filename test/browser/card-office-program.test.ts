/** `npm run example:card-office` as a program: it says where it is, serves the page, and leaves nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { within } from '../api/transports.ts';

const START = join(import.meta.dirname, '..', '..', 'examples', 'card-office', 'start.ts');
const DEADLINE_MS = 60_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

it('prints where the portal and kortd’s window are, answers its own page alone, and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-example-'));
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const env = { ...process.env, TMPDIR: folder, CARD_OFFICE_PORT: String(port) };
  const child = spawn(process.execPath, [START], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    const output = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const printed = async (what: string): Promise<string> => {
      for (;;) {
        const { value, done } = await within(output.next(), what, DEADLINE_MS);
        if (done) throw new Error(`waiting for ${what}: the program ended`);
        if (value.includes(what)) return value;
      }
    };
    expect(await printed('The card office is open')).toContain(origin);
    const link = await printed('/#');
    child.stdin.write('\n');
    expect(await printed('/#')).not.toBe(link);
    expect(await (await fetch(origin)).text()).toContain('<title>Card orders</title>');
    const order = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ requests: ['x'] }) };
    expect((await fetch(`${origin}/certificates`, order)).status).toBe(403);
    const own = await fetch(`${origin}/certificates`, { ...order, headers: { ...order.headers, origin } });
    expect(own.status).toBe(502);
    expect(await own.json()).toMatchObject({ en: expect.stringContaining('refused') as string });
  } finally {
    child.kill('SIGINT');
    expect(await within(ended, 'the end of the program', DEADLINE_MS)).toEqual([0, null]);
    expect(readdirSync(folder).filter((name) => name.startsWith('card-office-'))).toEqual([]);
    rmSync(folder, { recursive: true });
  }
});
