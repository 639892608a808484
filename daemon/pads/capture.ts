/**
 * One signature from the first sample to acceptance: shown, written, cleared and written again, accepted or cancelled. What comes out are samples and their chain;
 * pictures and evidence are made of them afterwards. It ends with its signal, and leaves the pad to whoever opened it.
 */
import type { ButtonId, PadEvent, PadScreen, PenSample, SignaturePad } from '../../drivers/pads/driver.ts';
import { ApiError } from '../errors.ts';
import { SampleChain, identityOf } from './chain.ts';
import type { LiveInk } from './live.ts';

/** Two minutes of a pad with 500 samples a second. */
export const MAX_SAMPLES = 60_000;

export interface CaptureTask {
  readonly pad: SignaturePad;
  readonly documentHash: Uint8Array;
  readonly screen: PadScreen;
  readonly acceptAfterMs: number;
  readonly live: LiveInk;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** What was accepted. */
export interface Written {
  readonly samples: readonly PenSample[];
  readonly lost: number;
  readonly cleared: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly chain: SampleChain;
  readonly attestation?: { readonly format: string; readonly bytes: Uint8Array };
}

interface Attempt {
  readonly samples: PenSample[];
  readonly chain: SampleChain;
  readonly startedAt: Date;
  readonly startedMs: number;
}

/** Throws DeviceError, pad_cancelled, pad_limit_reached, and what the signal says. */
export async function captureSignature(task: CaptureTask): Promise<Written> {
  const { pad, screen, signal } = task;
  await pad.show?.(screen, { signal });
  return await new Writing(task).run();
}

class Writing {
  readonly #task: CaptureTask;
  #attempt: Attempt | undefined;
  #lost = 0;
  #cleared = 0;
  #taken = 0;
  #attestation: Written['attestation'];
  /** Ends the stream: on a pad without buttons, when nothing is written for a while. */
  readonly #quiet = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(task: CaptureTask) {
    this.#task = task;
  }

  async run(): Promise<Written> {
    const { pad, documentHash, signal } = this.#task;
    try {
      const ended = AbortSignal.any([signal, this.#quiet.signal]);
      for await (const event of pad.capture({ signal: ended, documentHash })) {
        const written = await this.#take(event);
        if (written) return written;
      }
      signal.throwIfAborted();
      const written = this.#accepted();
      if (written) return written;
      throw new ApiError('pad_failed', 'capturing from the pad: it ended before anything was accepted');
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #take(event: PadEvent): Promise<Written | undefined> {
    switch (event.kind) {
      case 'pen':
        this.#write(event.sample);
        return undefined;
      case 'lost':
        this.#lost += event.samples;
        this.#count(event.samples);
        this.#task.live.lose(event.samples);
        return undefined;
      case 'attestation':
        this.#attestation = { format: event.format, bytes: event.bytes };
        return undefined;
      case 'button':
        return await this.#press(event.button);
    }
  }

  /** Hovering before the first stroke is no part of a signature. */
  #write(sample: PenSample): void {
    const { live, documentHash, pad, now } = this.#task;
    if (!this.#attempt && !sample.isDown) return;
    this.#count(1);
    if (!this.#attempt) {
      const startedAt = now();
      const chain = new SampleChain({ documentHash, pad: identityOf(pad.description), startedAt: startedAt.getTime() });
      this.#attempt = { samples: [], chain, startedAt, startedMs: performance.now() };
    }
    this.#attempt.samples.push(sample);
    this.#attempt.chain.add(sample, performance.now() - this.#attempt.startedMs);
    live.add(sample);
    if (sample.isDown) this.#waitForQuiet();
  }

  /** Of all attempts together. */
  #count(samples: number): void {
    this.#taken += samples;
    if (this.#taken > MAX_SAMPLES)
      throw new ApiError('pad_limit_reached', 'capturing from the pad: too many samples', { limit: MAX_SAMPLES });
  }

  #waitForQuiet(): void {
    if (this.#task.pad.description.capabilities.buttons !== 'none') return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#quiet.abort(), this.#task.acceptAfterMs);
  }

  /** Accepting nothing is no act: the person has not written yet. */
  async #press(button: ButtonId): Promise<Written | undefined> {
    const { pad, live, signal } = this.#task;
    if (button === 'cancel')
      throw new ApiError('pad_cancelled', 'capturing from the pad: the person pressed cancel', { by: 'signer' });
    if (button === 'accept') return this.#accepted();
    this.#attempt = undefined;
    this.#lost = 0;
    this.#cleared++;
    live.clear();
    await pad.clear({ signal });
    return undefined;
  }

  #accepted(): Written | undefined {
    this.#task.live.flush();
    const { samples, chain, startedAt } = this.#attempt ?? {};
    if (!samples?.some(({ isDown }) => isDown) || !chain || !startedAt) return undefined;
    const common = { samples, lost: this.#lost, cleared: this.#cleared, startedAt, endedAt: this.#task.now(), chain };
    return { ...common, ...(this.#attestation ? { attestation: this.#attestation } : {}) };
  }
}
