/** Evidence and the exchange between desks of ceremonies with protected personal data: a page that may not know of them gets nothing, not even that they are there. */
import { describe, expect, it } from 'vitest';
import { http, resultOf, within, type Bench } from '../api/support.ts';
import { openOffice } from './office.ts';

const PAGE = 'https://portal.example';

/** Calls by REST, as the page does; resolves with the code of the error, or ok. */
type Page = (path: string, body: object) => Promise<string>;

/** Granted by a person. */
async function openPage(bench: Bench, scopes: readonly string[]): Promise<Page> {
  const person = await bench.client();
  const requested = Promise.withResolvers<string>();
  await person.subscribe(
    { onEvent: (event) => event.name === 'access.requested' && requested.resolve(event.data.code) },
    { events: ['access.requested'] },
  );
  const post = (path: string, body: object, token?: string) =>
    http({
      ...{ port: bench.port, method: 'POST', path, body: JSON.stringify(body) },
      headers: {
        ...{ host: `127.0.0.1:${bench.port}`, origin: PAGE, 'content-type': 'application/json' },
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
  const answer = post('/v1/access/request', { scopes, reason: 'to test' });
  await person.call('access.approve', { code: await within(requested.promise, 'the request for access') });
  const { token } = JSON.parse((await within(answer, 'the answer to the page')).text) as { token: string };
  return async (path, body) => {
    const { text } = await post(path, body, token);
    return (JSON.parse(text) as { error?: { code: string } }).error?.code ?? 'ok';
  };
}

describe('a page without the right to protected personal data', () => {
  it.each([
    [['issuance'], 'ceremony_unknown'],
    [['issuance', 'issuance.protected'], 'ok'],
  ])('with the scopes %j: export and import answer %s', async (scopes, expected) => {
    await using office = await openOffice({ isEmpty: true });
    const { ceremony } = resultOf(await office.api.call('issuance.start', { routine: 'renewal', isProtected: true }));
    const page = await openPage(office.bench, scopes);
    expect(await page('/v1/issuance/evidence', { ceremony })).toBe(expected === 'ok' ? 'evidence_missing' : expected);
    expect(await page('/v1/issuance/export', { ceremony })).toBe(expected);
    const { data = '' } = resultOf(await office.api.call('issuance.export', { ceremony }));
    expect(await page('/v1/issuance/import', { transfer: { data } })).toBe(expected);
    const { isAway } = resultOf(await office.api.call('issuance.get', { ceremony }));
    expect(isAway).toBe(expected === 'ok' ? undefined : true);
  });
});
