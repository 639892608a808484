/** Digests of content, each made once, when it is first asked for. */
import { createHash } from 'node:crypto';
import type { HashName } from './algorithms.ts';

export function digestsOf(content: Uint8Array): (hash: HashName) => Uint8Array {
  const known = new Map<HashName, Uint8Array>();
  return (hash) => {
    const digest = known.get(hash) ?? new Uint8Array(createHash(hash).update(content).digest());
    known.set(hash, digest);
    return digest;
  };
}
