/** What the page asks of the portal's own server, which is the certification authority's client. */
import type { Text } from './language.ts';

/** The server said no, in words for people. */
export class PortalError extends Error {
  override readonly name = 'PortalError';
  readonly text: Text;

  constructor(text: Text) {
    super(text.en);
    this.text = text;
  }
}

export interface Order {
  /** PKCS #10, PEM. */
  readonly requests: readonly string[];
  readonly assuranceLevel?: string;
  /** The last day. */
  readonly validTo?: string;
  readonly days?: number;
}

/** One certificate for each request, PEM. */
export async function fetchCertificates(order: Order, signal: AbortSignal): Promise<string[]> {
  const { certificates } = (await post('/certificates', order, signal)) as { readonly certificates: string[] };
  return certificates;
}

/** What is revoked already stays so: it may be said again. */
export async function reportRevocation(certificates: readonly string[]): Promise<void> {
  await post('/revocations', { certificates });
}

async function post(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) });
  const answer = (await response.json()) as unknown;
  if (!response.ok) throw new PortalError(answer as Text);
  return answer;
}
