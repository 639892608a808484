/** The service as the policy has it at the moment: open, closed, or opened anew when its ports or the TLS files are others. */
import type { TlsFiles } from '../tls/tls-folder.ts';
import { Turns } from '../turns.ts';
import { openScs, type ScsOptions, type ScsService } from './service.ts';

const MAX_WAITING = 8;

export interface ScsSettings {
  readonly httpPort?: number;
  /** Used while there is a certificate. */
  readonly httpsPort?: number;
}

export class ScsDoor implements AsyncDisposable {
  readonly #options: ScsOptions;
  readonly #turns = new Turns('the ports of the signature creation service', MAX_WAITING);
  #service: ScsService | undefined;
  #state = '';

  constructor(options: ScsOptions) {
    this.#options = options;
  }

  get ports(): { readonly http?: number | undefined; readonly https?: number | undefined } {
    return { http: this.#service?.httpPort, https: this.#service?.httpsPort };
  }

  /** What is as it was stays open. Throws the system's error when a port is taken; the service is closed then. */
  async apply(settings: ScsSettings | undefined, files: TlsFiles | undefined, signal: AbortSignal): Promise<void> {
    await this.#turns.run(signal, async () => {
      const { httpPort: http, httpsPort } = settings ?? {};
      const https = httpsPort === undefined || !files ? undefined : { port: httpsPort, files };
      const state = JSON.stringify([http, https?.port, https?.files.certificate]);
      if (state === this.#state) return;
      await this.#close();
      if (http === undefined && !https) return;
      this.#service = await openScs(this.#options, { http, https });
      this.#state = state;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #close(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    this.#state = '';
    await service?.[Symbol.asyncDispose]();
  }
}
