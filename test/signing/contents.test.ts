/** The routes for content over HTTP: who may, how much, for how long, and what is left of what was broken off. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { KEPT_BYTES, UPLOADS_PER_OWNER } from '../../daemon/api/limits.ts';
import { openBench, PIN, outcomeOf, rawHttp, resultOf } from '../api/support.ts';
import { cardKey, certificateFor, testKey, watchedPivCard, INS } from '../api/cards.ts';
import { codeOf, getContent, postContent, requestContent } from './content-requests.ts';

const bytes = Buffer.from('some content');

describe('content', () => {
  it('gives its digests, and is forgotten but for them unless it is kept', async () => {
    await using bench = await openBench();
    const hashed = await postContent(bench, bytes);
    expect(hashed.size).toBe(bytes.length);
    expect(codeOf(await requestContent(bench, 'GET', `/${hashed.content}`))).toBe('content_not_found');
    const kept = await postContent(bench, bytes, '?keep=true');
    expect((await getContent(bench, kept.content)).equals(bytes)).toBe(true);
    expect((await requestContent(bench, 'DELETE', `/${kept.content}`)).status).toBe(200);
    expect(codeOf(await requestContent(bench, 'GET', `/${kept.content}`))).toBe('content_not_found');
  });

  it('may be empty, and may come in chunks of unknown number', async () => {
    await using bench = await openBench();
    expect((await postContent(bench, new Uint8Array())).size).toBe(0);
    const chunked = `POST /v1/contents?keep=true HTTP/1.1\nHost: 127.0.0.1:${bench.port}\nAuthorization: Bearer ${bench.token}\nContent-Type: application/octet-stream\nTransfer-Encoding: chunked\nConnection: close\n\n4\nsome\n8\n content\n0\n\n`;
    const answer = await rawHttp(bench.port, chunked);
    const id = /"content":"([^"]+)"/.exec(answer)?.[1] ?? '';
    expect((await getContent(bench, id)).equals(bytes)).toBe(true);
  });

  it.each<[string, string, Record<string, string>, string]>([
    ['as JSON', '', { 'content-type': 'application/json' }, 'invalid_request'],
    ['as a form', '', { 'content-type': 'text/plain' }, 'invalid_request'],
    ['with an unknown query', '?kept=true', {}, 'invalid_request'],
    ['to be kept a little', '?keep=maybe', {}, 'invalid_request'],
    ['without the token', '', { authorization: '' }, 'unauthorized'],
    ['by a page without a grant', '', { origin: 'https://nobody.example' }, 'origin_refused'],
    ['for another host', '', { host: 'kortd.example' }, 'host_refused'],
    ['with an impossible deadline', '', { 'kortd-timeout-ms': '0' }, 'invalid_request'],
  ])('%s is refused', async (_, query, headers, code) => {
    await using bench = await openBench();
    expect(codeOf(await requestContent(bench, 'POST', query, { body: bytes, headers }))).toBe(code);
  });

  it('is no body of a call, and a call is no content', async () => {
    await using bench = await openBench();
    const answer = await rawHttp(
      bench.port,
      `POST /v1/sign/cms HTTP/1.1\nHost: 127.0.0.1:${bench.port}\nAuthorization: Bearer ${bench.token}\nContent-Type: application/octet-stream\nContent-Length: 2\nConnection: close\n\n{}`,
    );
    expect(answer).toContain('invalid_request');
  });

  it('longer than is taken is refused before it is read', async () => {
    await using bench = await openBench();
    const head = (length: number): string =>
      `POST /v1/contents HTTP/1.1\nHost: 127.0.0.1:${bench.port}\nAuthorization: Bearer ${bench.token}\nContent-Type: application/octet-stream\nContent-Length: ${length}\nConnection: close\n\nx`;
    expect(await rawHttp(bench.port, head(1_073_741_825))).toContain('message_too_large');
  });

  it('that stops coming ends with its deadline, and its room is free again', async () => {
    await using bench = await openBench();
    const stalled = `POST /v1/contents?keep=true HTTP/1.1\nHost: 127.0.0.1:${bench.port}\nAuthorization: Bearer ${bench.token}\nContent-Type: application/octet-stream\nContent-Length: ${KEPT_BYTES}\nKortd-Timeout-Ms: 50\nConnection: close\n\nx`;
    for (let round = 0; round <= UPLOADS_PER_OWNER; round++)
      expect(await rawHttp(bench.port, stalled)).toContain('deadline_exceeded');
    await postContent(bench, bytes, '?keep=true');
  });

  it('whose sender goes away leaves nothing', async () => {
    await using bench = await openBench();
    for (let round = 0; round <= UPLOADS_PER_OWNER; round++) {
      const socket = connect(bench.port, '127.0.0.1');
      socket.write(
        `POST /v1/contents?keep=true HTTP/1.1\r\nHost: 127.0.0.1:${bench.port}\r\nAuthorization: Bearer ${bench.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${KEPT_BYTES}\r\n\r\nx`,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
      await expect
        .poll(async () => (await requestContent(bench, 'POST', '?keep=true', { body: Buffer.alloc(1_000_000) })).status)
        .toBe(200);
    }
  });

  it('that is kept has a bound in all, and a signature for which there is no room asks nobody for a PIN', async () => {
    await using bench = await openBench();
    const certificate = certificateFor(testKey('P-256').publicKey);
    const watched = watchedPivCard({ keys: { '9C': cardKey('P-256', { certificate }) } });
    const card = await bench.insert(watched);
    const api = await bench.socket();
    const half = Buffer.alloc(KEPT_BYTES / 2);
    const { content: upload } = await postContent(bench, half, '?keep=true');
    const params = { card, keyReference: '9C', content: { upload }, detached: false, pin: PIN };
    resultOf(await api.call('sign.cms', params));
    watched.forget();
    expect(outcomeOf(await api.call('sign.cms', params))).toBe('contents_full');
    expect(watched.count(INS.verify, 'with data')).toBe(0);
    await postContent(bench, half, '?keep=true');
    expect(codeOf(await requestContent(bench, 'POST', '?keep=true', { body: Buffer.of(1) }))).toBe('contents_full');
    await postContent(bench, Buffer.of(1));
  });
});
