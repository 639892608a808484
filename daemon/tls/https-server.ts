/** A server that speaks HTTP over TLS with the TLS files, and takes new files while it runs: open connections go on as they are. */
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsTexts } from './validate.ts';

/** RFC 8996 deprecates what came before. */
const MIN_VERSION = 'TLSv1.2';
/** Like slow headers: a client that does not shake hands is cut off. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

type ServedTexts = Pick<TlsTexts, 'certificate' | 'key'>;

/** Not listening yet, and without handlers: whoever serves plain HTTP as well gives it the same ones, and the same options. */
export function createTlsServer(files: ServedTexts, options: ServerOptions): Server {
  return createServer({ ...options, ...secureContext(files), handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
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
