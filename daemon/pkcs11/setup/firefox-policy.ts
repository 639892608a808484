/**
 * Firefox's policy SecurityDevices (https://mozilla.github.io/policy-templates/#securitydevices): modules for every profile of every user of the system. The
 * file holds all policies of Firefox; others' are left as they are.
 *
 * Debian's Firefox ESR reads /etc/firefox/policies as other builds do (measured with 153); its /etc/firefox-esr holds preferences alone.
 */
import { join } from 'node:path';
import { SetupError } from './errors.ts';
import { readIfThere } from './files.ts';
import { addEntry, removeEntry, type Entry } from './kept-file.ts';
import type { Machine } from './machine.ts';
import { isProxy, MODULE_NAME } from './nss-module.ts';
import type { Place, PlaceState } from './program-setup.ts';

type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = {};

export function policyPath({ etc }: Machine): string {
  return join(etc, 'firefox', 'policies', 'policies.json');
}

export function policyPlace(machine: Machine, library: string | undefined): Place {
  const path = policyPath(machine);
  const text = readIfThere(path);
  return { path, state: text === undefined ? 'absent' : stateOf(parse(path, text), library) };
}

/** True when it was not there. Throws SetupError. */
export function addToPolicy(machine: Machine, library: string): boolean {
  const { path, state } = policyPlace(machine, library);
  if (state === 'foreign') throw foreign(path);
  if (state === 'enabled' || state === 'other_name') return false;
  // What is kept must be what was there before kortd came.
  if (state === 'other_address') removeFromPolicy(machine);
  addEntry(path, entryOf(path, library), { mode: 0o644, isForAll: true });
  return true;
}

/** True when it was there. Throws SetupError. */
export function removeFromPolicy(machine: Machine): boolean {
  const path = policyPath(machine);
  const library = moduleIn(parse(path, readIfThere(path) ?? '{}'));
  if (library === undefined) return false;
  if (!isProxy(library)) throw foreign(path);
  removeEntry(path, entryOf(path, library));
  return true;
}

function stateOf(policies: Json, library: string | undefined): PlaceState {
  const devices = devicesOf(policies);
  const own = moduleIn(policies);
  if (own !== undefined) return own === library ? 'enabled' : isProxy(own) ? 'other_address' : 'foreign';
  const isThere = Object.values(listOf(devices)).some((path) => typeof path === 'string' && isProxy(path));
  return isThere ? 'other_name' : 'absent';
}

function entryOf(path: string, library: string): Entry {
  return {
    add: (text) => {
      const file = text === undefined ? NOTHING : parse(path, text);
      const devices = devicesOf(file);
      const list = { ...listOf(devices), [MODULE_NAME]: library };
      return format(withDevices(file, isEarlierForm(devices) ? list : { ...devices, Add: list }));
    },
    remove: (text) => {
      const file = parse(path, text);
      const devices = devicesOf(file);
      const { [MODULE_NAME]: _, ...list } = listOf(devices);
      const rest = isEarlierForm(devices) ? list : withoutEmpty({ ...devices, Add: list }, 'Add');
      return format(withDevices(file, rest));
    },
  };
}

/** Names and libraries alone; Firefox takes it for a list of `Add` while it has neither `Add` nor `Delete`. */
function isEarlierForm(devices: Json): boolean {
  return Object.keys(devices).length > 0 && !('Add' in devices) && !('Delete' in devices);
}

function listOf(devices: Json): Json {
  return isEarlierForm(devices) ? devices : objectIn(devices, 'Add');
}

function moduleIn(file: Json): string | undefined {
  const library = listOf(devicesOf(file))[MODULE_NAME];
  return typeof library === 'string' ? library : undefined;
}

function devicesOf(file: Json): Json {
  return objectIn(objectIn(file, 'policies'), 'SecurityDevices');
}

function withDevices(file: Json, devices: Json): Json {
  const policies = withoutEmpty({ ...objectIn(file, 'policies'), SecurityDevices: devices }, 'SecurityDevices');
  return { ...file, policies };
}

function withoutEmpty(object: Json, name: string): Json {
  const { [name]: value, ...rest } = object;
  return isObject(value) && Object.keys(value).length === 0 ? rest : object;
}

function objectIn(object: Json, name: string): Json {
  const value = object[name];
  return isObject(value) ? value : NOTHING;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function format(file: Json): string {
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

function parse(path: string, text: string): Json {
  try {
    const file: unknown = JSON.parse(text);
    if (isObject(file)) return file;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SetupError('not_understood', {
    en: `reading the policies of Firefox in ${path}: it is no JSON object, and Firefox cannot read it either. Put it right or take it away, then try again`,
    sv: `Firefox policyer i ${path} kan inte läsas: filen är inget JSON-objekt, och Firefox kan inte heller läsa den. Rätta eller ta bort den och försök igen`,
  });
}

function foreign(path: string): SetupError {
  return new SetupError('foreign', {
    en: `changing ${path}: its SecurityDevices has a module named ${MODULE_NAME} that is another library. It is left as it is`,
    sv: `${path} kan inte ändras: SecurityDevices har en modul med namnet ${MODULE_NAME} som är ett annat bibliotek. Den lämnas som den är`,
  });
}
