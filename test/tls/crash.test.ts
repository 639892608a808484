/** The files of TLS when the program that renews them is killed, again and again, wherever it happens to be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enableTls, readTls } from '../../daemon/tls/tls-folder.ts';

const MODULE = new URL('../../daemon/tls/tls-folder.ts', import.meta.url).href;
const ROUNDS = 12;
const DEADLINE_MS = 20_000;
/** Renews until it is killed, with a line for each time. */
const RENEWER = `
  const { enableTls } = await import(${JSON.stringify(MODULE)});
  for (;;) {
    const { files } = await enableTls(process.argv[1], { now: new Date(), renew: true });
    process.stdout.write(files.authority.fingerprint + '\\n');
  }`;

/** As between the two renames of a renewal, and back, until it is killed. */
const MOVER = `
  const { renameSync } = await import('node:fs');
  const { join } = await import('node:path');
  const names = ['tls', 'tls.old'].map((name) => join(process.argv[1], name));
  const pause = new Int32Array(new SharedArrayBuffer(4));
  process.stdout.write('begun\\n');
  for (;;) {
    renameSync(names[0], names[1]);
    names.reverse();
    Atomics.wait(pause, 0, 0, 5);
  }`;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-tls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Kills it once it has said so many lines, and with that in the midst of the next renewal. Resolves with the last line. */
async function renewAndKill(lines: number): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', RENEWER, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  try {
    const [, signal] = (await closed) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
  } finally {
    child.kill('SIGKILL');
  }
  return text.trim().split('\n').at(-1) ?? '';
}

describe('a program that is killed while it renews', () => {
  it('leaves a whole set each time, and the next run tidies up', { timeout: ROUNDS * DEADLINE_MS }, async () => {
    await enableTls(folder, { now: new Date() });
    for (let round = 0; round < ROUNDS; round++) {
      const last = await renewAndKill(1 + (round % 4));
      const files = readTls(folder, { now: new Date() });
      expect(files, `round ${round}: the last that it told was ${last}`).toBeDefined();
    }
    await enableTls(folder, { now: new Date(), renew: true });
    expect(await readdir(folder)).toEqual(['tls']);
  });

  it('is read whole by another program all the while', async () => {
    const seen = new Set<string | undefined>();
    const child = spawn(process.execPath, ['--input-type=module', '--eval', RENEWER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    try {
      await once(child.stdout, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) });
      const end = performance.now() + DEADLINE_MS;
      while (seen.size < 30 && performance.now() < end) {
        seen.add(readTls(folder, { now: new Date() })?.authority.fingerprint);
        await new Promise(setImmediate);
      }
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
    expect(seen.has(undefined)).toBe(false);
    expect(seen.size).toBe(30);
  });

  it('is read whole while the set goes from one name to the other', async () => {
    const { files } = await enableTls(folder, { now: new Date() });
    const child = spawn(process.execPath, ['--input-type=module', '--eval', MOVER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const paths = new Set<string | undefined>();
    try {
      await once(child.stdout, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) });
      const end = performance.now() + DEADLINE_MS;
      for (let count = 0; count < 300 && performance.now() < end; count++) {
        const found = readTls(folder, { now: new Date() });
        expect(found?.authority.fingerprint).toBe(files.authority.fingerprint);
        paths.add(found?.authority.path);
      }
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
    expect(paths.size).toBe(2);
  });
});
