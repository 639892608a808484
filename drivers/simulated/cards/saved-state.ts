/** A card that is kept between runs: what a command changed is saved before the command is answered, and a card that could not be saved says that its memory failed. */

import { SW_MEMORY_FAILURE } from '../../../apdu/iso7816/status-word.ts';

export interface SavedStateOptions<S> {
  readonly state: () => S;
  /** Absent for a card that is not kept. */
  readonly save?: ((state: S) => Promise<void>) | undefined;
  readonly onInternalError?: ((error: unknown) => void) | undefined;
}

type Response = Uint8Array | Promise<Uint8Array>;

export class SavedState<S> {
  readonly #options: SavedStateOptions<S>;
  #hasChanged = false;

  constructor(options: SavedStateOptions<S>) {
    this.#options = options;
  }

  /** A command changed what the card keeps without power. */
  readonly markChanged = (): void => {
    this.#hasChanged = true;
  };

  /** The answer, once what led to it is saved. Given on the spot where nothing is to be saved. */
  before(response: Response): Response {
    const { save } = this.#options;
    if (!save) return response;
    if (response instanceof Promise) return response.then((settled) => this.#saveBefore(settled, save));
    return this.#hasChanged ? this.#saveBefore(response, save) : response;
  }

  async #saveBefore(response: Uint8Array, save: (state: S) => Promise<void>): Promise<Uint8Array> {
    if (!this.#hasChanged) return response;
    this.#hasChanged = false;
    try {
      await save(this.#options.state());
      return response;
    } catch (error) {
      this.#hasChanged = true;
      this.#options.onInternalError?.(error);
      return Uint8Array.of(SW_MEMORY_FAILURE >> 8, SW_MEMORY_FAILURE & 0xff);
    }
  }
}
