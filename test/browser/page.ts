/** What the test pages run: the real client, with outcomes that can be carried out of the browser. Bundled with it, and nothing else of ours. */
import {
  CallError,
  ConnectionError,
  connect,
  loopbackPermission,
  type Client,
  type PageOptions,
} from '../../api-spec/client/client.ts';

export interface Outcome {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly reason?: string;
  readonly code?: string | undefined;
  readonly permission?: string | undefined;
  readonly en?: string;
}

let client: Client | undefined;

/** Sorted by name. */
const page = {
  call: (method: string, params: object): Promise<Outcome> =>
    told(() => client?.callByName(method, params) ?? Promise.reject(new TypeError('not connected'))),
  closed: (): Promise<Outcome> => told(async () => Promise.reject((await client?.closed) ?? new TypeError('not connected'))),
  connect: (options: PageOptions): Promise<Outcome> =>
    told(async () => {
      client = await connect(options);
      return client.greeting.product;
    }),
  /** Status and body as the page may read them. */
  fetch: (url: string, options?: RequestInit): Promise<Outcome> =>
    told(async () => {
      const answer = await fetch(url, options);
      return { type: answer.type, status: answer.status, text: await answer.text() };
    }),
  loopbackPermission,
  webSocket: (url: string, protocols: string[]): Promise<Outcome> =>
    told(
      () =>
        new Promise((resolve, reject) => {
          const socket = new WebSocket(url, protocols);
          socket.onopen = () => resolve('open');
          socket.onclose = ({ code }) => reject(new TypeError(`closed with ${code}`));
        }),
    ),
};
Object.assign(globalThis, { page });

export type PageFunctions = typeof page;

async function told(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, result: await work() };
  } catch (error) {
    if (error instanceof ConnectionError) {
      const { reason, code, permission, en } = error;
      return { ok: false, error: error.message, reason, code, permission, en };
    }
    if (error instanceof CallError) return { ok: false, error: error.message, code: error.code };
    return { ok: false, error: String(error) };
  }
}
