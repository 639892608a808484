import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CardDataError, CardError } from '../../apdu/errors.ts';
import { signAll, type SigningJob } from './sign-all.ts';

/** A token whose signature is the digest of the digest. */
const sign = (digest: Uint8Array): Uint8Array => createHash('sha256').update(digest).digest();
const verifier = (digest: Uint8Array, signature: Uint8Array): boolean => Buffer.compare(sign(digest), signature) === 0;
const digests = Array.from({ length: 150 }, (_, index) => createHash('sha256').update(String(index)).digest());
const key = { keyReference: '9A', algorithm: 'P-256' } as const;

interface Told {
  readonly counts: number[];
  readonly chunks: number[];
  readonly job: SigningJob;
}

/** `several`: the token takes several digests at once. */
function jobOf(
  several: boolean,
  change: Partial<SigningJob> = {},
  alter: (index: number) => Uint8Array | undefined = () => undefined,
): Told {
  const counts: number[] = [];
  const chunks: number[] = [];
  let made = 0;
  const one = (digest: Uint8Array): Uint8Array => alter(made++) ?? sign(digest);
  const token: SigningJob['token'] = {
    sign: (_key, _algorithm, digest) => Promise.resolve(one(digest)),
    ...(several
      ? {
          signAll: (_key, _algorithm, chunk, { onSigned }) => {
            chunks.push(chunk.length);
            const signatures = chunk.map(one);
            onSigned(1);
            return Promise.resolve(signatures);
          },
        }
      : {}),
  };
  const signal = new AbortController().signal;
  return {
    counts,
    chunks,
    job: { token, key, algorithm: 'ES256', digests, verifier, signal, onSigned: (count) => counts.push(count), ...change },
  };
}

describe.each([
  ['one by one', false],
  ['several at once', true],
] as const)('digests signed %s', (_how, several) => {
  it('give their signatures in order, and every count on the way', async () => {
    const { job, counts, chunks } = jobOf(several);
    expect(await signAll(job)).toEqual(digests.map(sign));
    expect(counts.at(-1)).toBe(150);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
    expect(chunks).toEqual(several ? [16, 67, 33, 32, 2] : []);
  });

  it.each([0, 70, 149])('give nothing when number %i is not right', async (wrong) => {
    const { job } = jobOf(several, {}, (index) => (index === wrong ? new Uint8Array(32) : undefined));
    await expect(signAll(job)).rejects.toThrow(
      new CardDataError(`signing document ${wrong + 1}: the signature does not verify with the public key`),
    );
  });

  it('are signed no further after the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('given up');
    const { job, counts } = jobOf(several, { signal: abort.signal });
    const onSigned = (count: number): void => {
      counts.push(count);
      if (count >= 10) abort.abort(reason);
    };
    await expect(signAll({ ...job, onSigned })).rejects.toBe(reason);
    expect(counts.at(-1)).toBe(several ? 16 : 10);
  });
});

describe('a token that takes several digests', () => {
  it('and gives too few signatures gives none', async () => {
    const { job } = jobOf(true);
    const token: SigningJob['token'] = { ...job.token, signAll: () => Promise.resolve([new Uint8Array(32)]) };
    await expect(signAll({ ...job, token })).rejects.toThrow('1 signatures came for 16 digests');
  });

  it('and makes them slowly gets few at a time', async () => {
    const { job } = jobOf(true, { digests: digests.slice(0, 30) });
    const chunks: number[] = [];
    const token: SigningJob['token'] = {
      ...job.token,
      signAll: async (_key, _algorithm, chunk) => {
        chunks.push(chunk.length);
        await new Promise((resolve) => setTimeout(resolve, 40 * chunk.length));
        return chunk.map(sign);
      },
    };
    expect(await signAll({ ...job, token })).toHaveLength(30);
    expect(chunks[0]).toBe(16);
    // Slower still on a busy machine: then fewer.
    expect(Math.max(...chunks.slice(1))).toBeLessThanOrEqual(5);
  });

  it('is at work no more when what it made before proves wrong', async () => {
    const { job } = jobOf(true);
    let isAtWork = false;
    let calls = 0;
    const chunks: number[] = [];
    const token: SigningJob['token'] = {
      ...job.token,
      signAll: async (_key, _algorithm, chunk) => {
        isAtWork = true;
        chunks.push(chunk.length);
        await new Promise((resolve) => setTimeout(resolve, 20));
        isAtWork = false;
        return chunk.map((digest) => (calls++ === 3 ? new Uint8Array(32) : sign(digest)));
      },
    };
    await expect(signAll({ ...job, token })).rejects.toThrow('document 4');
    expect(isAtWork).toBe(false);
    expect(chunks).toHaveLength(2);
  });

  it('is asked one by one where the key wants its PIN each time, which is entered before all but the first', async () => {
    let entries = 0;
    const beforeEach = (): Promise<void> => {
      entries++;
      return entries === 5 ? Promise.reject(new CardError('the PIN is not right any more', {})) : Promise.resolve();
    };
    const { job, chunks, counts } = jobOf(true, { beforeEach });
    await expect(signAll(job)).rejects.toThrow('not right any more');
    expect(chunks).toEqual([]);
    expect(counts).toEqual([1, 2, 3, 4, 5]);
  });
});
