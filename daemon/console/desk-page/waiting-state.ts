/** What waits for a person: prompts that are open at the desk, and web sites that asked for access. */
import type { Result } from '../../../api-spec/methods/index.ts';
import type { OpenPrompt } from '../../../api-spec/prompts.ts';
import { Topic, type EventOf } from './topic.ts';

type Request = Pick<Result<'access.list'>['requests'][number], 'code' | 'origin' | 'requestedAt'>;

export interface WaitingState {
  /** But for those about access, which stand with the requests. */
  readonly prompts: ReadonlyMap<string, OpenPrompt>;
  /** By code. */
  readonly requests: ReadonlyMap<string, Request>;
}

const WAITING_EVENTS = ['access.requested', 'access.settled', 'prompt.changed', 'prompt.ended'] as const;
type WaitingEvent = EventOf<(typeof WAITING_EVENTS)[number]>;

export const waiting = new Topic<WaitingState, WaitingEvent['name']>({
  events: WAITING_EVENTS,
  load: async (client) => {
    const [{ prompts }, { requests }] = await Promise.all([client.call('prompt.list'), client.call('access.list')]);
    return {
      prompts: new Map(prompts.filter(isOfTheDesk).map((prompt) => [prompt.prompt, prompt])),
      requests: new Map(requests.map((request) => [request.code, request])),
    };
  },
  apply: applyToWaiting,
});

export function applyToWaiting(state: WaitingState, events: readonly WaitingEvent[]): WaitingState {
  const [prompts, requests] = [new Map(state.prompts), new Map(state.requests)];
  for (const { name, data, time } of events) {
    switch (name) {
      case 'access.requested':
        requests.set(data.code, { code: data.code, origin: data.origin, requestedAt: time });
        break;
      case 'access.settled':
        requests.delete(data.code);
        break;
      case 'prompt.changed':
        if (isOfTheDesk(data.prompt)) prompts.set(data.prompt.prompt, data.prompt);
        break;
      case 'prompt.ended':
        prompts.delete(data.prompt);
        break;
    }
  }
  return { prompts, requests };
}

export const countOf = ({ prompts, requests }: WaitingState): number => prompts.size + requests.size;

const isOfTheDesk = ({ kind }: OpenPrompt): boolean => kind !== 'consent';
