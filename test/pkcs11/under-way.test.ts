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

/** What is sent while the module stands still. It goes on when `look` has looked, and all that was asked for is answered. */
async function observe(ask: (token: Token) => Promise<unknown>[], look: (sent: readonly string[]) => void): Promise<void> {
  const sent: string[] = [];
  let module = 0;
  const onRequest = (operation: string, pid: number): void => {
    sent.push(operation);
    module = pid;
  };
  await using watched = watchModule(hsm.configuration, { tickMs: 3_600_000, onRequest });
  await using connection = await watched.connect();
  const { token } = connection.open();
  if (!token) throw new Error('no token');
  await token.verifyPin('01', Secret.fromText(TOKEN.pin));
  await token.sign(KEY, 'ES256', digestOf('before')); // from here on its place is known
  sent.length = 0;
  expect(module).toBeGreaterThan(0);
  process.kill(module, 'SIGSTOP'); // before it is asked: a signature takes it less than a turn of a busy machine
  const asked = ask(token);
  try {
    await eventually('the first request', () => sent.length > 0);
    for (let turns = 0; turns < TURNS; turns++) await new Promise((resolve) => setImmediate(resolve));
    look([...sent]);
  } finally {
    process.kill(module, 'SIGCONT');
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
