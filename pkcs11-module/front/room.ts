/** Bytes that programs have under way at the front, all together: one that goes wild takes nothing from the others. */

export class Room {
  readonly #mostBytes: number;
  #used = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  change(byBytes: number): void {
    this.#used += byBytes;
  }

  get isOver(): boolean {
    return this.#used > this.#mostBytes;
  }
}
