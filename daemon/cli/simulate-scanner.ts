/** `kortd simulate-scanner`: the web service of a scanner's vendor, simulated, for test benches and for daemons elsewhere on this machine, until SIGTERM or SIGINT. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export interface SimulateScannerOptions {
  /** A kind of vendor's service: regula. */
  readonly kind: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** Whose document lies in it; "none" for nobody's. */
  readonly document: string;
  readonly defect: readonly string[];
  /** Where its secret and pictures are; a temporary one, deleted at the end, unless given. */
  readonly folder?: string;
}

export async function runSimulateScanner({ kind, port, document, defect, folder }: SimulateScannerOptions): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const { VENDOR_KINDS, openVendorBench } = await import('../../drivers/simulated/scanners/bench.ts');
  const { PAGE_DEFECTS, PAGE_PERSONAS } = await import('../../drivers/simulated/scanners/printed-document.ts');
  const known = VENDOR_KINDS.find((each) => each === kind);
  if (!known)
    throw new UsageError(
      `the scanner must be one of: ${VENDOR_KINDS.join(', ')}`,
      `skannern måste vara en av: ${VENDOR_KINDS.join(', ')}`,
    );
  if (document !== 'none' && !PAGE_PERSONAS.includes(document))
    throw new UsageError(
      `--document wants one of: none, ${PAGE_PERSONAS.join(', ')}`,
      `--document ska vara något av: none, ${PAGE_PERSONAS.join(', ')}`,
    );
  const defects = defect.map((each) => PAGE_DEFECTS.find((name) => name === each));
  if (defects.includes(undefined))
    throw new UsageError(
      `--defect wants one of: ${PAGE_DEFECTS.join(', ')}`,
      `--defect ska vara något av: ${PAGE_DEFECTS.join(', ')}`,
    );
  await using resources = new AsyncDisposableStack();
  const own = folder === undefined ? await mkdtemp(join(tmpdir(), 'kortd-scanner-')) : resolve(folder);
  if (folder === undefined) resources.defer(async () => rm(own, { recursive: true, force: true }));
  const order = { persona: document, defects: defects.filter((each) => each !== undefined) };
  const bench = resources.use(
    await openVendorBench(known, { folder: own, port, ...(document === 'none' ? {} : { document: order }) }),
  );
  printResult(`kortd simulated ${known} ${bench.service.url}`);
  printResult(JSON.stringify({ scanners: [{ name: `${known}-1`, driver: known, options: bench.options }] }));
  if (!stop.signal.aborted) await new Promise((end) => stop.signal.addEventListener('abort', end, { once: true }));
}
