/** A detached signature over 100 MB that are streamed in: how fast, beside the hashing alone, and how much memory the daemon takes for it. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../api-spec/client/client.ts';
import { CLIENT_CORE, SERVER_CORE, pin } from './child.ts';
import { atMost, median, ratioAtLeast, type Figure } from './figure.ts';
import { residentMegabytes, startDaemon } from './api.ts';

const CHUNK = Buffer.alloc(65_536, 'content ');
/** 100 MB. */
const CHUNKS = 1_526;
const MEGABYTES = (CHUNKS * CHUNK.length) / 1e6;
const ROUNDS = 5;
const SAMPLE_MS = 10;
const HASHES = ['sha256', 'sha384', 'sha512'] as const;
/** Of the simulated desk's cards. */
const PIN = '123456';

export async function measureContents(): Promise<readonly Figure[]> {
  const daemon = await startDaemon();
  const url = daemon.url.replace('ws', 'http');
  const client = await connect({ url, token: daemon.token });
  try {
    const signer = await signingKey(client);
    await delay(3_000);
    const idle = residentMegabytes(daemon.child);
    let peak = idle;
    const sampler = setInterval(() => (peak = Math.max(peak, residentMegabytes(daemon.child))), SAMPLE_MS);
    pin(daemon.child.pid, SERVER_CORE);
    pin(process.pid, CLIENT_CORE);
    const rates: { uploaded: number; hashed: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begin = performance.now();
      const content = await upload(url, daemon.token);
      await client.call('sign.cms', { ...signer, content: { upload: content }, detached: true, pin: PIN });
      const uploaded = MEGABYTES / ((performance.now() - begin) / 1_000);
      rates.push({ uploaded, hashed: hashAlone() });
    }
    clearInterval(sampler);
    const ratio = median(rates.map(({ uploaded, hashed }) => uploaded / hashed));
    const peerValue = median(rates.map(({ hashed }) => hashed));
    return [
      ratioAtLeast(
        0.7,
        { name: '100 MB uploaded, hashed three times and signed', value: ratio * peerValue, unit: 'MB/s' },
        { peer: 'the three hashes alone', peerValue },
      ),
      atMost(64, { name: 'memory for it, above idle', value: peak - idle, unit: 'MB' }),
    ];
  } finally {
    for (const pid of [daemon.child.pid, process.pid]) pin(pid, `${CLIENT_CORE},${SERVER_CORE}`);
    client.close();
    await daemon.close();
  }
}

/** A card of the desk with a key of its own that has a certificate. */
async function signingKey(
  client: Awaited<ReturnType<typeof connect>>,
): Promise<{ readonly card: string; readonly keyReference: string }> {
  const { cards } = await client.call('card.list');
  for (const { id } of cards) {
    const read = await client.call('card.read', { card: id }).catch(() => undefined);
    const key = read?.keys.find(
      ({ keyReference, usage }) => usage === 'signature' && read.certificates.some((one) => one.keyReference === keyReference),
    );
    if (key) return { card: id, keyReference: key.keyReference };
  }
  throw new Error('no card of the desk can sign');
}

async function upload(url: string, token: string): Promise<string> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/octet-stream',
    'content-length': CHUNKS * CHUNK.length,
  };
  const answered = Promise.withResolvers<string>();
  const sent = request(`${url}/v1/contents`, { method: 'POST', headers }, (response) => {
    let text = '';
    response.on('data', (part: Buffer) => (text += part.toString()));
    response.once('end', () => answered.resolve(text));
  });
  sent.once('error', answered.reject);
  for (let chunk = 0; chunk < CHUNKS; chunk++)
    if (!sent.write(CHUNK)) await new Promise<void>((resolve) => sent.once('drain', resolve));
  sent.end();
  return (JSON.parse(await answered.promise) as { content: string }).content;
}

/** MB/s. */
function hashAlone(): number {
  const hashes = HASHES.map((name) => createHash(name));
  const begin = performance.now();
  for (let chunk = 0; chunk < CHUNKS; chunk++) for (const hash of hashes) hash.update(CHUNK);
  for (const hash of hashes) hash.digest();
  return MEGABYTES / ((performance.now() - begin) / 1_000);
}
