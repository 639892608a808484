/**
 * Faults of cards and readers, as data: what goes wrong, and at which exchange, counted from 1 at the moment when the fault is armed. `withFaults` puts
 * them around a card; `SimulatedReader.arm` puts them into a reader, which can do all of them.
 */
import { parseHex } from './bytes.ts';
import type { SimulatedCard } from './card.ts';
import { systemClock, type SimulatedClock } from './clock.ts';

/** Whether the card still carries out the command whose answer is lost. Default: "before", it does not. */
export type FaultPhase = 'before' | 'after';

export type Fault =
  /** The card is pulled during exchange `at`. */
  | { readonly kind: 'pull'; readonly at: number; readonly phase?: FaultPhase }
  /** The card is reset during exchange `at`, by another program or a power dip. */
  | { readonly kind: 'reset'; readonly at: number; readonly phase?: FaultPhase }
  /** No answer any more, from exchange `from` on. */
  | { readonly kind: 'mute'; readonly from: number }
  /** Every answer comes `delayMs` late, from exchange `from` (default 1) on. */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly from?: number }
  /** Exchange `at` is answered with this status word ("6F00") and nothing else; the card does not see the command. */
  | { readonly kind: 'statusWord'; readonly at: number; readonly statusWord: string }
  /** Exchange `at` is carried out and answered with these bytes instead (hexadecimal; default: 32 bytes of A5). */
  | { readonly kind: 'garbage'; readonly at: number; readonly response?: string }
  /** Exchange `at` is carried out; of its answer only the first `lengthBytes` arrive. */
  | { readonly kind: 'truncate'; readonly at: number; readonly lengthBytes: number }
  /** Readers only: unplugged and plugged in again, `times` over, each state held for `periodMs`. Starts at once. */
  | { readonly kind: 'flap'; readonly times: number; readonly periodMs: number };

/** What one exchange suffers. */
export interface ExchangeFaults {
  readonly delayMs: number;
  readonly isMute: boolean;
  readonly lost?: { readonly kind: 'pull' | 'reset'; readonly phase: FaultPhase };
  /** Answered without asking the card. */
  readonly forced?: Uint8Array;
  /** Applied to what the card answers. */
  readonly alter?: (response: Uint8Array) => Uint8Array;
}

const GARBAGE = new Uint8Array(32).fill(0xa5);

/** Armed faults, each with its own count of exchanges. */
export class FaultSchedule {
  #armed: { readonly fault: Fault; exchanges: number }[] = [];

  arm(faults: readonly Fault[]): void {
    this.#armed.push(...faults.map((fault) => ({ fault, exchanges: 0 })));
  }

  disarm(): void {
    this.#armed = [];
  }

  /** Counts one exchange. Undefined when nothing happens to it; faults that are over are forgotten. */
  next(): ExchangeFaults | undefined {
    if (this.#armed.length === 0) return undefined;
    let effect: ExchangeFaults = { delayMs: 0, isMute: false };
    for (const armed of this.#armed) effect = apply(effect, armed.fault, ++armed.exchanges);
    this.#armed = this.#armed.filter(({ fault, exchanges }) => !('at' in fault) || exchanges < fault.at);
    return effect;
  }
}

function apply(effect: ExchangeFaults, fault: Fault, exchange: number): ExchangeFaults {
  if (fault.kind === 'flap' || ('at' in fault && fault.at !== exchange)) return effect;
  switch (fault.kind) {
    case 'pull':
    case 'reset':
      return { ...effect, lost: { kind: fault.kind, phase: fault.phase ?? 'before' } };
    case 'mute':
      return exchange >= fault.from ? { ...effect, isMute: true } : effect;
    case 'delay':
      return exchange >= (fault.from ?? 1) ? { ...effect, delayMs: effect.delayMs + fault.delayMs } : effect;
    case 'statusWord':
      return { ...effect, forced: parseHex(fault.statusWord) };
    case 'garbage':
      return { ...effect, alter: () => (fault.response === undefined ? GARBAGE.slice() : parseHex(fault.response)) };
    case 'truncate':
      return { ...effect, alter: (response) => response.slice(0, fault.lengthBytes) };
  }
}

export interface FaultHooks {
  readonly clock?: SimulatedClock;
  /** The card is pulled; without a hook it falls mute. */
  readonly onPull?: () => void;
}

/** A card that suffers `faults`. For benches without a simulated reader, such as the vpcd bridge; `flap` has no meaning here and is refused. */
export function withFaults(card: SimulatedCard, faults: readonly Fault[], hooks: FaultHooks = {}): SimulatedCard {
  if (faults.some((fault) => fault.kind === 'flap')) throw new RangeError('arming a card: only a reader can flap');
  const schedule = new FaultSchedule();
  schedule.arm(faults);
  return {
    kind: card.kind,
    atr: card.atr,
    powerUp: () => card.powerUp(),
    reset: () => card.reset(),
    process: (command) => {
      const effect = schedule.next();
      return effect ? suffer(card, command, effect, hooks) : card.process(command);
    },
  };
}

async function suffer(card: SimulatedCard, command: Uint8Array, effect: ExchangeFaults, hooks: FaultHooks): Promise<Uint8Array> {
  if (effect.delayMs > 0) await (hooks.clock ?? systemClock).wait(effect.delayMs);
  if (effect.isMute) return await never();
  if (effect.lost?.phase === 'before') lose(card, effect.lost.kind, hooks);
  if (effect.lost?.kind === 'pull' && effect.lost.phase === 'before') return await never();
  const response = effect.forced ?? (await card.process(command));
  if (effect.lost?.phase === 'after') lose(card, effect.lost.kind, hooks);
  if (effect.lost?.kind === 'pull') return await never();
  return effect.alter ? effect.alter(response) : response;
}

function lose(card: SimulatedCard, kind: 'pull' | 'reset', hooks: FaultHooks): void {
  card.reset();
  if (kind === 'pull') hooks.onPull?.();
}

/** A mute card: whoever waits has a time limit of its own. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** A card that does not even answer to reset. */
export function createMuteCard(): SimulatedCard {
  const nothing = (): void => undefined;
  return { kind: 'mute', atr: new Uint8Array(), powerUp: nothing, reset: nothing, process: never };
}
