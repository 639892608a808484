/**
 * What people are asked right now, and who waits for the answer: listed, and told when it changes and when it ends. It holds what whoever shows the desk may
 * see: who asks, which card, since when; nothing of what is typed, and none of the asker's own words.
 */
import { randomUUID } from 'node:crypto';
import type { OpenPrompt, PromptOutcome } from '../../api-spec/prompts.ts';
import { CardError } from '../../apdu/errors.ts';
import { DeviceCancelledError, DeviceTimeoutError } from '../../drivers/errors.ts';
import { ApiError } from '../errors.ts';
import { PromptCancelledError, PromptTimedOutError } from './errors.ts';
import type { Prompt } from './prompt.ts';

export type PromptPublish = (
  ...event: ['prompt.changed', { prompt: OpenPrompt }] | ['prompt.ended', { prompt: string; outcome: PromptOutcome }]
) => void;

export interface OpenPromptsOptions {
  readonly publish?: PromptPublish;
  readonly now?: () => Date;
}

/** What it is about, and how it is known that whoever asked is gone. */
export interface Asking {
  readonly about: Pick<Prompt, 'asker' | 'kind'> & Partial<Pick<OpenPrompt, 'action' | 'card' | 'pinLabel' | 'reader' | 'task'>>;
  readonly user: string;
  readonly signal: AbortSignal;
}

export type Shown = (where: NonNullable<OpenPrompt['where']>) => void;

export class OpenPrompts {
  readonly #open = new Map<string, OpenPrompt>();
  readonly #publish: PromptPublish;
  readonly #now: () => Date;

  constructor({ publish = () => undefined, now = () => new Date() }: OpenPromptsOptions = {}) {
    this.#publish = publish;
    this.#now = now;
  }

  /** The oldest first. */
  list(): readonly OpenPrompt[] {
    return [...this.#open.values()];
  }

  /** It is open while `work` asks; ends as that does, with the same result or error. */
  async during<R>({ about, user, signal }: Asking, work: (shown: Shown) => Promise<R>): Promise<R> {
    const prompt = randomUUID();
    const told = { prompt, ...describe(about), user, since: this.#now().toISOString() };
    this.#change(told);
    let outcome: PromptOutcome = 'answered';
    try {
      return await work((where) => this.#change({ ...told, where }));
    } catch (error) {
      outcome = outcomeOf(error, signal);
      throw error;
    } finally {
      this.#open.delete(prompt);
      this.#publish('prompt.ended', { prompt, outcome });
    }
  }

  #change(prompt: OpenPrompt): void {
    this.#open.set(prompt.prompt, prompt);
    this.#publish('prompt.changed', { prompt });
  }
}

function describe({
  kind,
  asker,
  action,
  card,
  pinLabel,
  reader,
  task,
}: Asking['about']): Omit<OpenPrompt, 'prompt' | 'since' | 'user'> {
  return {
    kind,
    asker: { kind: asker.kind, name: asker.name },
    ...(action === undefined ? {} : { action }),
    ...(card === undefined ? {} : { card }),
    ...(pinLabel === undefined ? {} : { pinLabel }),
    ...(reader === undefined ? {} : { reader }),
    ...(task === undefined ? {} : { task: { en: task.en, sv: task.sv } }),
  };
}

function outcomeOf(error: unknown, signal: AbortSignal): PromptOutcome {
  if (error instanceof PromptCancelledError || error instanceof DeviceCancelledError) return 'cancelled';
  if (error instanceof PromptTimedOutError || error instanceof DeviceTimeoutError) return 'timedOut';
  if (error instanceof ApiError && error.code === 'deadline_exceeded') return 'timedOut';
  if (signal.aborted) return 'withdrawn';
  return error instanceof CardError ? 'answered' : 'failed';
}
