/** What the tests of the PIV card share: a card that is spoken to in hexadecimal, and commands of any length by chaining. */
import { createPivCard, type PivCardOptions, type SimulatedPivCard } from '../piv.ts';
import { concatBytes, formatHex, parseHex } from '../../bytes.ts';

export const SELECT = '00a4040005a000000308';
export const VERIFY = '0020008008313233343536ffff';
/** The default 3DES management key of the worked example in SP 800-73-5 part 2, appendix A, as kortd's notes compute it. */
export const WITNESS = '0011223344556677';

export class CardUnderTest {
  readonly card: SimulatedPivCard;
  readonly internalErrors: unknown[] = [];

  constructor(options: PivCardOptions = {}) {
    this.card = createPivCard({ onInternalError: (error) => this.internalErrors.push(error), ...options });
    this.card.powerUp();
  }

  /** One exchange, in hexadecimal; for commands that the card answers on the spot. */
  send(command: string): string {
    const response = this.card.process(parseHex(command));
    if (response instanceof Promise) throw new Error('the card did not answer on the spot');
    return formatHex(response);
  }

  async sendSlow(command: string): Promise<string> {
    return formatHex(await this.card.process(parseHex(command)));
  }

  select(): this {
    this.send(SELECT);
    return this;
  }

  verify(): this {
    this.send(VERIFY);
    return this;
  }

  /** Mutually, with the witness that `knownRandomBytes` gives the card. */
  authenticate(): this {
    this.send('0087039b047c028000');
    const answer = this.send(`0087039b167c148008${WITNESS}81088899aabbccddeeff`);
    if (!answer.endsWith('9000')) throw new Error(`the management key was refused: ${answer}`);
    return this;
  }

  /** As `authenticate`, on a card that may have been changed by then. */
  authenticateIfPossible(): void {
    this.send('0087039b047c028000');
    this.send(`0087039b167c148008${WITNESS}81088899aabbccddeeff`);
  }

  /** Chains the data, fetches the whole answer; gives it without 9000, or the status word alone. */
  async exchange(header: string, data: Uint8Array): Promise<Uint8Array | string> {
    let offset = 0;
    for (; data.length - offset > 255; offset += 255)
      await this.sendSlow(`10${header.slice(2)}ff${formatHex(data.subarray(offset, offset + 255))}`);
    const rest = data.subarray(offset);
    const lc = rest.length === 0 ? '' : formatHex(Uint8Array.of(rest.length));
    let response = await this.card.process(parseHex(`${header}${lc}${formatHex(rest)}`));
    const parts = [response.subarray(0, -2)];
    while (response.at(-2) === 0x61) {
      response = await this.card.process(parseHex('00c0000000'));
      parts.push(response.subarray(0, -2));
    }
    const statusWord = formatHex(response.subarray(-2));
    return statusWord === '9000' ? concatBytes(...parts) : statusWord;
  }
}

/** Eight bytes of the worked example for witnesses and challenges; anything else counts up. */
export function knownRandomBytes(lengthBytes: number): Uint8Array {
  return lengthBytes === 8 ? parseHex(WITNESS) : Uint8Array.from({ length: lengthBytes }, (_, index) => index + 1);
}

/** mulberry32: the same numbers at every run. */
export function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
