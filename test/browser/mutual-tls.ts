/** A page at loopback that wants a certificate of its visitors, and shows in its title whose it was. Every visit is a handshake of its own. */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { createAuthority } from '../../daemon/tls/authority.ts';

export interface MutualTlsPage extends AsyncDisposable {
  readonly url: string;
  /** PEM file of the authority that the page's own certificate is of. */
  readonly authority: string;
  /** Common names of the visitors, by the path that they wanted. */
  readonly visits: readonly string[];
}

/** `folder`: where the authority's certificate is written. */
export async function openMutualTlsPage(folder: string): Promise<MutualTlsPage> {
  const authority = await createAuthority(new Date());
  const { certificate, key } = await authority.issue([{ dNSName: 'localhost' }]);
  const path = join(folder, 'authority.pem');
  writeFileSync(path, authority.certificate);
  const visits: string[] = [];
  // Whose authority it is does not matter here: that the visitor has the key does.
  const asked = { requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET };
  const server = createServer({ cert: certificate, key, ...asked }, ({ socket, url = '' }, response) => {
    const name = nameOf(socket);
    if (url === '/favicon.ico') return void response.writeHead(404, { Connection: 'close' }).end();
    visits.push(`${url} ${name}`);
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', Connection: 'close', 'Cache-Control': 'no-store' });
    response.end(`<!doctype html><title>${url} ${name}</title><p>${name}</p>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    authority: path,
    visits,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function nameOf(socket: Socket): string {
  if (!(socket instanceof TLSSocket)) throw new Error('a visitor came without TLS');
  const certificate = socket.getPeerCertificate();
  return Object.keys(certificate).length > 0 ? String(certificate.subject.CN) : 'nobody';
}
