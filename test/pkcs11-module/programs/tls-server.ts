/** A TLS server at loopback that wants a certificate of its clients, and tells them whose it was. */
import { createServer, type SecureVersion } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { signCertificate } from '../../../drivers/simulated/certificate.ts';
import { testKey } from '../../api/support.ts';

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  /** Of the clients so far: protocol, and common name of the certificate whose key was proven. */
  readonly clients: readonly string[];
}

export async function startTlsServer(version: SecureVersion): Promise<TlsServer> {
  const { privateKey, publicKey } = testKey('P-256', 'tls server');
  const certificate = pem(
    signCertificate(
      {
        serialNumber: 1n,
        subject: [['CN', 'localhost']],
        issuer: [['CN', 'localhost']],
        notBefore: new Date('2024-01-01T00:00:00Z'),
        notAfter: new Date('2044-01-01T00:00:00Z'),
        publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
        extensions: [],
      },
      privateKey,
    ),
  );
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const clients: string[] = [];
  // Whose authority it is does not matter here: that the client has the key does.
  const options = {
    cert: certificate,
    key,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
  };
  const server = createServer(options, (socket) => {
    const certificate = socket.getPeerCertificate();
    const name = Object.keys(certificate).length > 0 ? certificate.subject.CN : 'nobody';
    clients.push(`${socket.getProtocol() ?? 'no'} ${String(name)}`);
    socket.on('error', () => undefined);
    socket.resume(); // what the client asks for is always the same
    socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello ${String(name)}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    clients,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
