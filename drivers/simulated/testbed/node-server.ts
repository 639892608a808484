/** The socket of one device node: each connection is a handle that a program has open. Counts them. */
import { createServer, type Server, type Socket } from 'node:net';
import { serveHandle, type CallHandler } from './program-handle.ts';

export interface NodeServerOptions {
  /** Told what broke a handle: a program that does not keep to the protocol, or a defect of the simulated device. */
  readonly onError: (error: unknown) => void;
  /** Told when the last handle is closed. */
  readonly onIdle?: () => void;
}

/** More than any program opens of one device. */
const MAX_HANDLES = 64;

export class NodeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(handler: CallHandler, options: NodeServerOptions) {
    this.#server = createServer((socket) => {
      this.#accept(socket, handler, options);
    });
    this.#server.maxConnections = MAX_HANDLES;
  }

  static async listen(path: string, handler: CallHandler, options: NodeServerOptions): Promise<NodeServer> {
    const server = new NodeServer(handler, options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(path, resolve);
    });
    return server;
  }

  /** How many handles programs have open. */
  get openHandles(): number {
    return this.#sockets.size;
  }

  /** Takes no further handle, and keeps those that are open. */
  close(): void {
    this.#server.close();
  }

  /** Ends the programs that still have a handle: the preload library leaves them no other way. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Resolves as well when it was closed before.
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket, handler: CallHandler, { onError, onIdle }: NodeServerOptions): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) onIdle?.();
    });
    void serveHandle(socket, handler).catch(onError);
  }
}
