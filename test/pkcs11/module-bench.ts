/** What tests of modules share: a module made of C on the spot, a source on a module, and the one card in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceUnavailableError } from '../../drivers/errors.ts';
import type { ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';
import { createModuleSource, type ModuleSource, type ModuleSourceOptions } from '../../drivers/pkcs11/source.ts';
import type { ApplicationConnection } from '../../drivers/reader-source.ts';
import { runTool } from '../support/run-tool.ts';
import { sha256Of } from '../support/softhsm.ts';

const SOURCE = join(import.meta.dirname, 'faulty-module.c');
const READY_MS = 15_000;

export interface FaultyModule extends AsyncDisposable {
  readonly folder: string;
  /** The module with this fault: "crash:C_Sign". With `once` it happens while that file is there, and takes it away. */
  configuration(fault: string, once?: string): ModuleConfiguration;
  readonly loginsFile: string;
}

export async function compileFaultyModule(): Promise<FaultyModule> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-faulty-'));
  const path = join(folder, 'faulty.so');
  await runTool('gcc', ['-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', path, SOURCE]);
  const sha256 = await sha256Of(path);
  const loginsFile = join(folder, 'logins');
  return {
    folder,
    loginsFile,
    configuration: (fault, once) => {
      const environment = { FAULT: fault, LOGINS: loginsFile, ...(once === undefined ? {} : { FAULT_ONCE: once }) };
      return { name: 'faulty', path, sha256, environment };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Of a module that answers: longer than a machine with much to do keeps it waiting. */
const PATIENT: ModuleSourceOptions = { deadlines: { startMs: 15_000, normalMs: 15_000, longMs: 15_000 }, tickMs: 20 };
/** Of one that hangs. */
export const HANGS: ModuleSourceOptions = { deadlines: { startMs: 15_000, normalMs: 2_000, longMs: 3_000 }, tickMs: 20 };

/** A source that is watched all the time, as the desk does: it starts its module again after it failed. */
export interface WatchedSource extends AsyncDisposable {
  readonly source: ModuleSource;
  /** Why the watch last ended. */
  readonly problem: () => string | undefined;
  /** Begins a transaction with the one card, waiting until the module shows it. */
  connect(): Promise<ApplicationConnection>;
}

export function watchModule(configuration: ModuleConfiguration, options: ModuleSourceOptions = PATIENT): WatchedSource {
  const source = createModuleSource(configuration, options);
  const stop = new AbortController();
  const { signal } = stop;
  const present = new Set<string>();
  let problem: string | undefined;
  const watching = (async () => {
    while (!signal.aborted) {
      try {
        for await (const { name, status } of source.watch({ signal })) {
          if (status === 'present') present.add(name);
          else present.delete(name);
        }
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        problem = error.message;
        present.clear();
      }
      await delay(20);
    }
  })();
  return {
    source,
    problem: () => problem,
    connect: async () => {
      const end = performance.now() + READY_MS;
      for (;;) {
        const [name] = present;
        try {
          if (name !== undefined) return await source.connect(name, { signal });
        } catch (error) {
          if (!(error instanceof ServiceUnavailableError)) throw error;
        }
        if (performance.now() > end) throw new Error(`waiting for the card of a module: ${problem ?? 'none came'}`);
        await delay(10);
      }
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the test is over'));
      await source[Symbol.asyncDispose]();
      await watching;
    },
  };
}
