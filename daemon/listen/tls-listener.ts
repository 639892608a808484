/** The https port: open while the TLS files are there, on both loopback addresses, with the handlers of plain HTTP. */
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createTlsServer, replaceTlsFiles } from '../tls/https-server.ts';
import type { TlsFiles } from '../tls/tls-folder.ts';
import { Turns } from '../turns.ts';
import { bindLoopback, closeServer, portOf } from './bind.ts';
import type { Gate } from './gate.ts';
import type { SERVER_OPTIONS } from './http-server.ts';

const MAX_WAITING = 8;

export interface TlsListenerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly gate: Gate;
  readonly serverOptions: typeof SERVER_OPTIONS;
  /** Gives a server its handlers. */
  readonly attach: (server: Server) => Server;
}

export class TlsListener implements AsyncDisposable {
  readonly #options: TlsListenerOptions;
  readonly #turns = new Turns('the https port', MAX_WAITING);
  #servers: readonly TlsServer[] = [];
  /** WebSockets among them, which a server that closes waits for. */
  readonly #connections = new Set<TLSSocket>();

  constructor(options: TlsListenerOptions) {
    this.#options = options;
  }

  /**
   * Opens the port, serves other files for connections from now on, or closes it when there are none. Resolves with the port. Throws the system's error when it
   * is taken.
   */
  async serve(files: TlsFiles | undefined, signal: AbortSignal): Promise<number | undefined> {
    return await this.#turns.run(signal, async () => {
      if (!files) {
        await this.#close();
        return undefined;
      }
      for (const server of this.#servers) replaceTlsFiles(server, files);
      if (this.#servers.length === 0) await this.#open(files);
      return this.#port;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  get #port(): number | undefined {
    const [server] = this.#servers;
    return server && portOf(server);
  }

  async #open(files: TlsFiles): Promise<void> {
    const { port, attach, gate, serverOptions } = this.#options;
    const servers: TlsServer[] = [];
    await bindLoopback(port, () => {
      const server = createTlsServer(files, serverOptions);
      servers.push(server);
      server.on('secureConnection', (connection) => {
        this.#connections.add(connection);
        connection.once('close', () => this.#connections.delete(connection));
      });
      return attach(server);
    });
    // One that found no free port, or no IPv6, is closed already.
    this.#servers = servers.filter((server) => server.listening);
    if (this.#port !== undefined) gate.addPort(this.#port);
  }

  async #close(): Promise<void> {
    if (this.#port !== undefined) this.#options.gate.removePort(this.#port);
    const servers = this.#servers;
    this.#servers = [];
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(servers.map(closeServer));
  }
}
