import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import { EnteredPins } from './entered-pins.ts';
import { PromptCancelledError, PromptProtocolError, PromptStationGoneError, PromptTimedOutError } from './errors.ts';
import type { AskOptions, ConsentPrompt, Prompt, PromptPlace, PromptStation } from './prompt.ts';
import { MAX_PROMPTS, PromptDesk, PROMPT_TIMEOUT_MS } from './prompt-desk.ts';

const PROMPT: ConsentPrompt = {
  kind: 'consent',
  asker: { kind: 'origin', name: 'https://a.example' },
  scopes: ['sign'],
  code: 'K',
};
const USER = '1000';

interface Asked {
  readonly prompt: Prompt;
  readonly options: AskOptions;
  readonly resolve: (pins: EnteredPins) => void;
  readonly reject: (error: Error) => void;
}

/** A place whose person answers when the test says so. */
class Station implements PromptStation {
  readonly place: PromptPlace;
  readonly user: string;
  readonly asked: Asked[] = [];

  constructor(place: PromptPlace = 'agent', user = USER) {
    this.place = place;
    this.user = user;
  }

  ask(prompt: Prompt, options: AskOptions): Promise<EnteredPins> {
    const { promise, resolve, reject } = Promise.withResolvers<EnteredPins>();
    this.asked.push({ prompt, options, resolve, reject });
    options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true });
    return promise;
  }

  get last(): Asked {
    const asked = this.asked.at(-1);
    if (!asked) throw new Error('nothing was asked');
    return asked;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function ask(desk: PromptDesk, change: Partial<Parameters<PromptDesk['ask']>[1]> = {}): Promise<EnteredPins> {
  const asked = desk.ask(PROMPT, { user: USER, signal: new AbortController().signal, ...change });
  asked.catch(() => undefined);
  return asked;
}

describe('PromptDesk', () => {
  it('asks where the person is, with the time that a person gets', async () => {
    const desk = new PromptDesk();
    const station = new Station();
    desk.add(new Station('agent', '1001'));
    desk.add(station);
    const shown: PromptPlace[] = [];
    const asked = ask(desk, { onShown: (place) => shown.push(place) });
    await turn();
    expect(station.last.prompt).toBe(PROMPT);
    expect(station.last.options.timeoutMs).toBe(PROMPT_TIMEOUT_MS);
    const pins = new EnteredPins();
    station.last.resolve(pins);
    expect(await asked).toBe(pins);
    expect(shown).toEqual(['agent']);
  });

  it('has no place for a person who is not there, and tells so at once', async () => {
    const desk = new PromptDesk();
    desk.add(new Station('agent', '1001'));
    desk.add(new Station())[Symbol.dispose]();
    await expect(ask(desk)).rejects.toMatchObject({ code: 'pin_required' });
    expect(desk.placesOf(USER)).toEqual([]);
  });

  it('prefers the agent to the console, and the latest of a kind', async () => {
    const desk = new PromptDesk();
    const stations = [new Station(), new Station('console'), new Station(), new Station('console')];
    for (const station of stations) desk.add(station);
    expect(desk.placesOf(USER)).toEqual(['agent', 'agent', 'console', 'console']);
    void ask(desk);
    await turn();
    expect(stations.map(({ asked }) => asked.length)).toEqual([0, 0, 1, 0]);
  });

  it.each([new PromptProtocolError('x'), new PromptStationGoneError('x')])(
    'goes on to the next place after a $name, and tells where',
    async (error) => {
      const desk = new PromptDesk();
      const [agent, console] = [new Station(), new Station('console')];
      desk.add(console);
      desk.add(agent);
      const shown: PromptPlace[] = [];
      const asked = ask(desk, { onShown: (place) => shown.push(place) });
      await turn();
      agent.last.reject(error);
      await turn();
      console.last.resolve(new EnteredPins());
      expect((await asked).secrets.size).toBe(0);
      expect(shown).toEqual(['agent', 'console']);
    },
  );

  it('rejects with the last problem when no place is left', async () => {
    const desk = new PromptDesk();
    const station = new Station();
    const registration = desk.add(station);
    const asked = ask(desk);
    await turn();
    registration[Symbol.dispose]();
    const gone = new PromptStationGoneError('the agent went away');
    station.last.reject(gone);
    await expect(asked).rejects.toBe(gone);
  });

  it.each([new PromptCancelledError('x'), new PromptTimedOutError('x', 1), new Error('x')])(
    'takes $name for an answer: nobody else is asked',
    async (error) => {
      const desk = new PromptDesk();
      const [agent, console] = [new Station(), new Station('console')];
      desk.add(agent);
      desk.add(console);
      const asked = ask(desk);
      await turn();
      agent.last.reject(error);
      await expect(asked).rejects.toBe(error);
      expect(console.asked).toEqual([]);
    },
  );

  it('asks a person one thing at a time, and another person meanwhile', async () => {
    const desk = new PromptDesk();
    const [station, other] = [new Station(), new Station('agent', '1001')];
    desk.add(station);
    desk.add(other);
    const first = ask(desk);
    const second = ask(desk);
    void ask(desk, { user: '1001' });
    await turn();
    expect([station.asked.length, other.asked.length]).toEqual([1, 1]);
    station.last.reject(new PromptCancelledError('no'));
    await expect(first).rejects.toThrow('no');
    await turn();
    expect(station.asked).toHaveLength(2);
    station.last.resolve(new EnteredPins());
    await second;
  });

  it('lets no more wait than a person can bear, and those who give up make room', async () => {
    const desk = new PromptDesk();
    const station = new Station();
    desk.add(station);
    const caller = new AbortController();
    const shown = ask(desk);
    const waiting = Array.from({ length: MAX_PROMPTS }, () => ask(desk, { signal: caller.signal }));
    await expect(ask(desk)).rejects.toMatchObject({ code: 'too_many_calls' });
    const reason = new ApiError('call_cancelled', 'gone');
    caller.abort(reason);
    for (const one of waiting) await expect(one).rejects.toBe(reason);
    const next = ask(desk);
    await turn();
    expect(station.asked).toHaveLength(1);
    station.last.resolve(new EnteredPins());
    await shown;
    await turn();
    station.last.resolve(new EnteredPins());
    await next;
  });

  it('goes with its caller: the place is told by the signal', async () => {
    const desk = new PromptDesk();
    const station = new Station();
    desk.add(station);
    const caller = new AbortController();
    const asked = ask(desk, { signal: caller.signal });
    await turn();
    const reason = new Error('the call ended');
    caller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(station.last.options.signal.aborted).toBe(true);
  });

  it('waits for a place, and no longer than its caller', async () => {
    const desk = new PromptDesk();
    const caller = new AbortController();
    const found = desk.whenPlace(USER, new AbortController().signal);
    const inVain = desk.whenPlace('1002', caller.signal);
    inVain.catch(() => undefined);
    desk.add(new Station('console', '1001'));
    desk.add(new Station('console'));
    await found;
    await desk.whenPlace(USER, new AbortController().signal);
    const reason = new Error('gone');
    caller.abort(reason);
    await expect(inVain).rejects.toBe(reason);
    await expect(desk.whenPlace(USER, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
