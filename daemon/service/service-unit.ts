/** The service and its socket as the package installs them and an administrator has changed it: its unit with its drop-ins, and the user that it runs as (systemd.unit(5), systemd.exec(5), systemd.socket(5)). */
import type { FlagValues } from '../configuration/effective.ts';
import { OPTIONS } from '../configuration/schema.ts';
import type { SystemFiles } from './files.ts';

export const SERVICE = 'kortd.service';
const SOCKET = 'kortd.socket';
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
const DEFAULT_USER = 'kortd';
const MAX_DROP_INS = 64;

export interface ServiceUnit {
  readonly file: string;
  readonly user: string;
  /** The words that it is started by. */
  readonly command: readonly string[];
  /** Where it keeps its data, as its command line or its unit says. */
  readonly dataFolder: string;
  /** Undefined: the usual one. */
  readonly configurationFile: string | undefined;
}

/** Undefined where the service is not installed. */
export async function findServiceUnit(look: SystemFiles): Promise<ServiceUnit | undefined> {
  const found = await readUnit(look, SERVICE);
  return found && unitOf(found.file, found.text);
}

/** The last path that the unit of its socket and drop-ins say; undefined where there is no such unit. */
export async function findServiceSocket(look: SystemFiles): Promise<string | undefined> {
  const found = await readUnit(look, SOCKET);
  const path = found && lastOf(found.text, 'ListenStream')?.trim();
  return path?.startsWith('/') ? path : undefined;
}

async function readUnit(look: SystemFiles, unit: string): Promise<{ readonly file: string; readonly text: string } | undefined> {
  for (const folder of FOLDERS) {
    const file = `${folder}/${unit}`;
    const text = await look.readText(file);
    if (text.state === 'seen') return { file, text: [text.value, ...(await dropIns(look, unit))].join('\n') };
  }
  return undefined;
}

/** In the order in which they hold: by their names; of two with the same name the first folder's. */
async function dropIns(look: SystemFiles, unit: string): Promise<readonly string[]> {
  const byName = new Map<string, string>();
  for (const folder of FOLDERS) {
    const names = await look.list(`${folder}/${unit}.d`);
    if (names.state !== 'seen') continue;
    for (const name of names.value.filter((each) => each.endsWith('.conf')).slice(0, MAX_DROP_INS))
      if (!byName.has(name)) byName.set(name, `${folder}/${unit}.d/${name}`);
  }
  const files = [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, file]) => file);
  const texts = await Promise.all(files.map((file) => look.readText(file)));
  return texts.flatMap((text) => (text.state === 'seen' ? [text.value] : []));
}

function unitOf(file: string, text: string): ServiceUnit {
  const command = wordsOf(lastOf(text, 'ExecStart') ?? '');
  const state = lastOf(text, 'StateDirectory')?.split(/\s/)[0] ?? 'kortd';
  return {
    ...{ file, command },
    user: lastOf(text, 'User') ?? DEFAULT_USER,
    dataFolder: valueIn(command, '--data-dir') ?? `/var/lib/${state}`,
    configurationFile: valueIn(command, '--config'),
  };
}

/** What is said last holds; an empty line begins a list anew. A line that ends in \ goes on. */
function lastOf(text: string, name: string): string | undefined {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  return lines.findLast((line) => line.startsWith(`${name}=`) && line.length > name.length + 1)?.slice(name.length + 1);
}

/** systemd.service(5), "COMMAND LINES": words, some of them in quotation marks. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

/** Options of the configuration that a command line gives, by their paths. */
export function flagsIn(command: readonly string[]): FlagValues {
  return Object.fromEntries(
    OPTIONS.flatMap(({ path, schema, notes: { flag } }) => {
      const text = flag === undefined ? undefined : valueIn(command, flag.split(' ')[0] ?? '');
      const isNumber = 'type' in schema && schema.type === 'integer';
      return text === undefined ? [] : [[path, isNumber ? Number(text) : text]];
    }),
  );
}

/** Of --name VALUE or --name=VALUE. */
function valueIn(command: readonly string[], name: string): string | undefined {
  const at = command.indexOf(name);
  if (at >= 0) return command[at + 1];
  return command.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}
