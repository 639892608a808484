/** The service as the package installs it: its unit, and the user that it runs as (systemd.unit(5), systemd.exec(5)). */
import type { Look } from './look.ts';

export const SERVICE = 'kortd.service';
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
const DEFAULT_USER = 'kortd';

export interface ServiceUnit {
  readonly file: string;
  readonly user: string;
  /** Where it keeps its data, as its command line or its unit says. */
  readonly dataFolder: string;
}

/** Undefined where the service is not installed. */
export async function findServiceUnit(look: Look): Promise<ServiceUnit | undefined> {
  for (const folder of FOLDERS) {
    const file = `${folder}/${SERVICE}`;
    const text = await look.readText(file);
    if (text.state === 'seen')
      return { file, user: /^User=(\S+)/m.exec(text.value)?.[1] ?? DEFAULT_USER, dataFolder: folderOf(text.value) };
  }
  return undefined;
}

function folderOf(unit: string): string {
  const [, named] = /^ExecStart=.*--data-dir[= ](\S+)/m.exec(unit) ?? [];
  const [, state] = /^StateDirectory=(\S+)/m.exec(unit) ?? [];
  return named ?? `/var/lib/${state ?? 'kortd'}`;
}
