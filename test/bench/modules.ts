/**
 * Signatures through a vendor's module, SoftHSM 2 in its process with two sessions, beside a C loop over the same module with two threads: by `Token.signAll`, and by
 * `sign.batch` over the WebSocket of the built program. They take turns, so that they meet the same neighbours: `node test/bench/modules.ts`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { Secret } from '../../apdu/secret.ts';
import type { Token } from '../../apdu/token.ts';
import { createModuleSource, type ModuleSource } from '../../drivers/pkcs11/source.ts';
import { writePolicy } from '../api/bench.ts';
import { runTool } from '../support/run-tool.ts';
import { TOKEN, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { startDaemon } from './api.ts';
import { format, median, ratioAtLeast, type Figure } from './figure.ts';

const ROUNDS = 5;
const SIGNATURES = 3_000;
const THREADS = 2;
/** As many as one call may have would be 1,000. */
const BATCH = 500;
const BATCH_ROUNDS = 15;
const READY_MS = 20_000;
const KEY = { keyReference: '45', algorithm: 'RSA-2048' } as const;
const DIGESTS = Array.from({ length: SIGNATURES }, (_, index) => createHash('sha256').update(String(index)).digest());
const DOCUMENTS = DIGESTS.slice(0, BATCH).map((digest, index) => ({
  name: `Receipt ${index + 1}.pdf`,
  digest: digest.toString('base64'),
}));

export async function measureModules(): Promise<readonly Figure[]> {
  await using hsm = await createSoftHsm();
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...login, '--keypairgen', '--key-type', 'rsa:2048', '--id', KEY.keyReference]);
  const loop = await compileLoop();
  return [await measureToken(hsm, loop), await measureApi(hsm, loop)];
}

async function measureToken(hsm: SoftHsm, loop: string): Promise<Figure> {
  await using source = createModuleSource(hsm.configuration);
  const name = await firstCard(source);
  const pairs: { kortd: number; c: number }[] = [];
  for (let round = 0; round < ROUNDS; round++)
    pairs.push({ kortd: await rateOfKortd(source, name), c: await rateOfLoop(loop, hsm, SIGNATURES) });
  return figureOf('RSA-2048 signatures on SoftHSM 2, Token.signAll', pairs);
}

async function measureApi(hsm: SoftHsm, loop: string): Promise<Figure> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { name, path, sha256, environment } = hsm.configuration;
  writePolicy(folder, { modules: [{ name, path, sha256, environment }] });
  const daemon = await startDaemon(['--policy-dir', folder]);
  stack.defer(() => daemon.close());
  const client = await connect({ url: daemon.url.replace('ws', 'http'), token: daemon.token });
  stack.defer(() => client.close());
  const card = await cardOfModule(client);
  await rateOfApi(client, card);
  const pairs: { kortd: number; c: number }[] = [];
  for (let round = 0; round < BATCH_ROUNDS; round++)
    pairs.push({ kortd: await rateOfApi(client, card), c: await rateOfLoop(loop, hsm, BATCH) });
  return figureOf(`the same by sign.batch of ${BATCH} over the API`, pairs);
}

function figureOf(name: string, pairs: readonly { readonly kortd: number; readonly c: number }[]): Figure {
  const peerValue = median(pairs.map(({ c }) => c));
  const ratio = median(pairs.map(({ kortd, c }) => kortd / c));
  return ratioAtLeast(0.9, { name, value: ratio * peerValue, unit: '/s' }, { peer: `C loop, ${THREADS} threads`, peerValue });
}

async function cardOfModule(client: Client): Promise<string> {
  const end = performance.now() + READY_MS;
  while (performance.now() < end) {
    const { cards } = await client.call('card.list', {});
    const card = cards.find(({ application }) => application?.id === 'pkcs11');
    if (card) return card.id;
    await delay(50);
  }
  throw new Error('the daemon shows no card of the module');
}

/** With all that a caller waits for: the PIN, the verification of every signature, the answer. */
async function rateOfApi(client: Client, card: string): Promise<number> {
  const key = { card, keyReference: KEY.keyReference, algorithm: 'RS256', pin: TOKEN.pin, allowLastTry: true } as const;
  const begin = performance.now();
  const { signatures } = await client.call('sign.batch', { ...key, documents: DOCUMENTS });
  const seconds = (performance.now() - begin) / 1000;
  if (signatures.length !== BATCH) throw new Error('not every document was signed');
  return BATCH / seconds;
}

async function firstCard(source: ModuleSource): Promise<string> {
  const stop = new AbortController();
  for await (const { name, status } of source.watch({ signal: stop.signal })) if (status === 'present') return name;
  throw new Error('the module shows no card');
}

async function rateOfKortd(source: ModuleSource, name: string): Promise<number> {
  const { signal } = new AbortController();
  await using connection = await source.connect(name, { signal });
  const { token } = connection.open();
  if (!token) throw new Error('the card has no token');
  using pin = Secret.fromText(TOKEN.pin);
  await token.verifyPin('01', pin);
  await signMany(token, DIGESTS.slice(0, 64), signal);
  const begin = performance.now();
  await signMany(token, DIGESTS, signal);
  return SIGNATURES / ((performance.now() - begin) / 1000);
}

async function signMany(token: Token, digests: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  const signatures = await token.signAll?.(KEY, 'RS256', digests, { signal, onSigned: () => undefined });
  if (signatures?.length !== digests.length) throw new Error('not every digest was signed');
}

async function rateOfLoop(loop: string, { configuration, environment }: SoftHsm, count: number): Promise<number> {
  return Number(await runTool(loop, [configuration.path, TOKEN.pin, String(THREADS), String(count)], environment));
}

async function compileLoop(): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'pkcs11-loop');
  const source = join(import.meta.dirname, 'pkcs11-loop.c');
  await runTool('gcc', ['-O2', '-std=gnu11', '-Wall', '-o', program, source, '-ldl', '-lpthread']);
  return program;
}

if (import.meta.main) process.stdout.write(`${format(await measureModules(), false)}\n`);
