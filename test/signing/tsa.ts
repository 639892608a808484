/** A time-stamp server: `openssl ts -reply` behind HTTP on loopback, and the ways in which one can be of no use. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pki, PkiSigner } from './pki.ts';

export type TsaMood =
  'good' | 'refusing' | 'another nonce' | 'another imprint' | 'garbage' | 'silent' | 'endless' | 'status 500' | 'redirecting';

export interface Tsa extends AsyncDisposable {
  readonly url: string;
  mood: TsaMood;
  /** How often it was asked. */
  readonly asked: () => number;
}

/** OpenSSL's own policy for tests. */
export const TSA_POLICY = '1.2.3.4.1';

export async function openTsa(pki: Pki, authority: PkiSigner): Promise<Tsa> {
  const config = await pki.file('tsa.cnf', tsaConfig(pki));
  const earlier = await pki.file('earlier.txt', 'something else');
  let count = 0;
  const reply = async (query: string, name: string): Promise<Uint8Array> => {
    const response = pki.path(`${name}.tsr`);
    const signer = ['-signer', authority.certificateFile, '-inkey', authority.keyFile];
    await pki.openssl(
      'ts',
      '-reply',
      '-config',
      config,
      '-section',
      'tsa',
      '-queryfile',
      query,
      ...signer,
      '-chain',
      pki.sub.certificateFile,
      '-out',
      response,
    );
    return await pki.read(`${name}.tsr`);
  };
  const answer = async (mood: TsaMood, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const query = await pki.file(`query-${count}.tsq`, await bodyOf(request));
    const other = pki.path('other.tsq');
    const send = (bytes: Uint8Array): void =>
      void response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(bytes);
    switch (mood) {
      case 'good':
        send(await reply(query, `reply-${count}`));
        return;
      case 'refusing':
        await pki.openssl('ts', '-query', '-data', earlier, '-sha256', '-tspolicy', '1.2.3.99', '-cert', '-out', other);
        send(await reply(other, 'refused'));
        return;
      case 'another nonce':
        await pki.openssl('ts', '-query', '-digest', await imprintOf(pki, query), '-sha256', '-cert', '-out', other);
        send(await reply(other, 'nonce'));
        return;
      case 'another imprint':
        await pki.openssl('ts', '-query', '-data', earlier, '-sha256', '-cert', '-out', other);
        send(await reply(other, 'imprint'));
        return;
      case 'garbage':
        send(Buffer.from('<html>It works</html>'));
        return;
      case 'silent':
        return;
      case 'endless':
        response.writeHead(200);
        for (let chunk = 0; chunk < 64; chunk++) response.write(Buffer.alloc(16_384));
        response.end();
        return;
      case 'status 500':
        response.writeHead(500).end();
        return;
      case 'redirecting':
        response.writeHead(307, { location: 'http://time.example/' }).end();
        return;
    }
  };
  const tsa = { mood: 'good' as TsaMood };
  const server = createServer((request, response) => {
    count++;
    answer(tsa.mood, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(tsa, {
    url: `http://127.0.0.1:${port}/tsa`,
    asked: () => count,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** In hexadecimal: the OCTET STRING of 32 bytes. */
async function imprintOf(pki: Pki, query: string): Promise<string> {
  const text = await pki.openssl('asn1parse', '-inform', 'DER', '-in', query);
  return /OCTET STRING\s+\[HEX DUMP\]:([0-9A-F]{64})/.exec(text)?.[1] ?? '';
}

function tsaConfig(pki: Pki): string {
  return `[tsa]
serial=${pki.path('tsa.serial')}
crypto_device=builtin
signer_digest=sha256
default_policy=${TSA_POLICY}
digests=sha256,sha384,sha512
accuracy=secs:1
ess_cert_id_chain=no
ess_cert_id_alg=sha256
`;
}
