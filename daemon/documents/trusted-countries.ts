/** The trust store as the daemon holds it: its libraries are loaded with the first document, or with folders that a policy names. */
import type { CountrySigners } from './country-signers.ts';
import type { StoreProblem, TrustStore, TrustStoreOptions } from './trust-store.ts';

export class TrustedCountries {
  readonly #options: TrustStoreOptions;
  #store: Promise<TrustStore> | undefined;

  constructor(options: TrustStoreOptions) {
    this.#options = options;
  }

  async signers(): Promise<CountrySigners> {
    return await (await this.#open()).signers();
  }

  /** What was left out. */
  async problems(): Promise<readonly StoreProblem[]> {
    if (!this.#store && this.#options.sections().length === 0) return [];
    return await (await this.#open()).problems();
  }

  #open(): Promise<TrustStore> {
    this.#store ??= import('./index.ts').then(({ TrustStore: Store }) => new Store(this.#options));
    return this.#store;
  }
}
