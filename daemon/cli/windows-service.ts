/**
 * `kortd windows-service`: the daemon as the Windows service that the package installs, with everything of its own below one folder: `state`, `policy.d`, and `log`, since
 * nobody reads a service's standard error.
 */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { PRODUCT } from '../version.ts';
import type { ServeHooks } from './serve.ts';
import type { SettingFlags } from './setting-options.ts';

/** Above that the log is put aside when the service starts; one older log is kept. */
const LOG_LIMIT_BYTES = 20_000_000;
/** The time that the systemd unit gives the daemon to stop. */
const PATIENCE_MS = 20_000;

export type ServiceFlags = SettingFlags;
type Serve = (flags: SettingFlags, hooks: ServeHooks) => Promise<void>;

/** Until the service control manager stops it. Throws when it was not that which started it. */
export async function runWindowsService(folder: string, flags: ServiceFlags, serve: Serve): Promise<void> {
  const { openWindowsService } = await import('../../drivers/windows-service.ts');
  // The daemon knows signals; on Windows nobody else sends them.
  const controls = {
    onStop: () => void process.emit('SIGTERM'),
    onReload: () => void process.emit('SIGHUP'),
  };
  const service = await openWindowsService(PRODUCT, { controls, patienceMs: PATIENCE_MS });
  const logFile = openLog(join(folder, 'log'));
  let status = 1;
  try {
    const folders = { dataDir: join(folder, 'state'), policyDir: join(folder, 'policy.d') };
    await serve({ ...flags, ...folders }, { logFile, onReady: service.running });
    status = 0;
  } catch (error) {
    // What the program prints to standard error is read by nobody.
    pino(pino.destination({ dest: logFile, sync: true })).fatal({ err: error }, 'the service could not go on');
    throw error;
  } finally {
    await service.stopped(status);
  }
}

/** The file to log to. */
export function openLog(folder: string, limitBytes = LOG_LIMIT_BYTES): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${PRODUCT}.log`);
  if (existsSync(file) && statSync(file).size > limitBytes) renameSync(file, `${file}.1`);
  return file;
}
