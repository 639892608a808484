/**
 * Bytes that must not be seen: PINs, PUKs, card management keys. They are wiped on disposal and print as `[secret]` everywhere.
 * A JavaScript string cannot be wiped, so a secret that arrives as text lives on in that string until it is collected.
 */
import { inspect } from 'node:util';

export class Secret implements Disposable {
  #bytes: Uint8Array | undefined;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes the bytes over: the caller's array is the secret, and is wiped with it. */
  static take(bytes: Uint8Array): Secret {
    return new Secret(bytes);
  }

  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  get lengthBytes(): number {
    return this.#open().length;
  }

  /** Lends the bytes for the length of `use`, which must keep no reference and return no view of them. */
  use<R>(use: (bytes: Uint8Array) => R): R {
    return use(this.#open());
  }

  /** One that is disposed of by itself. */
  copy(): Secret {
    return new Secret(Uint8Array.from(this.#open()));
  }

  equals(other: Secret): boolean {
    const mine = this.#open();
    const theirs = other.#open();
    if (mine.length !== theirs.length) return false;
    let difference = 0;
    for (const [index, byte] of mine.entries()) difference |= byte ^ (theirs[index] ?? 0);
    return difference === 0;
  }

  [Symbol.dispose](): void {
    this.#bytes?.fill(0);
    this.#bytes = undefined;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.toPrimitive](): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }

  #open(): Uint8Array {
    if (!this.#bytes) throw new Error('the secret was wiped');
    return this.#bytes;
  }
}
