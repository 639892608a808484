/** Web pages: they sign with the scope `sign`, never by an authentication key, and see no content but their own. */
import { describe, expect, it } from 'vitest';
import { cardKey, certificateFor, testKey, watchedPivCard } from '../api/cards.ts';
import { http, openBench, type Bench, type HttpAnswer } from '../api/support.ts';
import { EXAMPLE_CMS, EXAMPLE_CONTENT } from '../../api-spec/generate/example-signatures.ts';
import { codeOf, postContent, type Uploaded } from './content-requests.ts';

const [PAGE, OTHER, READER] = ['https://sign.example', 'https://other.example', 'https://read.example'];
const policy = {
  origins: [
    { origin: PAGE, scopes: ['sign'] },
    { origin: OTHER, scopes: ['sign'] },
    { origin: READER, scopes: ['card.read'] },
  ],
};

class Page {
  readonly #bench: Bench;
  readonly #origin: string;
  #token = '';

  constructor(bench: Bench, origin: string) {
    this.#bench = bench;
    this.#origin = origin;
  }

  static async open(bench: Bench, origin: string, scope = 'sign'): Promise<Page> {
    const page = new Page(bench, origin);
    const { text } = await page.send('POST', '/v1/access/request', JSON.stringify({ scopes: [scope] }));
    page.#token = (JSON.parse(text) as { token: string }).token;
    return page;
  }

  send(method: string, path: string, body?: string | Uint8Array): Promise<HttpAnswer> {
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
    const { port } = this.#bench;
    return http({
      port,
      method,
      path,
      headers: {
        host: `127.0.0.1:${port}`,
        origin: this.#origin,
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  call(path: string, params: object): Promise<HttpAnswer> {
    return this.send('POST', path, JSON.stringify(params));
  }
}

describe('a page with the scope sign', () => {
  it('has no authentication key sign, and hands over no PIN', async () => {
    await using bench = await openBench({ policy });
    const certificate = certificateFor(testKey('P-256').publicKey);
    const keys = { '9A': cardKey('P-256', { certificate }), '9C': cardKey('P-256', { certificate }) };
    const card = await bench.insert(watchedPivCard({ keys }));
    const page = await Page.open(bench, PAGE);
    const content = { data: EXAMPLE_CONTENT };
    const existing = { cms: { data: EXAMPLE_CMS }, content };
    const sign = async (path: string, params: object): Promise<string> => codeOf(await page.call(path, { card, ...params }));
    expect(await sign('/v1/sign/cms', { keyReference: '9A', content, detached: true })).toBe('key_not_for_web');
    expect(await sign('/v1/sign/signers', { keyReference: '9A', ...existing })).toBe('key_not_for_web');
    expect(await sign('/v1/sign/cms', { keyReference: '9C', content, detached: true })).toBe('pin_required');
    expect(await sign('/v1/sign/cms', { keyReference: '9C', content, detached: true, pin: '123456' })).toBe('scope_missing');
    expect((await page.call('/v1/signatures/verify', existing)).status).toBe(200);
  });

  it('sees no content of another page or of a program, nor do they see its own', async () => {
    await using bench = await openBench({ policy });
    const [page, other] = [await Page.open(bench, PAGE), await Page.open(bench, OTHER)];
    const answer = await page.send('POST', '/v1/contents?keep=true', Buffer.from('mine'));
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    const { content: id } = JSON.parse(answer.text) as Uploaded;
    expect((await page.send('GET', `/v1/contents/${id}`)).text).toBe('mine');
    expect(codeOf(await other.send('GET', `/v1/contents/${id}`))).toBe('content_not_found');
    expect(codeOf(await other.send('DELETE', `/v1/contents/${id}`))).toBe('content_not_found');
    expect(codeOf(await other.call('/v1/signatures/verify', { cms: { upload: id } }))).toBe('content_not_found');
    const program = await postContent(bench, Buffer.from('the program’s'), '?keep=true');
    expect(codeOf(await page.send('GET', `/v1/contents/${program.content}`))).toBe('content_not_found');
  });

  it('leaves room for others', async () => {
    await using bench = await openBench({ policy });
    const page = await Page.open(bench, PAGE);
    expect((await page.send('POST', '/v1/contents?keep=true', Buffer.alloc(16_777_216))).status).toBe(200);
    expect(codeOf(await page.send('POST', '/v1/contents?keep=true', Buffer.of(1)))).toBe('contents_full');
    await postContent(bench, Buffer.of(1), '?keep=true');
  });
});

it('a page without the scope sign has nothing of it', async () => {
  await using bench = await openBench({ policy });
  const page = await Page.open(bench, READER, 'card.read');
  expect(codeOf(await page.send('POST', '/v1/contents', Buffer.of(1)))).toBe('scope_missing');
  expect(codeOf(await page.send('GET', '/v1/contents/x'))).toBe('scope_missing');
  expect(codeOf(await page.call('/v1/signatures/verify', { cms: { data: EXAMPLE_CMS } }))).toBe('scope_missing');
});
