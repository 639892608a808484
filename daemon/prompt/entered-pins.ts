/** What a person typed into one prompt. */
import type { Secret } from '../../apdu/secret.ts';

export const ENTRY_NAMES = ['pin', 'newPin', 'puk'] as const;
export type EntryName = (typeof ENTRY_NAMES)[number];

/** Whoever asked wipes them by disposing of this. */
export class EnteredPins implements Disposable {
  readonly #secrets: Map<EntryName, Secret> = new Map<EntryName, Secret>();

  get secrets(): ReadonlyMap<EntryName, Secret> {
    return this.#secrets;
  }

  /** Throws when the prompt did not ask for it. */
  require(name: EntryName): Secret {
    const secret = this.#secrets.get(name);
    if (!secret) throw new Error(`no ${name} was asked for`);
    return secret;
  }

  add(name: EntryName, secret: Secret): void {
    this.#secrets.set(name, secret);
  }

  /** Hands the secrets over: disposing of this wipes nothing then. */
  release(): ReadonlyMap<EntryName, Secret> {
    const released = new Map(this.#secrets);
    this.#secrets.clear();
    return released;
  }

  [Symbol.dispose](): void {
    for (const secret of this.#secrets.values()) secret[Symbol.dispose]();
    this.#secrets.clear();
  }
}
