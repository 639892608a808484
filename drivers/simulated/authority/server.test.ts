import { describe, expect, it } from 'vitest';
import { loadScenario } from '../scenario.ts';
import { parseLabel } from './profiles.ts';
import { serveTestAuthority } from './server.ts';

const scenario = await loadScenario('office');

describe('the server', () => {
  it('is on loopback alone, ends when it is disposed of, and then gives its port back', async () => {
    const server = await serveTestAuthority({ scenario, port: 0 });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const port = Number(new URL(server.url).port);
    await expect(serveTestAuthority({ scenario, port })).rejects.toThrow(`127.0.0.1:${port}: the port is taken`);
    expect((await fetch(`${server.url}/issued`)).status).toBe(200);
    await server[Symbol.asyncDispose]();
    await expect(fetch(`${server.url}/issued`)).rejects.toThrow('fetch failed');
    await using again = await serveTestAuthority({ scenario, port });
    expect(again.url).toBe(server.url);
  });

  it('answers OCSP questions in the path too', async () => {
    await using server = await serveTestAuthority({ scenario, port: 0 });
    const answer = await fetch(`${server.url}/ocsp/${encodeURIComponent(Buffer.from('x').toString('base64'))}`);
    expect(answer.headers.get('content-type')).toBe('application/ocsp-response');
    expect(Buffer.from(await answer.arrayBuffer()).toString('hex')).toBe('30030a0101');
  });

  it.each([
    ['/nowhere', 404, 'not_found'],
    ['/crl/nobody.crl', 404, 'not_found'],
    ['/.well-known/est/loa9/cacerts', 400, 'profile_unknown'],
  ])('answers %s with %i, in two languages', async (path, status, code) => {
    await using server = await serveTestAuthority({ scenario, port: 0 });
    const answer = await fetch(`${server.url}${path}`);
    expect(answer.status).toBe(status);
    const text = expect.stringMatching(/\.$/) as string;
    expect(await answer.json()).toEqual({ error: { code, message: expect.any(String) as string, en: text, sv: text } });
  });
});

describe('a label', () => {
  it('names a profile, and its days', () => {
    expect(parseLabel('reserve-loa2')).toMatchObject({ profile: { name: 'reserve-loa2' } });
    expect(parseLabel('loa2-30')).toMatchObject({ profile: { name: 'loa2' }, days: 30 });
  });

  it.each(['', 'loa4', 'loa2-0', 'loa2-9999', 'loa2-', '../loa2'])('that makes no sense is refused: %j', (label) => {
    expect(() => parseLabel(label)).toThrow(/^choosing/);
  });
});
