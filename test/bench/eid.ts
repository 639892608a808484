/**
 * APDUs that reach an eID card with two certificates: one that follows the standards alone and carries extended length, in a simulated reader; and one of
 * short length that OpenSC knows, behind pcscd, beside what OpenSC sends to it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Client } from '../../api-spec/client/client.ts';
import { createPcscSource } from '../../drivers/pcsc/source.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { countCommands, type CountingCard } from '../support/counting-card.ts';
import { startPcscd, type VirtualReader } from '../support/pcscd.ts';
import { atMost, ratioAtMost, type Figure } from './figure.ts';
import { startCounted } from './in-process.ts';
import { waitForCard } from './real-pcsc.ts';

const run = promisify(execFile);
const PIN = '123456';
const DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 20;

export async function measureEid(): Promise<readonly Figure[]> {
  return [...(await countExtended()), ...(await countBehindPcscd())];
}

function makeCard(persona: string): CountingCard {
  return countCommands(createEidCard({ persona, authorities: [], pins: { legitimering: PIN } }));
}

/** With the PIN, by the first key. */
async function countSignature(client: Client, card: string, counted: CountingCard): Promise<number> {
  const { keys } = await client.call('card.read', { card });
  const [key] = keys;
  const [algorithm] = key?.signatureAlgorithms ?? [];
  if (!key || !algorithm) throw new Error('the bench card has no key that signs');
  const digest = Buffer.alloc(32).toString('base64');
  counted.taken();
  await client.call('sign.digest', { card, keyReference: key.keyReference, algorithm, digest, pin: PIN });
  return counted.taken();
}

async function countExtended(): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const card = makeCard('cecilia');
  const reader = new SimulatedReader({ name: 'Bench' });
  const { client, nextCard } = await startCounted(stack, createSimulatedSource([reader]));
  const insert = async (): Promise<string> => {
    const identified = nextCard();
    reader.insert(card);
    return await identified;
  };
  await insert();
  const first = card.taken();
  reader.remove();
  const id = await insert();
  const known = card.taken();
  const signed = await countSignature(client, id, card);
  return [
    atMost(20, { name: 'APDUs: eID, first full read, two certificates', value: first, unit: 'APDUs' }),
    atMost(2, { name: 'APDUs: eID, a known card put in again', value: known, unit: 'APDUs' }),
    atMost(4, { name: 'APDUs: eID, RSA-2048 signature with PIN', value: signed, unit: 'APDUs' }),
  ];
}

async function countBehindPcscd(): Promise<readonly Figure[]> {
  await using stack = new AsyncDisposableStack();
  const pcscd = stack.use(await startPcscd(1));
  const [reader] = pcscd.readers;
  if (!reader) throw new Error('no virtual reader');
  const card = makeCard('bjorn');
  const bridge = stack.use(new VpcdBridge({ port: reader.port }));
  const source = stack.use(createPcscSource());
  await bridge.insert(card);
  await waitForCard(source, reader);
  const opensc = await countOpenSc(reader, card);
  const kortd = await countKortd(stack, card);
  return [
    ratioAtMost(
      0.8,
      { name: 'APDUs: eID of short length, full read, two certificates', value: kortd.read, unit: 'APDUs' },
      { peer: 'OpenSC, list certificates', peerValue: opensc.read },
    ),
    ratioAtMost(
      0.5,
      { name: 'APDUs: eID of short length, ECDSA signature with PIN', value: kortd.signed, unit: 'APDUs' },
      { peer: 'OpenSC, pkcs11-tool --sign', peerValue: opensc.signed },
    ),
  ];
}

interface Counts {
  readonly read: number;
  readonly signed: number;
}

/** Whole processes, as people use them. */
async function countOpenSc({ name }: VirtualReader, card: CountingCard): Promise<Counts> {
  card.taken();
  const { stdout } = await run('pkcs15-tool', ['--reader', name, '--list-certificates']);
  if (stdout.split('X.509 Certificate').length !== 3) throw new Error(`OpenSC does not see two certificates: ${stdout}`);
  const read = card.taken();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  try {
    const message = join(folder, 'digest');
    writeFileSync(message, Buffer.alloc(20));
    const key = ['--slot', '0', '--login', '--pin', PIN, '--id', '45', '--mechanism', 'ECDSA'];
    await run('pkcs11-tool', ['--sign', ...key, '--input-file', message, '--output-file', join(folder, 'signature')]);
    return { read, signed: card.taken() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The card is in when the daemon starts. */
async function countKortd(stack: AsyncDisposableStack, card: CountingCard): Promise<Counts> {
  card.taken();
  const { client } = await startCounted(stack, stack.use(createPcscSource()));
  const id = await knownCard(client);
  const read = card.taken();
  return { read, signed: await countSignature(client, id, card) };
}

async function knownCard(client: Client): Promise<string> {
  const end = performance.now() + DEADLINE_MS;
  while (performance.now() < end) {
    const { cards } = await client.call('card.list');
    const [card] = cards;
    if (card?.status === 'ready') return card.id;
    await delay(LOOK_AGAIN_MS);
  }
  throw new Error('kortd does not know the bench card');
}
