/** Binding and closing the servers' addresses: loopback ports, and Unix sockets. */
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo, Server as SocketServer } from 'node:net';
import { DataFolderError } from '../data-folder.ts';

/**
 * Connections that may wait to be taken: a burst that finds no room has to knock again after a second, and everybody else's with it. The system
 * has a bound of its own (net.core.somaxconn).
 */
const BACKLOG = 2_048;
/** Tries for a port that is free on both addresses, when any will do. */
const PORT_TRIES = 20;
/** sockaddr_un (unix(7)): 108 bytes with the closing NUL; 104 on macOS (sys/un.h). */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/** 127.0.0.1, and [::1] on the same port where the system has it. Throws the system's error when the port is taken. */
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

/** One that an earlier run left behind is taken away first: its folder is ours alone. Throws DataFolderError when the path is too long. */
export async function bindUnixSocket(server: SocketServer, path: string, mode: number): Promise<void> {
  checkSocketPath(path);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(path, mode);
}

/** A socket that listens already, from whoever started this process (sd_listen_fds(3)). Rejects when it is none. */
export async function listenOnDescriptor(server: SocketServer, fd: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Throws DataFolderError when the path is too long for a Unix socket. */
export function checkSocketPath(path: string): void {
  const lengthBytes = Buffer.byteLength(path);
  if (lengthBytes <= MAX_SOCKET_PATH_BYTES) return;
  throw new DataFolderError(
    `cannot make the Unix socket ${path}: its path has ${lengthBytes} bytes, and the system takes ${MAX_SOCKET_PATH_BYTES}. Choose a data folder with a shorter path with --data-dir.`,
    {
      sv: `Unix-socketen ${path} kan inte skapas: dess sökväg har ${lengthBytes} byte, och systemet tar emot ${MAX_SOCKET_PATH_BYTES}. Välj en datamapp med kortare sökväg med --data-dir.`,
    },
  );
}

/** Its file goes with it. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
