/** What the tables of provocations share: the stage on which an error is provoked, the card that stands on it, and what is typed there. */
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import { PIN, cardKey, certificateFor, testKey, watchedPivCard, type Bench, type RpcSocket } from './support.ts';

export interface Stage {
  readonly bench: Bench;
  readonly api: RpcSocket;
  readonly method: MethodName;
  /** Calls the method on this card and records what comes. */
  readonly call: (card: unknown, changes?: object) => Promise<'ok' | ErrorCode>;
}

export type Provocation = (stage: Stage) => Promise<'ok' | ErrorCode>;
export type ProvocationsOf<K extends PropertyKey> = Readonly<Partial<Record<K, Provocation>>>;

/** Of every card that is made here, unless it shall have another. */
export const SERIAL_NUMBER = 1_000_001;
export const certificate = certificateFor(testKey('P-256').publicKey);

export function makeCard(options: Parameters<typeof watchedPivCard>[0] = {}): ReturnType<typeof watchedPivCard> {
  return watchedPivCard({ serialNumber: SERIAL_NUMBER, keys: { '9A': cardKey('P-256', { certificate }) }, ...options });
}

export function withFault(...faults: readonly Fault[]): Provocation {
  return async ({ bench, call }) => {
    const id = await bench.insert(makeCard());
    bench.reader().arm(faults);
    return await call(id);
  };
}

/** What is typed on the reader with a keypad: the bench's second. */
export const keypad = { types: PIN };
