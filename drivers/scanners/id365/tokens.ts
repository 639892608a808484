/**
 * Access tokens of a 365id-style service (README of github.com/365id-AB/idverification-web): fetched with client id and secret, refreshed for each transaction, fetched
 * anew when a refresh is refused. They live in memory and nowhere else.
 */
import { DeviceProtocolError } from '../../errors.ts';
import { requireSuccess } from '../vendor-transaction.ts';
import type { VendorAnswer, VendorClient, VendorRequest } from '../vendor-http.ts';
import { under } from '../vendor-json.ts';

export interface TokenOptions {
  readonly device: string;
  readonly client: VendorClient;
  readonly clientId: string;
  /** Read when it is needed. */
  readonly clientSecret: () => string;
  readonly tokenRoute: string;
  readonly refreshRoute: string;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
}

const FETCH = 'fetching an access token';
const REFRESH = 'refreshing the access token';
const MAX_TOKEN = 16_384;
/** RFC 6750, section 2.1: what a bearer token is made of. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

export class AccessTokens {
  readonly #options: TokenOptions;
  #tokens: Tokens | undefined;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /** One for a new transaction. Throws what the client throws, LicenceError and ServiceUnavailableError. */
  async renew(signal: AbortSignal): Promise<void> {
    const tokens = this.#tokens;
    this.#tokens = (tokens && (await this.#refresh(tokens, signal))) ?? (await this.#fetch(signal));
  }

  /** A call with the token; one that is refused for its token is made again, once, with a new one. */
  async ask(request: VendorRequest, client: VendorClient): Promise<VendorAnswer> {
    if (!this.#tokens) await this.renew(request.signal);
    const answer = await client.ask(this.#signed(request));
    if (answer.status !== 401) return answer;
    await this.renew(request.signal);
    return client.ask(this.#signed(request));
  }

  #signed(request: VendorRequest): VendorRequest {
    return { ...request, headers: { ...request.headers, authorization: `Bearer ${this.#tokens?.access ?? ''}` } };
  }

  async #fetch(signal: AbortSignal): Promise<Tokens> {
    const { client, clientId, clientSecret, tokenRoute, device } = this.#options;
    const body = { client_id: clientId, client_secret: clientSecret() };
    const answer = await client.ask({ method: 'POST', path: tokenRoute, attempt: FETCH, body, isIdempotent: true, signal });
    // The service answers 400 where others answer 401.
    const status = answer.status === 400 ? 401 : answer.status;
    return this.#read(requireSuccess({ ...answer, status }, device, FETCH), FETCH);
  }

  /** Undefined when the service takes it no more. */
  async #refresh({ access, refresh }: Tokens, signal: AbortSignal): Promise<Tokens | undefined> {
    if (refresh === undefined) return undefined;
    const { client, refreshRoute, device } = this.#options;
    const headers = { authorization: `Bearer ${access}` };
    const answer = await client.ask({
      method: 'POST',
      path: refreshRoute,
      attempt: REFRESH,
      headers,
      body: { refresh_token: refresh },
      signal,
    });
    if (answer.status === 400 || answer.status === 401) return undefined;
    return this.#read(requireSuccess(answer, device, REFRESH), REFRESH);
  }

  #read({ value }: VendorAnswer, attempt: string): Tokens {
    const access = tokenOf(under(value, 'access_token'));
    if (access === undefined)
      throw new DeviceProtocolError(`${attempt}: the answer has no token`, {
        device: this.#options.device,
        driverCode: 'answer_invalid',
      });
    return { access, refresh: tokenOf(under(value, 'refresh_token')) };
  }
}

function tokenOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_TOKEN && TOKEN.test(value) ? value : undefined;
}
