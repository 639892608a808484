/** A card ready for whole commands: what a card application speaks through for the length of one transaction. */
import type { CardConnection, PinKeypad } from './card-connection.ts';
import { CardDataError } from './errors.ts';
import { AtrError, parseAtr, type Atr } from './iso7816/atr.ts';
import {
  rawExchange,
  withCommandChaining,
  withExactLe,
  withExtendedLength,
  withGetResponse,
  type Exchange,
} from './iso7816/exchange.ts';
import { ResponseApduError } from './iso7816/response-apdu.ts';

export interface CardChannel {
  /** Absent when the ATR does not parse; the card may work all the same. */
  readonly atr: Atr | undefined;
  /** Both the reader and the card carry extended length. */
  readonly supportsExtendedLength: boolean;
  /** Carries a command of any length and resolves with the whole response. Rejects with DeviceError, CardDataError, or the signal's reason. */
  readonly exchange: Exchange;
  readonly keypad?: PinKeypad;
  /** Throws the signal's reason once the call was given up. */
  readonly throwIfAborted: () => void;
}

export interface ChannelOptions {
  /** Looked at before each exchange; an exchange under way is never cut off. */
  readonly signal?: AbortSignal;
  /** Called after each exchange with the reader, for counting and tracing: never with data. */
  readonly onExchange?: () => void;
}

/** Longest response that any card application here expects: a facial image of a passport is smaller. */
const MAX_WHOLE_RESPONSE = 0x2_0000;

export function openChannel(connection: CardConnection, options: ChannelOptions = {}): CardChannel {
  const atr = parseAtrOrNothing(connection.atr);
  const supportsExtendedLength = connection.supportsExtendedLength && atr?.capabilities?.extendedLength === true;
  const throwIfAborted = (): void => options.signal?.throwIfAborted();
  const single = withExactLe(
    rawExchange((command, { sensitive }) => {
      throwIfAborted();
      options.onExchange?.();
      return connection.transmit(command, { sensitive });
    }),
  );
  const short = withGetResponse(withCommandChaining(single), MAX_WHOLE_RESPONSE);
  const whole = supportsExtendedLength ? withExtendedLength(withGetResponse(single, MAX_WHOLE_RESPONSE), short) : short;
  return {
    atr,
    supportsExtendedLength,
    exchange: async (command) => {
      try {
        return await whole(command);
      } catch (error) {
        if (error instanceof ResponseApduError)
          throw new CardDataError(error.message, { instruction: command.ins }, { cause: error });
        throw error;
      }
    },
    throwIfAborted,
    ...(connection.keypad ? { keypad: connection.keypad } : {}),
  };
}

function parseAtrOrNothing(bytes: Uint8Array): Atr | undefined {
  try {
    return parseAtr(bytes);
  } catch (error) {
    if (error instanceof AtrError) return undefined;
    throw error;
  }
}
