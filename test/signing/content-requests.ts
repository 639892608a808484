/** Content over REST, as a program or a page streams it. */
import { createHash } from 'node:crypto';
import { http, type HttpAnswer } from '../api/transports.ts';
import type { Bench } from '../api/support.ts';

export interface Uploaded {
  readonly content: string;
  readonly size: number;
  readonly digests: Readonly<Record<'sha256' | 'sha384' | 'sha512', string>>;
}

const authorization = (bench: Bench): Record<string, string> => ({ authorization: `Bearer ${bench.token}` });

export function requestContent(
  bench: Bench,
  method: string,
  path: string,
  options: { readonly body?: Uint8Array; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<HttpAnswer> {
  const { body, headers = {} } = options;
  const type = body ? { 'content-type': 'application/octet-stream' } : {};
  return http({
    port: bench.port,
    method,
    path: `/v1/contents${path}`,
    headers: { host: `127.0.0.1:${bench.port}`, ...authorization(bench), ...type, ...headers },
    ...(body ? { body } : {}),
  });
}

/** Throws unless it is taken, and its digests are right. */
export async function postContent(bench: Bench, bytes: Uint8Array, query = ''): Promise<Uploaded> {
  const { status, text } = await requestContent(bench, 'POST', query, { body: bytes });
  if (status !== 200) throw new Error(`uploading: ${text}`);
  const uploaded = JSON.parse(text) as Uploaded;
  for (const [hash, digest] of Object.entries(uploaded.digests))
    if (createHash(hash).update(bytes).digest('base64') !== digest) throw new Error(`uploading: the ${hash} is wrong`);
  return uploaded;
}

export async function getContent(bench: Bench, id: string): Promise<Buffer> {
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/contents/${id}`, { headers: authorization(bench) });
  if (answer.status !== 200) throw new Error(`fetching: ${await answer.text()}`);
  return Buffer.from(await answer.arrayBuffer());
}

export function codeOf({ text }: HttpAnswer): string {
  return (JSON.parse(text) as { readonly error: { readonly code: string } }).error.code;
}
