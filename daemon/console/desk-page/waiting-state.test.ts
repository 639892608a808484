import { describe, expect, it } from 'vitest';
import { EXAMPLE_PROMPT } from '../../../api-spec/generate/example-prompt.ts';
import type { EventData, EventName } from '../../../api-spec/events.ts';
import type { EventOf } from './topic.ts';
import { applyToWaiting, countOf, waiting, type WaitingState } from './waiting-state.ts';

const NOTHING: WaitingState = { prompts: new Map(), requests: new Map() };
const TIME = '2026-03-02T08:15:00.000Z';
type Names = 'access.requested' | 'access.settled' | 'prompt.changed' | 'prompt.ended';
const event = <N extends Names & EventName>(name: N, data: EventData<N>): EventOf<Names> =>
  ({ sequence: 1, time: TIME, name, data }) as unknown as EventOf<Names>;
const { prompt } = EXAMPLE_PROMPT;

describe('what waits for a person', () => {
  it('is there until it ended, however it did', () => {
    const asked = applyToWaiting(NOTHING, [
      event('prompt.changed', { prompt: EXAMPLE_PROMPT }),
      event('access.requested', { code: 'K7M2QX', origin: 'https://a.example', scopes: ['sign'] }),
    ]);
    expect([...asked.requests.values()]).toEqual([{ code: 'K7M2QX', origin: 'https://a.example', requestedAt: TIME }]);
    expect(countOf(asked)).toBe(2);
    const ended = applyToWaiting(asked, [
      event('prompt.ended', { prompt, outcome: 'timedOut' }),
      event('access.settled', { code: 'K7M2QX', origin: 'https://a.example', outcome: 'denied' }),
    ]);
    expect(countOf(ended)).toBe(0);
  });

  it('is told once of a web site, though it is a request and a prompt', async () => {
    const consent = { ...EXAMPLE_PROMPT, kind: 'consent' } as const;
    expect(countOf(applyToWaiting(NOTHING, [event('prompt.changed', { prompt: consent })]))).toBe(0);
    const answers = {
      'prompt.list': { prompts: [consent, EXAMPLE_PROMPT] },
      'access.list': { grants: [], requests: [{ code: 'A', origin: 'https://a.example', requestedAt: TIME }] },
    };
    const call = (method: keyof typeof answers): Promise<unknown> => Promise.resolve(answers[method]);
    await waiting.load({ call } as unknown as Parameters<typeof waiting.load>[0]);
    expect([...(waiting.value?.prompts.keys() ?? [])]).toEqual([prompt]);
    expect([...(waiting.value?.requests.keys() ?? [])]).toEqual(['A']);
  });
});
