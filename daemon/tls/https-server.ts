/** A server that speaks HTTP over TLS with the TLS files, and takes new files while it runs: open connections go on as they are. */
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsTexts } from './validate.ts';

/** RFC 8996 deprecates what came before. */
const MIN_VERSION = 'TLSv1.2';
/** Like slow headers: a client that does not shake hands is cut off. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

type ServedTexts = Pick<TlsTexts, 'certificate' | 'key'>;

export interface TlsServerOptions {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly onRequest: RequestListener;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** A client gave up the handshake: mostly a browser that does not trust the authority. */
  readonly onHandshakeFailed?: (error: Error) => void;
}

/** Not listening yet. As over plain HTTP, a missing Host header is left to the gate. */
export function createTlsServer(files: ServedTexts, options: TlsServerOptions): Server {
  const { onRequest, onUpgrade, onHandshakeFailed, headersTimeout, requestTimeout, keepAliveTimeout } = options;
  const server = createServer(
    {
      ...secureContext(files),
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requireHostHeader: false,
    },
    onRequest,
  );
  server.on('upgrade', onUpgrade);
  if (onHandshakeFailed) server.on('tlsClientError', onHandshakeFailed);
  return server;
}

/** For connections from now on. Throws, and changes nothing, when the files are of no use. */
export function replaceTlsFiles(server: Server, files: ServedTexts): void {
  const context = secureContext(files);
  createSecureContext(context); // setSecureContext has changed half of the server when it throws
  server.setSecureContext(context);
}

/** The authority is not sent: who trusts it has it. */
function secureContext({ certificate, key }: ServedTexts): SecureContextOptions {
  return { cert: certificate, key, minVersion: MIN_VERSION };
}
