/** Figures without any service: the channel over a simulated card, many readers at once, APDUs for each operation. */
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { pivProfile } from '../../apdu/cards/piv.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { atLeast, atMost, median, ratioAtLeast, type Figure } from './figure.ts';

const signal = new AbortController().signal;
/** GET DATA of the discovery object: 20 bytes back. */
const GET_DISCOVERY = { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff, data: Uint8Array.of(0x5c, 0x01, 0x7e), ne: 256 };
const ROUNDS = 5;

export async function measureChannel(): Promise<readonly Figure[]> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rates.push(await rateOf(1, 100_000));
  return [atLeast(50_000, { name: 'APDU exchanges in process, whole channel', value: median(rates), unit: '/s' })];
}

export async function measureManyReaders(): Promise<readonly Figure[]> {
  const pairs: { one: number; many: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) pairs.push({ one: await rateOf(1, 64_000), many: await rateOf(64, 1_000) });
  const peerValue = median(pairs.map((pair) => pair.one));
  const value = median(pairs.map((pair) => pair.many));
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

/** Counts APDUs of the operations of a card with two certificates and extended length: the operator's of the office scenario. */
export async function countOperations(opensc: number): Promise<readonly Figure[]> {
  await using scenario = await loadScenario('office');
  const counting = async (work: (channel: ReturnType<typeof openChannel>) => Promise<void>): Promise<number> => {
    let count = 0;
    await using connection = await scenario.source.connect('Simulated Operator 00 00', { signal });
    await work(openChannel(connection, { signal, onExchange: () => void count++ }));
    return count;
  };
  const firstRead = await counting(async (channel) => {
    const application = await openApplication(channel, pivProfile);
    await application.serialNumber();
    await application.token?.pins();
    const contents = await application.token?.contents();
    if (contents?.certificates.length !== 2) throw new Error('the bench card must hold two certificates');
  });
  const readAgain = await counting(async (channel) => {
    const application = await openApplication(channel, pivProfile);
    await application.token?.pins();
  });
  const signature = await counting(async (channel) => {
    const { token } = await openApplication(channel, pivProfile);
    using pin = Secret.fromText('123456');
    await token?.verifyPin('80', pin);
    await token?.sign({ keyReference: '9C', algorithm: 'RSA-2048' }, 'RS256', new Uint8Array(32));
  });
  const peer = { peer: 'OpenSC, list certificates', peerValue: opensc };
  return [
    atMost(10, { name: 'APDUs: first full read, two certificates', value: firstRead, unit: 'APDUs' }, peer),
    atMost(2, { name: 'APDUs: a known card read again', value: readAgain, unit: 'APDUs' }),
    atMost(3, { name: 'APDUs: RSA-2048 signature after PIN entry', value: signature, unit: 'APDUs' }),
  ];
}
