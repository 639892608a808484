/** TLS to the service, with certificates that are made here. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../../errors.ts';
import { signCertificate } from '../../simulated/certificate.ts';
import { serveSimulatedSignotec } from '../../simulated/pads/signotec.ts';
import { checkAddress, connect, type ServiceAddress } from './connection.ts';

const never = new AbortController().signal;
/** The vendor's name for this machine. */
const NAME = 'local.signotecwebsocket.de';

function selfSigned(name: string): { readonly key: string; readonly cert: string; readonly fingerprint: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = [['CN', name]] as const;
  const dnsName = Buffer.from(name, 'ascii');
  const subjectAltName = Uint8Array.from([0x30, dnsName.length + 2, 0x82, dnsName.length, ...dnsName]);
  const der = signCertificate(
    {
      ...{ serialNumber: 1n, subject, issuer: subject },
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      extensions: [{ oid: '2.5.29.17', value: subjectAltName }],
    },
    privateKey,
  );
  const certificate = new X509Certificate(der);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certificate.toString(),
    fingerprint: certificate.fingerprint256,
  };
}

async function reach(
  tls: { readonly key: string; readonly cert: string },
  address: Omit<ServiceAddress, 'url'>,
): Promise<string> {
  await using service = await serveSimulatedSignotec({ tls });
  const { port } = new URL(service.url);
  await using connection = await connect(
    { url: `wss://${NAME}:${port}`, ...address },
    { signal: never, onEvent: () => undefined, onEnd: () => undefined },
  );
  const { fields } = await connection.request('GET_SERVER_VERSION', {}, { signal: never });
  return fields.text('VERSION') ?? '';
}

describe('a service with TLS', () => {
  const ours = selfSigned(NAME);

  it('is found on this machine by the vendor’s name, and trusted by its authority', async () => {
    expect(await reach(ours, { authority: ours.cert })).toBe('3.3.2.0');
  });

  it('is trusted by its pinned certificate', async () => {
    expect(await reach(ours, { fingerprint256: ours.fingerprint })).toBe('3.3.2.0');
    expect(await reach(ours, { fingerprint256: ours.fingerprint.replaceAll(':', '').toLowerCase() })).toBe('3.3.2.0');
  });

  it.each([
    ['no authority vouches for', {}],
    ['another authority vouches for', { authority: selfSigned(NAME).cert }],
    ['has another certificate than the pinned one', { fingerprint256: selfSigned(NAME).fingerprint }],
  ])('that %s is refused', async (_, address) => {
    await expect(reach(ours, address)).rejects.toBeInstanceOf(ServiceUnavailableError);
  });

  it('that bears another name is refused', async () => {
    const other = selfSigned('service.example');
    await expect(reach(other, { authority: other.cert })).rejects.toBeInstanceOf(ServiceUnavailableError);
  });

  it('that is pinned and has no TLS is refused', async () => {
    await using service = await serveSimulatedSignotec();
    const address = { url: service.url, fingerprint256: ours.fingerprint };
    await expect(connect(address, { signal: never, onEvent: () => undefined, onEnd: () => undefined })).rejects.toThrow(
      /certificate is none/,
    );
  });
});

it('a service that hangs is noticed while nobody asks it anything', async () => {
  await using service = await serveSimulatedSignotec({ isHung: true });
  const { promise, resolve } = Promise.withResolvers<Error>();
  const connection = await connect({ url: service.url }, { signal: never, onEvent: () => undefined, onEnd: resolve });
  expect(await promise).toBeInstanceOf(ServiceUnavailableError);
  expect(connection.isOpen).toBe(false);
});

it.each(['http://localhost:1', 'wss://192.0.2.7:49494', 'wss://[2001:db8::1]:49494'])(
  '%s is no address of the service',
  (url) => {
    expect(() => checkAddress({ url })).toThrow(RangeError);
  },
);

it.each(['wss://local.signotecwebsocket.de:49494', 'ws://127.0.0.1:49494', 'wss://[::1]:49494'])('%s is one', (url) => {
  expect(() => checkAddress({ url })).not.toThrow();
});
