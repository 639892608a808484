/** Programs of Debian that show a certificate of a card to a server: curl, GnuTLS, NSS. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTlsServer } from './tls-server.ts';
import { KEYS, MODULE, openToolDesk, PIN, type ToolDesk } from './tools.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const CASES = KEYS.flatMap((key) => VERSIONS.map((version) => ({ ...key, version })));

let desk: ToolDesk;
beforeAll(async () => {
  desk = await openToolDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

describe.each(CASES)('with $name, by $version,', ({ uri, version, person }) => {
  it('curl is let in', async () => {
    await using server = await startTlsServer(version);
    const trust = ['--cacert', await desk.file('server.pem', server.certificate)];
    const own = ['--cert', `${uri};type=cert`, '--key', `${uri};type=private;pin-value=${PIN}`];
    const engine = ['--engine', 'pkcs11', '--cert-type', 'ENG', '--key-type', 'ENG'];
    const answer = await desk.run('curl', [
      '-sS',
      '--max-time',
      '20',
      ...trust,
      ...engine,
      ...own,
      `https://localhost:${server.port}/`,
    ]);
    expect(answer).toBe(`hello ${person}\n`);
    expect(server.clients).toEqual([`${version} ${person}`]);
  });

  it('gnutls-cli is let in', async () => {
    await using server = await startTlsServer(version);
    const trust = ['--x509cafile', await desk.file('server.pem', server.certificate)];
    const own = ['--x509certfile', `${uri};type=cert`, '--x509keyfile', `${uri};type=private`];
    const place = ['--provider', MODULE, '--port', String(server.port), 'localhost'];
    const priority = ['--priority', `NORMAL:-VERS-ALL:+VERS-${version.replace('v', '')}`];
    const answer = await desk.run('gnutls-cli', [...trust, ...own, ...priority, ...place], 'GET / HTTP/1.0\r\n\r\n');
    expect(answer).toContain(`hello ${person}`);
    expect(server.clients).toEqual([`${version} ${person}`]);
  });
});

describe('tstclnt of NSS', () => {
  const cases = KEYS.filter(({ name }) => name.includes('PIV') || name.includes('module')).flatMap((key) =>
    VERSIONS.map((version) => ({ ...key, version })),
  );
  it.each(cases)('is let in by $version with $name', async ({ version, token, label, person }) => {
    await using server = await startTlsServer(version);
    await desk.file('server.pem', server.certificate);
    await desk.run('rm', ['-f', 'cert9.db', 'key4.db', 'pkcs11.txt']);
    await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
    await desk.run('certutil', ['-A', '-d', 'sql:.', '-n', 'server', '-t', 'P,,', '-a', '-i', 'server.pem']);
    await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
    const range = version === 'TLSv1.2' ? 'tls1.2:tls1.2' : 'tls1.3:tls1.3';
    const own = ['-n', `${token}:${label}`, '-w', PIN];
    const place = ['-h', 'localhost', '-p', String(server.port), '-d', 'sql:.', '-V', range, '-o', '-4'];
    const answer = await desk.run('tstclnt', [...place, ...own], 'GET / HTTP/1.0\r\n\r\n');
    expect(answer).toContain(`hello ${person}`);
  });
});
