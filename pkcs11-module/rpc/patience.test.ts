import { duplexPair, type Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Answer } from './arguments.ts';
import type { CallName } from './calls.ts';
import { MAX_UNREAD_BYTES, serveRpcClient, type RpcApplication } from './connection.ts';
import { encodeFrame } from './frame.ts';

const SHORT_MS = 40;
const LONG_MS = 60_000;
const SLOW = { helloMs: LONG_MS, frameMs: LONG_MS, unreadMs: LONG_MS };

const GET_INFO = encodeFrame(16, (body) => {
  body.uint32(3);
  body.sized(new Uint8Array());
});

interface Served {
  readonly client: Duplex;
  /** Resolves with what was told when the connection has ended. */
  readonly ended: Promise<readonly string[]>;
}

function serve(patience: Partial<typeof SLOW>): Served {
  const [client, server] = duplexPair();
  const problems: string[] = [];
  const application: RpcApplication = {
    call: () =>
      Promise.resolve([{ major: 3, minor: 0 }, 'k'.repeat(32), 0, 'c'.repeat(32), { major: 1, minor: 0 }] as Answer<CallName>),
    [Symbol.dispose]: () => undefined,
  };
  client.on('error', () => undefined);
  const options = {
    open: () => application,
    onProblem: (error: unknown) => problems.push(String(error)),
    patience: { ...SLOW, ...patience },
  };
  return { client, ended: serveRpcClient(server, options).then(() => problems) };
}

describe('a connection ends when its client', () => {
  it('says nothing', async () => {
    const { ended } = serve({ helloMs: SHORT_MS });
    expect(await ended).toEqual(['RpcProtocolError: waiting for a client: it says nothing']);
  });

  it('sends a part of a frame, and no more', async () => {
    const { client, ended } = serve({ frameMs: SHORT_MS });
    client.write(Uint8Array.of(2, ...GET_INFO.subarray(0, 7)));
    expect(await ended).toEqual(['RpcProtocolError: waiting for a client: the rest of a frame does not come']);
  });

  it('reads none of its answers', async () => {
    const { client, ended } = serve({ unreadMs: SHORT_MS });
    client.write(Uint8Array.of(2));
    const flood = Buffer.concat(Array.from({ length: 1_000 }, () => GET_INFO));
    for (let bytes = 0; bytes < 2 * MAX_UNREAD_BYTES; bytes += flood.length) client.write(flood);
    expect(await ended).toEqual(['RpcProtocolError: waiting for a client: it reads no answers']);
  });
});

describe('a connection stays while its client', () => {
  it('has nothing to say, once it has said its version', async () => {
    const { client, ended } = serve({ helloMs: SHORT_MS, frameMs: SHORT_MS, unreadMs: SHORT_MS });
    client.write(Uint8Array.of(2));
    client.write(GET_INFO);
    client.resume();
    const isOver = ended.then(() => true);
    const isLater = new Promise<false>((resolve) => setTimeout(() => resolve(false), 4 * SHORT_MS));
    expect(await Promise.race([isOver, isLater])).toBe(false);
    client.destroy();
    expect(await ended).toEqual([]);
  });
});
