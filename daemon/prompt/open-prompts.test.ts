import { describe, expect, it } from 'vitest';
import { PinRejectedError } from '../../apdu/errors.ts';
import { DeviceCancelledError, DeviceTimeoutError } from '../../drivers/errors.ts';
import { ApiError } from '../errors.ts';
import { EnteredPins } from './entered-pins.ts';
import { PromptCancelledError, PromptStationGoneError, PromptTimedOutError } from './errors.ts';
import { OpenPrompts, type Asking } from './open-prompts.ts';
import type { PinPrompt, PromptStation } from './prompt.ts';
import { MAX_PROMPTS, PromptDesk } from './prompt-desk.ts';

const PROMPT: PinPrompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://a.example' },
  card: 'piv 1234, Reader',
  purpose: 'whatever the page says',
  statement: 'what is signed',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
};
const USER = '1000';

interface Told {
  readonly prompts: OpenPrompts;
  readonly events: unknown[];
}

function told(): Told {
  const events: unknown[] = [];
  const prompts = new OpenPrompts({ publish: (...event) => void events.push(event), now: () => new Date(0) });
  return { prompts, events };
}

const asking = (signal = new AbortController().signal): Asking => ({ about: PROMPT, user: USER, signal });

describe('what people are asked', () => {
  it('is listed and told without the asker’s words, where it is shown, and that it ended', async () => {
    const { prompts, events } = told();
    const answer = Promise.withResolvers<string>();
    const open = prompts.during(asking(), (shown) => {
      shown('keypad');
      return answer.promise;
    });
    const [listed] = prompts.list();
    expect(listed).toEqual({
      ...{ prompt: listed?.prompt, kind: 'pin', action: 'verify', asker: PROMPT.asker, card: PROMPT.card, user: USER },
      ...{ where: 'keypad', since: '1970-01-01T00:00:00.000Z' },
    });
    answer.resolve('typed');
    expect(await open).toBe('typed');
    expect(prompts.list()).toEqual([]);
    const { where: _, ...before } = listed ?? {};
    expect(events).toEqual([
      ['prompt.changed', { prompt: before }],
      ['prompt.changed', { prompt: listed }],
      ['prompt.ended', { prompt: listed?.prompt, outcome: 'answered' }],
    ]);
    expect(JSON.stringify(events)).not.toMatch(/typed|whatever|what is signed/);
  });

  it.each([
    [new PromptCancelledError('no'), 'cancelled'],
    [new DeviceCancelledError('no'), 'cancelled'],
    [new PromptTimedOutError('late', 1), 'timedOut'],
    [new DeviceTimeoutError('late'), 'timedOut'],
    [new ApiError('deadline_exceeded', 'late', { timeoutMs: 1 }), 'timedOut'],
    [new PinRejectedError('wrong', { attemptsRemaining: 2 }), 'answered'],
    [new PromptStationGoneError('gone'), 'failed'],
  ] as const)('that ended with %s was %s', async (error, outcome) => {
    const { prompts, events } = told();
    await expect(prompts.during(asking(), () => Promise.reject(error))).rejects.toBe(error);
    expect(events.at(-1)).toMatchObject(['prompt.ended', { outcome }]);
  });

  it('is withdrawn with its caller', async () => {
    const { prompts, events } = told();
    const reason = new ApiError('call_cancelled', 'gone');
    await expect(prompts.during(asking(AbortSignal.abort(reason)), () => Promise.reject(reason))).rejects.toBe(reason);
    expect(events.at(-1)).toMatchObject(['prompt.ended', { outcome: 'withdrawn' }]);
  });

  it('is told at the prompt desk from when it waits, but for what is refused', async () => {
    const { prompts } = told();
    const desk = new PromptDesk(undefined, prompts);
    const answers: (() => void)[] = [];
    const station: PromptStation = {
      ...{ place: 'console', user: USER },
      ask: () => new Promise((resolve) => void answers.push(() => resolve(new EnteredPins()))),
    };
    desk.add(station);
    const { signal } = new AbortController();
    const asked = Array.from({ length: MAX_PROMPTS + 1 }, () => desk.ask(PROMPT, { user: USER, signal }));
    await expect.poll(() => answers.length).toBe(1);
    expect(prompts.list().map(({ where }) => where)).toEqual(['console', ...Array.from({ length: MAX_PROMPTS })]);
    await expect(desk.ask(PROMPT, { user: USER, signal })).rejects.toMatchObject({ code: 'too_many_calls' });
    expect(prompts.list()).toHaveLength(MAX_PROMPTS + 1);
    for (let count = 0; count <= MAX_PROMPTS; count++) {
      await expect.poll(() => answers.length).toBe(1);
      answers.pop()?.();
      (await asked[count])?.[Symbol.dispose]();
    }
    expect(prompts.list()).toEqual([]);
  });
});
