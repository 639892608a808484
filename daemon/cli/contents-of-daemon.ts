/** Bytes that are too long for a message, to and from the running daemon: over HTTP, by the same way as `connectToDaemon`. */
import { request, type RequestOptions } from 'node:http';
import { findDoor } from '../service/door.ts';

/** Base64 of this, and what goes around it, fits one message. */
const INLINE_BYTES = 131_072;
const TIMEOUT_MS = 60_000;
/** More is neither a ceremony nor its evidence. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What an answer gives: in itself, or waiting to be fetched. */
export async function bytesOfAnswer(
  dataDir: string,
  { data, content }: { readonly data?: string; readonly content?: string },
): Promise<Uint8Array> {
  if (data !== undefined) return new Uint8Array(Buffer.from(data, 'base64'));
  if (content === undefined) throw new Error('reading an answer: it has neither data nor content');
  return await send(dataDir, { method: 'GET', path: `/v1/contents/${encodeURIComponent(content)}` });
}

/** As a call names them. */
export async function giveBytes(
  dataDir: string,
  bytes: Uint8Array,
): Promise<{ readonly data: string } | { readonly upload: string }> {
  if (bytes.length <= INLINE_BYTES) return { data: Buffer.from(bytes).toString('base64') };
  const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length };
  const answer = await send(dataDir, { method: 'POST', path: '/v1/contents?keep=true', headers }, bytes);
  const told: unknown = JSON.parse(Buffer.from(answer).toString('utf8'));
  if (typeof told === 'object' && told !== null && 'content' in told && typeof told.content === 'string')
    return { upload: told.content };
  throw new Error('uploading: the daemon names no content');
}

async function send(dataDir: string, options: RequestOptions, body?: Uint8Array): Promise<Uint8Array> {
  const { authorization, ...way } = await wayTo(dataDir);
  return await new Promise((resolve, reject) => {
    const sent = request({ ...options, ...way, signal: AbortSignal.timeout(TIMEOUT_MS) }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_BYTES) sent.destroy(new Error(`fetching: more than ${MAX_BYTES} bytes came`));
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        if (answer.statusCode === 200) resolve(new Uint8Array(bytes));
        else reject(new Error(`fetching: the daemon answered ${answer.statusCode ?? 0} ${bytes.toString('utf8').slice(0, 500)}`));
      });
    });
    if (authorization !== undefined) sent.setHeader('authorization', authorization);
    sent.on('error', reject);
    sent.end(body);
  });
}

type Way = Pick<RequestOptions, 'hostname' | 'port' | 'socketPath'> & { readonly authorization?: string };

/** Throws DataFolderError when no daemon runs. */
async function wayTo(dataDir: string): Promise<Way> {
  const door = await findDoor(dataDir);
  if ('serviceSocket' in door) return { socketPath: door.serviceSocket };
  const { endpoint, token } = door;
  if (process.platform !== 'win32') return { socketPath: endpoint.socket };
  const { hostname, port } = new URL(endpoint.url);
  return { hostname, port, authorization: `Bearer ${token}` };
}
