/**
 * The Unix socket at which programs reach the desk's cards through PKCS #11 (p11-kit's RPC protocol). The file lets in nobody but its user; who the program is, the
 * kernel tells.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bindUnixSocket } from '../listen/bind.ts';
import { unixPeerOf } from '../listen/peer.ts';
import type { Log } from '../log.ts';
import { ClientPlaces } from './client-places.ts';
import { Seldom } from './seldom.ts';
import type { SharedSlots } from './token-desk.ts';

export interface Pkcs11DoorOptions {
  readonly path: string;
  readonly slots: SharedSlots;
  readonly version: { readonly major: number; readonly minor: number };
  readonly log: Log;
}

/** The caller closes: every program is cut off then. */
export async function openPkcs11Door(options: Pkcs11DoorOptions): Promise<AsyncDisposable> {
  const clients = new Set<Promise<void>>();
  const sockets = new Set<Socket>();
  const seldom = new Seldom();
  const places = new ClientPlaces((program) => options.log.warn({ program }, 'a program has more connections than one may have'));
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined); // a program that ends breaks its connection off
    const place = places.take(unixPeerOf(socket).name);
    if (!place) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    const served = serve(socket, { ...options, seldom }).finally(() => {
      place[Symbol.dispose]();
      clients.delete(served);
      sockets.delete(socket);
    });
    clients.add(served);
  });
  await bindUnixSocket(server, options.path, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(clients);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The module is loaded with the first program: a desk that none uses does without it. */
async function serve(
  socket: Socket,
  { slots, version, log, seldom }: Pkcs11DoorOptions & { readonly seldom: Seldom },
): Promise<void> {
  const program = unixPeerOf(socket);
  const [{ Application }, { serveRpcClient }] = await Promise.all([
    import('../../pkcs11-module/application/application.ts'),
    import('../../pkcs11-module/rpc/connection.ts'),
  ]);
  const wait = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });
  await serveRpcClient(socket, {
    open: () => new Application({ desk: slots.forProgram(program), version, delay: wait }),
    onProblem: (error) =>
      seldom.about(program.name, (omitted) =>
        log.warn({ err: error, program: program.name, omitted }, 'a program that uses PKCS #11 went wrong'),
      ),
  });
}
