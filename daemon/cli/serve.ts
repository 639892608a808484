/** `kortd serve`: the daemon, on real readers or on a simulated desk, until SIGTERM or SIGINT. */
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { startDaemon } from '../daemon.ts';
import type { ReaderSource } from '../../drivers/reader-source.ts';
import { printResult } from './output.ts';

export interface ServeOptions {
  readonly dataDir: string;
  readonly policyDir: string;
  readonly port: number;
  /** Name of a scenario, or the path of its file. */
  readonly simulate?: string;
  readonly logLevel: string;
  /** Print commands to try. */
  readonly examples: boolean;
}

/** How long calls that still block may take to end by themselves. */
const EXIT_PATIENCE_MS = 1_500;

export async function runServe(options: ServeOptions): Promise<void> {
  await serveUntilStopped(options);
  if (options.simulate !== undefined) return;
  const { processBlockingCalls } = await import('../../drivers/pcsc/blocking-calls.ts');
  const deadline = performance.now() + EXIT_PATIENCE_MS;
  while (processBlockingCalls().underWay > 0 && performance.now() < deadline) await delay(10);
  if (processBlockingCalls().underWay === 0) return;
  const { exitAtOnce } = await import('../../drivers/process-exit.ts');
  exitAtOnce(0);
}

async function serveUntilStopped(options: ServeOptions): Promise<void> {
  const log = pino({ level: options.logLevel, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
  const stopped = waitForSignal();
  await using resources = new AsyncDisposableStack();
  const source = await openSource(options.simulate, resources);
  const daemon = await startDaemon({
    dataFolder: options.dataDir,
    policyFolder: options.policyDir,
    port: options.port,
    sources: [source],
    simulated: options.simulate !== undefined,
    log,
  });
  resources.use(daemon);
  printResult(`kortd ready ${daemon.url}`);
  if (options.examples) printExamples();
  log.info({ signal: await stopped }, 'shutting down');
}

/** Only what is served is loaded: the native library for real readers, the simulators for simulated ones. */
async function openSource(simulate: string | undefined, resources: AsyncDisposableStack): Promise<ReaderSource> {
  if (simulate === undefined) {
    const { createPcscSource } = await import('../../drivers/pcsc/source.ts');
    const source = createPcscSource();
    resources.defer(() => withinPatience(source[Symbol.asyncDispose]()));
    return source;
  }
  const { loadScenario } = await import('../../drivers/simulated/scenario.ts');
  const scenario = await loadScenario(simulate);
  resources.use(scenario);
  return scenario.source;
}

/** Releasing what a hung card holds may never end; the process does. */
async function withinPatience(closing: PromiseLike<void>): Promise<void> {
  await Promise.race([closing, delay(EXIT_PATIENCE_MS, undefined, { ref: false })]);
}

function waitForSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

function printExamples(): void {
  printResult(
    [
      '',
      'In another terminal, in this folder:',
      '  npm run -s kortd -- status',
      '  npm run -s kortd -- call card.list',
      '  npm run -s kortd -- call certificate.list \'{"card":{"reader":"READER-ID"}}\'',
      '',
      'The README goes on from here: make a key, request a certificate, sign. Ctrl+C stops.',
    ].join('\n'),
  );
}
