/** Figures without any service: the channel over a simulated card, many readers at once, APDUs for each operation. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { pivProfile } from '../../apdu/cards/piv.ts';
import { openApplication } from '../../apdu/select.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import type { ReaderSource } from '../../drivers/reader-source.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { countCommands } from '../support/counting-card.ts';
import { atLeast, atMost, median, ratioAtLeast, type Figure } from './figure.ts';

const signal = new AbortController().signal;
/** GET DATA of the discovery object: 20 bytes back. */
const GET_DISCOVERY = { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff, data: Uint8Array.of(0x5c, 0x01, 0x7e), ne: 256 };
const ROUNDS = 9;

export async function measureChannel(): Promise<readonly Figure[]> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rates.push(await rateOf(1, 100_000));
  return [atLeast(50_000, { name: 'APDU exchanges in process, whole channel', value: median(rates), unit: '/s' })];
}

export async function measureManyReaders(): Promise<readonly Figure[]> {
  const pairs: { one: number; many: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) pairs.push({ one: await rateOf(1, 128_000), many: await rateOf(64, 2_000) });
  const peerValue = median(pairs.map((pair) => pair.one));
  const value = peerValue * median(pairs.map((pair) => pair.many / pair.one));
  return [
    ratioAtLeast(
      0.9,
      { name: '64 simulated readers at once, total', value, unit: 'exchanges/s' },
      { peer: 'one reader', peerValue },
    ),
  ];
}

/** Exchanges a second over all readers, each working through its own connection at the same time. */
async function rateOf(readerCount: number, exchangesEach: number): Promise<number> {
  const readers = Array.from({ length: readerCount }, (_, index) => new SimulatedReader({ name: `Bench ${index}` }));
  const source = createSimulatedSource(readers);
  for (const reader of readers) reader.insert(createPivCard({}));
  const connections = await Promise.all(readers.map((reader) => source.connect(reader.name, { signal })));
  const begin = performance.now();
  await Promise.all(connections.map((connection) => exchangeOften(connection, exchangesEach)));
  const seconds = (performance.now() - begin) / 1000;
  for (const connection of connections) await connection[Symbol.asyncDispose]();
  return (readerCount * exchangesEach) / seconds;
}

async function exchangeOften(connection: CardConnection, count: number): Promise<void> {
  const channel = openChannel(connection, { signal });
  await openApplication(channel, pivProfile);
  for (let done = 0; done < count; done++) {
    const { statusWord } = await channel.exchange(GET_DISCOVERY);
    if (statusWord !== 0x9000) throw new Error(`the bench card answered ${statusWord.toString(16)}`);
  }
}

/**
 * APDUs that reach the card when the daemon is called over its API: the office's operator card, two certificates, extended length.
 * The first full read is that of the insertion; `opensc` is what OpenSC sent to the same card.
 */
export async function countOperations(opensc: number): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const scenario = stack.use(await loadScenario('office'));
  const card = scenario.cards.get('operator')?.card;
  if (!card) throw new Error('the office has no operator card');
  const counted = countCommands(card);
  const reader = new SimulatedReader({ name: 'Bench' });
  const { client, nextCard } = await startCounted(stack, createSimulatedSource([reader]));
  const identified = nextCard();
  reader.insert(counted);
  const id = await identified;
  const firstRead = counted.taken();
  const { certificates } = await client.call('card.read', { card: id });
  if (certificates.length !== 2) throw new Error('the bench card must hold two certificates');
  const readAgain = counted.taken();
  const digest = Buffer.alloc(32).toString('base64');
  await client.call('sign.digest', { card: id, keyReference: '9C', algorithm: 'RS256', digest, pin: '123456' });
  const signature = counted.taken();
  const peer = { peer: 'OpenSC, list certificates', peerValue: opensc };
  return [
    atMost(10, { name: 'APDUs: first full read, two certificates', value: firstRead, unit: 'APDUs' }, peer),
    atMost(2, { name: 'APDUs: a known card read again', value: readAgain, unit: 'APDUs' }),
    atMost(3, { name: 'APDUs: RSA-2048 signature after PIN entry', value: signature, unit: 'APDUs' }),
  ];
}

/** A daemon on this source, and a way to wait for the next card that it knows. */
export async function startCounted(
  stack: AsyncDisposableStack,
  source: ReaderSource,
): Promise<{ readonly client: Client; readonly folder: string; readonly nextCard: () => Promise<string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const options = { dataFolder: folder, port: 0, simulated: true, log: silentLog };
  const client = await connect(stack.use(await startDaemon({ ...options, sources: [source] })));
  stack.defer(() => client.close());
  let isReady = (id: string): unknown => id;
  const onEvent = (event: { name: string; data: unknown }): void => {
    const { card } = event.data as { card?: { id: string; status: string } };
    if (event.name === 'card.changed' && card?.status === 'ready') isReady(card.id);
  };
  void client.subscribe({ onEvent });
  await client.call('system.info');
  return { client, folder, nextCard: () => new Promise((resolve) => (isReady = resolve)) };
}
