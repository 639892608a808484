/** Figures on the real pcscd: exchange rate beside a C loop over libpcsclite, and how many APDUs OpenSC needs for the same card. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createPcscSource } from '../../drivers/pcsc/source.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { loadScenario } from '../../drivers/simulated/scenario.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { countCommands } from '../support/counting-card.ts';
import { startPcscd, type VirtualReader } from '../support/pcscd.ts';
import { median, ratioAtLeast, type Figure } from './figure.ts';

const run = promisify(execFile);
const signal = new AbortController().signal;
/** VERIFY without data: asks for the state of the PIN, two bytes back. */
const COMMAND = Uint8Array.of(0x00, 0x20, 0x00, 0x80);
const SELECT_PIV = Uint8Array.from(Buffer.from('00A4040005A000000308', 'hex'));
const ROUNDS = 7;
const EXCHANGES = 4_000;

export interface RealPcscFigures {
  readonly figures: readonly Figure[];
  readonly openscApdus: number;
}

export async function measureRealPcsc(): Promise<RealPcscFigures> {
  await using pcscd = await startPcscd(1);
  const [reader] = pcscd.readers;
  if (!reader) throw new Error('no virtual reader');
  await using scenario = await loadScenario('office');
  const card = scenario.cards.get('operator')?.card;
  if (!card) throw new Error('the office has no operator card');
  // The card has a process of its own, as a real one has, so that neither side computes for both.
  const openscApdus = await countOpenSc(card, reader);
  const rate = await measureRate(reader);
  return { openscApdus, figures: [rate] };
}

async function measureRate(reader: VirtualReader): Promise<Figure> {
  const loop = await compileLoop();
  const card = await startCard(reader);
  try {
    await using source = createPcscSource();
    await waitUntilUsable(source, reader);
    const pairs: { kortd: number; c: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      pairs.push({ kortd: await rateOfKortd(source, reader), c: await rateOfLoop(loop, reader) });
    }
    const peerValue = median(pairs.map((pair) => pair.c));
    const ratio = median(pairs.map((pair) => pair.kortd / pair.c));
    return ratioAtLeast(
      0.8,
      { name: 'APDU exchanges through pcscd and vpcd', value: ratio * peerValue, unit: '/s' },
      { peer: 'C loop over libpcsclite', peerValue },
    );
  } finally {
    card.kill();
  }
}

type Source = ReturnType<typeof createPcscSource>;

async function rateOfKortd(source: Source, reader: VirtualReader): Promise<number> {
  await using connection = await source.connect(reader.name, { signal });
  await connection.transmit(SELECT_PIV);
  for (let done = 0; done < 50; done++) await connection.transmit(COMMAND);
  const begin = performance.now();
  for (let done = 0; done < EXCHANGES; done++) await connection.transmit(COMMAND);
  return EXCHANGES / ((performance.now() - begin) / 1000);
}

async function rateOfLoop(loop: string, reader: VirtualReader): Promise<number> {
  const { stdout } = await run(loop, [reader.name, String(EXCHANGES), Buffer.from(COMMAND).toString('hex')]);
  return Number(/[\d.]+/.exec(stdout)?.[0]);
}

async function compileLoop(): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', 'build', 'bench');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'pcsc-loop');
  await run('gcc', ['-O2', '-I/usr/include/PCSC', '-o', program, join(import.meta.dirname, 'pcsc-loop.c'), '-lpcsclite']);
  return program;
}

async function startCard(reader: VirtualReader): Promise<{ kill(): void }> {
  const { spawn } = await import('node:child_process');
  const main = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
  const child = spawn(process.execPath, [main, 'simulate', '--card', 'piv', '--vpcd', `127.0.0.1:${reader.port}`], {
    stdio: 'ignore',
  });
  return { kill: () => child.kill('SIGKILL') };
}

export async function waitForCard(source: Source, reader: VirtualReader): Promise<void> {
  const found = new AbortController();
  for await (const state of source.watch({ signal: AbortSignal.any([found.signal, AbortSignal.timeout(20_000)]) })) {
    if (state.name === reader.name && state.status === 'present') {
      found.abort();
      return;
    }
  }
  throw new Error('no card came within 20 s');
}

/** The state that pcscd tells lags behind by up to its poll period: a card counts when it answers. */
async function waitUntilUsable(source: Source, reader: VirtualReader): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await waitForCard(source, reader);
    try {
      await using connection = await source.connect(reader.name, { signal });
      await connection.transmit(COMMAND);
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await delay(100);
    }
  }
}

/** `pkcs15-tool --list-certificates`, whole process, on the operator's card. */
async function countOpenSc(card: SimulatedCard, reader: VirtualReader): Promise<number> {
  const counted = countCommands(card);
  await using bridge = new VpcdBridge({ host: '127.0.0.1', port: reader.port });
  await bridge.insert(counted);
  await using source = createPcscSource();
  await waitForCard(source, reader);
  counted.taken();
  const { stdout } = await run('pkcs15-tool', ['--reader', reader.name, '--list-certificates']);
  if (stdout.split('X.509 Certificate').length !== 3) throw new Error(`OpenSC does not see two certificates: ${stdout}`);
  return counted.taken();
}
