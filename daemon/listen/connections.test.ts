import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HEADERS_MS, STALLED_ANSWER_MS, UNKNOWN_CONNECTIONS } from '../api/limits.ts';
import { Connections, type Connection } from './connections.ts';
import { ORIGIN_BOUNDS, Quota, Quotas } from './quotas.ts';

interface Pair {
  readonly client: Socket;
  readonly connection: Connection;
}

/** Real connections, and a clock that the test moves. */
async function setUp() {
  const clock = { now: 0 };
  const quotas = new Quotas();
  const connections = new Connections(quotas, () => clock.now);
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  const open = async (): Promise<Pair> => {
    const client = connect(port, '127.0.0.1');
    clients.push(client);
    client.on('error', () => undefined);
    const [socket] = (await once(server, 'connection')) as [Socket];
    socket.on('error', () => undefined);
    return { client, connection: connections.add(socket, 'tcp') };
  };
  const close = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    connections[Symbol.dispose]();
    server.close();
    await once(server, 'close');
  };
  return { clock, quotas, connections, open, [Symbol.asyncDispose]: close };
}

/** A reset is an error too; it is the close that counts. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('connections that have not been let in', () => {
  it('are few: one more, and the oldest of them goes', async () => {
    await using bench = await setUp();
    const first = await bench.open();
    const second = await bench.open();
    bench.connections.admit(first.connection, undefined);
    for (let count = 1; count < UNKNOWN_CONNECTIONS; count++) await bench.open();
    expect(bench.connections.strangers).toBe(UNKNOWN_CONNECTIONS);
    const closed = closeOf(second.client);
    await bench.open();
    await closed;
    expect(bench.connections.strangers).toBe(UNKNOWN_CONNECTIONS);
    expect(first.connection.socket.destroyed).toBe(false);
  });

  it('are open for a short while', async () => {
    await using bench = await setUp();
    const [known, stranger] = [await bench.open(), await bench.open()];
    bench.connections.admit(known.connection, undefined);
    bench.clock.now = HEADERS_MS;
    bench.connections.sweep();
    expect(stranger.connection.socket.destroyed).toBe(false);
    bench.clock.now = HEADERS_MS + 1_001;
    const closed = closeOf(stranger.connection.socket);
    bench.connections.sweep();
    await closed;
    expect(known.connection.socket.destroyed).toBe(false);
    expect(bench.connections.strangers).toBe(0);
  });

  it('leave no descriptor behind when they are cut while their end is on its way', async () => {
    await using bench = await setUp();
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    const pairs = [await bench.open(), await bench.open()];
    for (const { connection } of pairs) {
      const closed = once(connection.socket, 'close');
      bench.connections.refuse(connection);
      connection.socket.end('why');
      connection.cut();
      await closed;
    }
    for (const { client } of pairs) client.destroy();
    await expect.poll(descriptors).toBe(before);
    expect(bench.connections.size).toBe(0);
  });
});

describe('connections', () => {
  it('count for their origin once, until they are closed', async () => {
    await using bench = await setUp();
    const quota = new Quota({ ...ORIGIN_BOUNDS, connections: 1 });
    const [one, other] = [await bench.open(), await bench.open()];
    for (let request = 0; request < 3; request++) bench.connections.admit(one.connection, quota);
    expect(() => bench.connections.admit(other.connection, quota)).toThrow(
      expect.objectContaining({ code: 'too_many_calls' }) as Error,
    );
    expect(bench.connections.strangers).toBe(1);
    const closed = once(one.connection.socket, 'close');
    one.client.destroy();
    one.connection.socket.resume().destroy();
    await closed;
    expect(quota.connections).toBe(0);
    bench.connections.admit(other.connection, quota);
  });

  it('of which nobody reads a byte are cut, and slow ones are not', async () => {
    await using bench = await setUp();
    const [stalled, slow] = [await bench.open(), await bench.open()];
    for (const { client, connection } of [stalled, slow]) {
      bench.connections.admit(connection, undefined);
      client.pause();
      while (connection.socket.write(Buffer.alloc(65_536)));
      connection.socket.write(Buffer.alloc(65_536));
    }
    bench.connections.sweep();
    bench.clock.now = STALLED_ANSWER_MS;
    const drained = once(slow.connection.socket, 'drain');
    slow.client.resume();
    await drained;
    slow.client.pause();
    bench.connections.sweep();
    bench.clock.now = STALLED_ANSWER_MS + 1;
    const closed = once(stalled.connection.socket, 'close');
    bench.connections.sweep();
    await closed;
    expect(slow.connection.socket.destroyed).toBe(false);
  });
});
