/** What was scanned at a desk, for whoever runs it: a page's scan is listed without its person, shown after a record in the audit log, and never to a page. */
import { describe, expect, it } from 'vitest';
import { errorOf, http, openBench, resultOf, type Bench, type HttpAnswer } from '../api/support.ts';

const PAGE = 'https://portal.example';
const SCOPES = ['scanner', 'document.verify'];

interface Asked {
  readonly token?: string;
}

async function fromPage(bench: Bench, path: string, body: object, { token }: Asked = {}): Promise<HttpAnswer> {
  return await http({
    port: bench.port,
    method: 'POST',
    path,
    headers: {
      host: `127.0.0.1:${bench.port}`,
      origin: PAGE,
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
}

/** A page that the policy lets scan. */
async function openPage(bench: Bench): Promise<(path: string, body: object) => Promise<unknown>> {
  await bench.setPolicy({ origins: [{ origin: PAGE, scopes: SCOPES }] });
  const granted = await fromPage(bench, '/v1/access/request', { scopes: SCOPES, reason: 'to check documents' });
  const { token } = JSON.parse(granted.text) as { token: string };
  return async (path, body) => JSON.parse((await fromPage(bench, path, body, { token })).text) as unknown;
}

async function scanOf(page: (path: string, body: object) => Promise<unknown>): Promise<string> {
  const { scan } = (await page('/v1/scanners/scan', {})) as { scan: { id: string } };
  return scan.id;
}

describe('a scan that a page made', () => {
  it('is listed for the user without anything of the person, with what document.verify made of it', async () => {
    await using bench = await openBench();
    const page = await openPage(bench);
    const scan = await scanOf(page);
    const api = await bench.socket();
    const { scans } = resultOf(await api.call('scanner.listScans'));
    expect(scans).toMatchObject([{ scan, scanner: 'bench.main', outcome: 'complete', verdict: 'passed', asker: PAGE }]);
    expect(scans[0]).not.toHaveProperty('judged');
    await page('/v1/document/verify', { ruleSet: 'loa2', scan });
    const after = resultOf(await api.call('scanner.listScans')).scans;
    expect(after[0]?.judged).toBe('notPerformed');
    expect(JSON.stringify(after)).not.toMatch(/testsson|T12345678/i);
  });

  it('shows itself and its pictures only after a review, which the audit log names', async () => {
    await using bench = await openBench();
    const page = await openPage(bench);
    const scan = await scanOf(page);
    await page('/v1/document/verify', { ruleSet: 'loa2', scan });
    const api = await bench.socket();
    const image = 'none';
    expect(errorOf(await api.call('scanner.get', { scan })).code).toBe('scan_not_found');
    expect(errorOf(await api.call('scanner.picture', { scan, image })).code).toBe('scan_not_found');
    const reviewed = resultOf(await api.call('scanner.review', { scan }));
    expect(reviewed).toMatchObject({ scan: { id: scan }, asker: PAGE, verdicts: [{ ruleSet: 'loa2' }] });
    for (const { id, size } of reviewed.scan.images) {
      const { mediaType, data } = resultOf(await api.call('scanner.picture', { scan, image: id }));
      expect([mediaType, Buffer.from(data, 'base64').length]).toEqual(['image/png', size]);
    }
    const { records } = resultOf(await api.call('audit.list', {}));
    expect(records.filter(({ method }) => method === 'scanner.review')).toMatchObject([
      { outcome: 'ok', purpose: `scan ${scan}` },
    ]);
  });

  it('is reviewed by no page, whatever it was granted', async () => {
    await using bench = await openBench();
    const page = await openPage(bench);
    const scan = await scanOf(page);
    expect(await page('/v1/scanners/review', { scan })).toMatchObject({ error: { code: 'scope_missing' } });
  });
});
