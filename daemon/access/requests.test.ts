import { describe, expect, it } from 'vitest';
import { AccessRequests, REFUSALS_TO_SILENCE, SILENCE_MS, type AccessRequest } from './requests.ts';

const wanted = { origin: 'https://app.example', user: '1000', scopes: ['card.read' as const], reason: undefined };

function ask(
  requests: AccessRequests,
  signal = new AbortController().signal,
  origin = wanted.origin,
): { request: AccessRequest; answer: Promise<boolean> } {
  let request: AccessRequest | undefined;
  const answer = requests.ask({ ...wanted, origin }, { signal, onRequest: (standing) => (request = standing) });
  if (!request) throw new Error('the request does not stand');
  return { request, answer };
}

describe('AccessRequests', () => {
  it('resolves with what the person decides under the code', async () => {
    const requests = new AccessRequests(() => 0);
    const first = ask(requests);
    expect(requests.list()).toEqual([first.request]);
    requests.decide(first.request.code.toLowerCase(), true);
    await expect(first.answer).resolves.toBe(true);
    expect(requests.list()).toEqual([]);
  });

  it('dies with its caller', async () => {
    const requests = new AccessRequests(() => 0);
    const caller = new AbortController();
    const { request, answer } = ask(requests, caller.signal);
    caller.abort(new Error('gone'));
    await expect(answer).rejects.toThrow('gone');
    expect(() => requests.decide(request.code, true)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
  });

  it('lets an origin wait with one request at a time', async () => {
    const requests = new AccessRequests(() => 0);
    const caller = new AbortController();
    const first = ask(requests, caller.signal);
    await expect(requests.ask(wanted, { signal: caller.signal, onRequest: () => undefined })).rejects.toMatchObject({
      code: 'too_many_calls',
    });
    requests.decide(first.request.code, true);
    await first.answer;
  });

  it('silences an origin for ten minutes after three refusals, and no other', async () => {
    let now = 0;
    const requests = new AccessRequests(() => now);
    for (let refusal = 0; refusal < REFUSALS_TO_SILENCE; refusal++) {
      const { request, answer } = ask(requests);
      requests.decide(request.code, false);
      await expect(answer).resolves.toBe(false);
    }
    const { signal } = new AbortController();
    await expect(requests.ask(wanted, { signal, onRequest: () => undefined })).rejects.toMatchObject({
      code: 'access_silenced',
      details: { waitMs: SILENCE_MS },
    });
    const other = ask(requests, signal, 'https://other.example');
    requests.decide(other.request.code, true);
    await other.answer;
    now = SILENCE_MS;
    const again = ask(requests);
    requests.decide(again.request.code, true);
    await expect(again.answer).resolves.toBe(true);
  });
});
