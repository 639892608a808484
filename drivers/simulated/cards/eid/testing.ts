/** What the tests of the PKCS #15 card share: a card that is spoken to in hexadecimal, and whole exchanges over its own transport. */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { concatBytes, formatHex, parseBase64, parseHex } from '../../bytes.ts';
import { createEidCard, type EidCardOptions, type SimulatedEidCard } from '../eid.ts';
import type { KeyName } from './layout.ts';
import { describePersona } from './personas.ts';

export const SELECT_APPLICATION = '00a4040c0ca000000063504b43532d3135';

/** Padded with zeros, as hexadecimal. */
export function pinBlock(digits: string, padding = '00'): string {
  return Buffer.from(digits).toString('hex').padEnd(16, padding);
}

export class CardUnderTest {
  readonly card: SimulatedEidCard;
  readonly internalErrors: unknown[] = [];

  constructor(options: EidCardOptions = {}) {
    this.card = createEidCard({ onInternalError: (error) => this.internalErrors.push(error), ...options });
    this.card.powerUp();
  }

  /** One exchange, in hexadecimal; for commands that the card answers on the spot. */
  send(command: string): string {
    const response = this.card.process(parseHex(command));
    if (response instanceof Promise) throw new Error('the card did not answer on the spot');
    return formatHex(response);
  }

  /** Several, of which only the last may answer other than 9000. */
  sendAll(...commands: readonly string[]): string {
    for (const command of commands.slice(0, -1)) {
      const answer = this.send(command);
      if (!answer.endsWith('9000')) throw new Error(`${command} was answered with ${answer}`);
    }
    return this.send(commands.at(-1) ?? '');
  }

  select(): this {
    this.send(SELECT_APPLICATION);
    return this;
  }

  /** Chains the data, fetches the whole answer; gives it without 9000, or the status word alone. */
  async exchange(header: string, data: Uint8Array): Promise<Uint8Array | string> {
    let offset = 0;
    for (; data.length - offset > 255; offset += 255)
      await this.card.process(parseHex(`10${header.slice(2)}ff${formatHex(data.subarray(offset, offset + 255))}`));
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

  /** As `exchange`, for what must succeed. */
  async obtain(header: string, data: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    const answer = await this.exchange(header, data);
    if (typeof answer === 'string') throw new Error(`${header} was answered with ${answer}`);
    return answer;
  }
}

/** The certificate that a persona's card came with. */
export function certificateOf(persona: string, use: KeyName): X509Certificate {
  return new X509Certificate(parseBase64(describePersona({ persona }).keys?.[use]?.certificate ?? ''));
}

export function publicKeyOf(persona: string, use: KeyName): KeyObject {
  return certificateOf(persona, use).publicKey;
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
