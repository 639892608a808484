/**
 * One number for each hidden text of a trace: the same text has the same number, so that one sees which belong together. They are found again by a keyed hash
 * (HMAC, RFC 2104) whose key is of this trace alone and is never written: nobody tries texts out on a trace.
 */
import { createHmac } from 'node:crypto';

const KEY_BYTES = 32;

export class Pseudonyms {
  readonly #numbers = new Map<string, number>();
  readonly #key: Uint8Array;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#key = randomBytes(KEY_BYTES);
  }

  of(hidden: Uint8Array): number {
    const digest = createHmac('sha256', this.#key).update(hidden).digest('base64');
    const known = this.#numbers.get(digest);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(digest, number);
    return number;
  }

  /** No other text can be compared afterwards. */
  forget(): void {
    this.#key.fill(0);
    this.#numbers.clear();
  }
}
