/** A card's connection while a trace runs: the same to whoever uses it, and every exchange is told. */
import type { CardConnection, PinKeypad } from '../../apdu/card-connection.ts';
import { DeviceProtocolError } from '../../drivers/errors.ts';
import { codeOf } from '../api/wire-error.ts';
import type { SeenExchange } from './redaction.ts';

export interface TapOptions {
  /** Called when the exchange is over; what it is given is the caller's own, and wiped or used again afterwards. */
  readonly onExchange: (seen: SeenExchange) => void;
  /** Called once. */
  readonly onClose: (how: 'kept' | 'reset') => void;
  /** Milliseconds, of a clock that never goes back. */
  readonly elapsed: () => number;
}

export function tapConnection(connection: CardConnection, options: TapOptions): CardConnection {
  let isSensitive = false;
  let isClosed = false;
  const watch = async (
    command: Uint8Array,
    how: { readonly isSensitive: boolean; readonly onKeypad?: true },
    carry: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> => {
    isSensitive ||= how.isSensitive;
    const began = options.elapsed();
    const tell = (outcome: Pick<SeenExchange, 'response' | 'problem'>): void =>
      options.onExchange({ command, ...how, ...outcome, durationMs: options.elapsed() - began });
    try {
      const response = await carry();
      tell({ response });
      return response;
    } catch (error) {
      tell({ problem: codeOf(error) });
      throw error;
    }
  };
  const { atr, supportsExtendedLength, keypad } = connection;
  return {
    ...{ atr, supportsExtendedLength },
    transmit: (command, how) => watch(command, { isSensitive: how?.sensitive === true }, () => connection.transmit(command, how)),
    ...(keypad
      ? { keypad: tapKeypad(keypad, (command, carry) => watch(command, { isSensitive: true, onKeypad: true }, carry)) }
      : {}),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]();
      if (isClosed) return;
      isClosed = true;
      options.onClose(isSensitive ? 'reset' : 'kept');
    },
  };
}

/** The command as it is handed to the reader has no PIN in it, only its place. */
function tapKeypad(
  keypad: PinKeypad,
  watch: (command: Uint8Array, carry: () => Promise<Uint8Array>) => Promise<Uint8Array>,
): PinKeypad {
  const modifyPin: NonNullable<PinKeypad['modifyPin']> = (command, format) =>
    watch(command, async () => {
      const answer = await keypad.modifyPin?.(command, format);
      if (!answer) throw new DeviceProtocolError('changing the PIN on the keypad: the reader cannot');
      return answer;
    });
  return {
    verifyPin: (command, format) => watch(command, () => keypad.verifyPin(command, format)),
    ...(keypad.modifyPin ? { modifyPin } : {}),
  };
}
