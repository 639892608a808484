/**
 * PINs that a policy lets an origin use again for a while. The PIN is kept, not the card's verified state: that would let every other program in. It is
 * wiped when its time is over, when it was wrong, and when the card, its power or the caller goes.
 */
import { Secret } from '../../apdu/secret.ts';
import type { PinReference } from '../../apdu/token.ts';

interface Kept {
  readonly caller: string;
  readonly card: string;
  readonly reference: PinReference;
  readonly secret: Secret;
  /** Takes back what would have ended it. */
  readonly release: () => void;
}

export type PinUseKey = Pick<Kept, 'caller' | 'card' | 'reference'>;

export class PinReuse implements Disposable {
  readonly #kept = new Set<Kept>();

  /** A copy, good until `removal` fires or the time is over. The caller's own stays the caller's. */
  keep(key: PinUseKey, secret: Secret, durationMs: number, removal: AbortSignal): void {
    this.#forget((kept) => isSame(kept, key));
    if (removal.aborted) return;
    const drop = (): void => this.#drop(kept);
    const timer = setTimeout(drop, durationMs).unref();
    removal.addEventListener('abort', drop, { once: true });
    const release = (): void => {
      clearTimeout(timer);
      removal.removeEventListener('abort', drop);
    };
    const kept: Kept = { ...key, secret: copyOf(secret), release };
    this.#kept.add(kept);
  }

  /** A copy, which whoever asked disposes of. */
  find(key: PinUseKey): Secret | undefined {
    for (const kept of this.#kept) if (isSame(kept, key)) return copyOf(kept.secret);
    return undefined;
  }

  forget(key: PinUseKey): void {
    this.#forget((kept) => isSame(kept, key));
  }

  forgetCaller(caller: string): void {
    this.#forget((kept) => kept.caller === caller);
  }

  /** It was taken out, reset by another program, or its PIN was changed. */
  forgetCard(card: string): void {
    this.#forget((kept) => kept.card === card);
  }

  [Symbol.dispose](): void {
    this.#forget(() => true);
  }

  #forget(isMeant: (kept: Kept) => boolean): void {
    for (const kept of this.#kept) if (isMeant(kept)) this.#drop(kept);
  }

  #drop(kept: Kept): void {
    kept.release();
    kept.secret[Symbol.dispose]();
    this.#kept.delete(kept);
  }
}

function isSame(kept: Kept, { caller, card, reference }: PinUseKey): boolean {
  return kept.caller === caller && kept.card === card && kept.reference === reference;
}

function copyOf(secret: Secret): Secret {
  return secret.use((bytes) => Secret.take(Uint8Array.from(bytes)));
}
