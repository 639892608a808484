/** HTTP servers on loopback: 127.0.0.1, and [::1] on the same port where the system has it. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Slow headers and slow bodies are cut off. */
export const HTTP_TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 } as const;
/** Tries for a port that is free on both addresses, when any will do. */
const PORT_TRIES = 20;

/** `wanted` 0: any port. Throws the system's error when the port is taken. */
export async function bindLoopback(wanted: number, create: () => Server): Promise<readonly [Server, ...Server[]]> {
  for (let attempt = 1; ; attempt++) {
    const first = create();
    await bind(first, '127.0.0.1', wanted);
    const second = create();
    try {
      await bind(second, '::1', portOf(first));
      return [first, second];
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return [first];
      await closeServer(first);
      if (wanted !== 0 || attempt === PORT_TRIES || code !== 'EADDRINUSE') throw error;
    }
  }
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Ends its connections too. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
