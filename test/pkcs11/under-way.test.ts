/** What is asked of a module while it works: the next signature is in its pipe already, everything else waits for its turn. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Secret } from '../../apdu/secret.ts';
import type { Token } from '../../apdu/token.ts';
import { eventually } from '../api/transports.ts';
import { TOKEN, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { watchModule } from './module-bench.ts';

const KEY = { keyReference: '45', algorithm: 'P-256' } as const;
/** Of the event loop: whatever would be sent has been sent by then. */
const TURNS = 20;

let hsm: SoftHsm;

beforeAll(async () => {
  hsm = await createSoftHsm();
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '45']);
});
afterAll(async () => {
  await hsm[Symbol.asyncDispose]();
});

/** What is sent while the module stands still from its first signature on. It goes on when `work` has looked, and all that was asked for is answered. */
async function observe(ask: (token: Token) => Promise<unknown>[], look: (sent: readonly string[]) => void): Promise<void> {
  const sent: string[] = [];
  let stopped: number | undefined;
  let isWatched = false;
  const onRequest = (operation: string, pid: number): void => {
    if (!isWatched) return;
    sent.push(operation);
    if (stopped === undefined) process.kill(pid, 'SIGSTOP');
    stopped = pid;
  };
  await using watched = watchModule(hsm.configuration, { tickMs: 3_600_000, onRequest });
  await using connection = await watched.connect();
  const { token } = connection.open();
  if (!token) throw new Error('no token');
  await token.verifyPin('01', Secret.fromText(TOKEN.pin));
  await token.sign(KEY, 'ES256', digestOf('before')); // from here on its place is known
  isWatched = true;
  const asked = ask(token);
  try {
    await eventually('the first request', () => stopped);
    for (let turns = 0; turns < TURNS; turns++) await new Promise((resolve) => setImmediate(resolve));
    look([...sent]);
  } finally {
    if (stopped !== undefined) process.kill(stopped, 'SIGCONT');
  }
  await Promise.all(asked);
}

it('sends the next signature while one is made, and no third; each digest has its own', async () => {
  const signatures: Promise<Uint8Array>[] = [];
  const texts = ['one', 'two', 'three', 'four'];
  await observe(
    (token) => {
      signatures.push(...texts.map((text) => token.sign(KEY, 'ES256', digestOf(text))));
      return signatures;
    },
    (sent) => expect(sent).toEqual(['sign', 'sign']),
  );
  const key = await publicKey();
  for (const [index, signature] of signatures.entries()) {
    const text = Buffer.from(texts[index] ?? '');
    expect(verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, await signature)).toBe(true);
  }
});

it('sends nothing else beside a signature, and in the order in which it was asked for', async () => {
  await observe(
    (token) => {
      const first = token.sign(KEY, 'ES256', digestOf('one'));
      const then = first.then(() => token.pins());
      return [first, then, token.pins(), token.sign(KEY, 'ES256', digestOf('two'))];
    },
    (sent) => expect(sent).toHaveLength(1),
  );
});

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

async function publicKey(): Promise<KeyObject> {
  await using watched = watchModule(hsm.configuration);
  await using connection = await watched.connect();
  const key = await connection.open().token?.key('45');
  return createPublicKey({ key: Buffer.from(key?.publicKey ?? []), format: 'der', type: 'spki' });
}
