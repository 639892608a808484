/** A card for tests of worked examples: it knows what it will be asked, byte for byte, and what it answers. */
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { encodeCommandApdu } from '../../apdu/iso7816/command-apdu.ts';
import type { Exchange } from '../../apdu/iso7816/exchange.ts';
import { parseResponseApdu } from '../../apdu/iso7816/response-apdu.ts';

/** Commands and their responses in turn, in hexadecimal; spaces are for readers. */
export function workedCard(...dialogue: readonly (readonly [command: string, response: string])[]): {
  readonly exchange: Exchange;
} {
  const left = dialogue.map((turn) => turn.map((text) => text.replaceAll(' ', '')));
  return {
    exchange: (command) => {
      const [expected, response = ''] = left.shift() ?? [];
      const sent = formatHex(encodeCommandApdu(command));
      if (sent !== expected)
        return Promise.reject(new Error(`the card was to be asked ${expected ?? 'nothing'}, and is asked ${sent}`));
      return Promise.resolve(parseResponseApdu(parseHex(response)));
    },
  };
}

/** Gives out what the example drew at random, in its order. */
export function drawing(...values: readonly string[]): (length: number) => Uint8Array {
  const left = values.map((text) => parseHex(text.replaceAll(' ', '')));
  return (length) => {
    const value = left.shift();
    if (value?.length !== length) throw new Error(`the example draws ${value?.length ?? 'no'} bytes, and is asked for ${length}`);
    return value;
  };
}
