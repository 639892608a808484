/**
 * sign.batch over the API beside the token's own speed on the same simulated card, in this process: `node test/bench/batch.ts`. Batch and loop take turns, so
 * that both meet the same neighbours on a shared machine.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../api-spec/client/client.ts';
import { openChannel } from '../../apdu/card-channel.ts';
import { pivProfile } from '../../apdu/cards/piv.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { PIN, cardKey } from '../api/cards.ts';
import { format, median, ratioAtLeast, type Figure } from './figure.ts';

const ROUNDS = 5;
const COUNT = 500;
/** For each exchange: a tenth of what fast cards take for an RSA signature. */
const CARD_MS = 5;

const digests = Array.from({ length: COUNT }, (_, index) => createHash('sha256').update(String(index)).digest());
const documents = digests.map((digest, index) => ({ name: `Receipt ${index + 1}.pdf`, digest: digest.toString('base64') }));

interface Case {
  readonly name: string;
  readonly kind: 'RSA-2048' | 'P-256';
  readonly algorithm: 'RS256' | 'ES256';
  readonly delayMs: number;
  readonly target: number;
}

/** A card that takes no time leaves nothing to hide the verification behind: the last figure guards against more of that. */
const CASES: readonly Case[] = [
  { name: `RSA-2048, ${CARD_MS} ms an exchange`, kind: 'RSA-2048', algorithm: 'RS256', delayMs: CARD_MS, target: 0.95 },
  { name: `P-256, ${CARD_MS} ms an exchange`, kind: 'P-256', algorithm: 'ES256', delayMs: CARD_MS, target: 0.95 },
  { name: 'RSA-2048, a card that takes no time', kind: 'RSA-2048', algorithm: 'RS256', delayMs: 0, target: 0.7 },
];

export async function measureBatch(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const one of CASES) figures.push(await measure(one));
  return figures;
}

async function measure({ name, kind, algorithm, delayMs, target }: Case): Promise<Figure> {
  await using stack = new AsyncDisposableStack();
  const reader = new SimulatedReader({ name: 'Bench' });
  const source = createSimulatedSource([reader]);
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const options = { dataFolder: folder, port: 0, simulated: true, log: silentLog };
  const daemon = stack.use(await startDaemon({ ...options, sources: [source] }));
  const client = await connect(daemon);
  stack.defer(() => client.close());
  const ready = new Promise<string>((resolve) => {
    void client.subscribe({
      onEvent: (event) => event.name === 'card.changed' && event.data.card.status === 'ready' && resolve(event.data.card.id),
    });
  });
  await client.call('system.info');
  reader.insert(createPivCard({ firmware: '5.7.0', keys: { '9A': cardKey(kind) } }));
  const card = await ready;
  if (delayMs > 0) reader.arm([{ kind: 'delay', delayMs }]);
  const signByBatch = async (): Promise<void> => {
    await client.call('sign.batch', { card, keyReference: '9A', algorithm, documents, pin: PIN });
  };
  const signInLoop = async (): Promise<void> => {
    await using connection = await source.connect(reader.name, { signal: AbortSignal.timeout(60_000) });
    const { token } = await openApplication(openChannel(connection), pivProfile);
    if (!token) throw new Error('the bench card has no token');
    using pin = Secret.fromText(PIN);
    await token.verifyPin('80', pin);
    for (const digest of digests) await token.sign({ keyReference: '9A', algorithm: kind }, algorithm, digest);
  };
  await signByBatch();
  await signInLoop();
  const pairs: { batch: number; loop: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) pairs.push({ batch: await rateOf(signByBatch), loop: await rateOf(signInLoop) });
  const peerValue = median(pairs.map(({ loop }) => loop));
  const value = peerValue * median(pairs.map(({ batch, loop }) => batch / loop));
  return ratioAtLeast(
    target,
    { name: `sign.batch of ${COUNT}: ${name}`, value, unit: 'signatures/s' },
    { peer: 'Token.sign in a loop', peerValue },
  );
}

/** Signatures a second. */
async function rateOf(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return COUNT / ((performance.now() - begin) / 1_000);
}

if (import.meta.main) process.stdout.write(`${format(await measureBatch(), false)}\n`);
