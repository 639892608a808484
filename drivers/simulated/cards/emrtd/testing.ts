/** What the tests of the simulated passport share: a chip that is spoken to in hexadecimal, and random bytes that are known. */
import { formatHex, parseHex } from '../../bytes.ts';
import { createEmrtdCard, type EmrtdCardOptions, type SimulatedEmrtdCard } from '../emrtd.ts';

export interface SpokenChip {
  readonly card: SimulatedEmrtdCard;
  /** In lower case, without spaces. */
  send(command: string): string;
}

/** A failure inside the simulator fails the test. */
export function spokenChip(options: EmrtdCardOptions = {}): SpokenChip {
  const failures: unknown[] = [];
  const card = createEmrtdCard({ ...options, onInternalError: (error) => failures.push(error) });
  return {
    card,
    send: (command) => {
      const answer = card.process(parseHex(command));
      if (failures.length > 0) throw failures[0];
      if (answer instanceof Promise) throw new TypeError('the chip answers later');
      return formatHex(answer);
    },
  };
}

/** Gives these values in turn. */
export function drawing(...values: readonly string[]): (lengthBytes: number) => Uint8Array {
  const left = values.map(parseHex);
  return (lengthBytes) => {
    const value = left.shift();
    if (value?.length !== lengthBytes)
      throw new RangeError(`the chip draws ${lengthBytes} bytes, the example has ${value?.length ?? 0}`);
    return value;
  };
}

export const SELECT_APPLICATION = '00a4040c07a0000002471001';
