/**
 * The name that people know a program by: that of the .desktop file whose Exec is this program (Desktop Entry Specification 1.5). Only files count that root alone can
 * change, in folders that root alone can change, for programs that root alone can change; so no program gives itself another's name. What runs the programs of
 * others (an interpreter with a script) has no name of its own.
 */
import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';

export interface KnownName {
  readonly en: string;
  readonly sv: string;
}

export interface KnownProgramsOptions {
  /** Whose .desktop files count; the first that names a program holds. */
  readonly folders?: readonly string[];
  /** Where a command without a path is looked for. */
  readonly commandFolders?: readonly string[];
  /** Whose files count: root's. */
  readonly owner?: number;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

const FOLDERS = ['/usr/local/share/applications', '/usr/share/applications', '/var/lib/snapd/desktop/applications'];
const COMMAND_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/games'];
/** What was read holds so long; an installation is known after it. */
const HOLDS_MS = 60_000;
const MAX_FILES = 2_000;
/** Names in eighty languages, and the actions of a browser, take 20 KB. */
const MAX_FILE_BYTES = 65_536;
const MAX_ALL_BYTES = 16 * 1024 * 1024;
/** Two of them and a path are shown in 200 characters. */
const MAX_NAME = 40;
const WRITABLE_BY_OTHERS = 0o022;
/** They run what others wrote, whatever their options say. */
const RUNNERS =
  /^(?:ba|c|da|fi|k|z|tc)?sh$|^(?:python|perl|ruby|node|nodejs|php|lua|tclsh|wish|gjs|mono|java|guile|electron)[\d.-]*$|^(?:env|flatpak|snap|sudo|pkexec|wine|xterm|x-terminal-emulator|dbus-launch|nohup|timeout)$/;

interface Entry extends KnownName {
  /** Of its command, beside what a file manager fills in. */
  readonly optionCount: number;
}

export class KnownPrograms {
  readonly #options: Required<KnownProgramsOptions>;
  #names = new Map<string, Entry | 'several'>();
  #readAt: number | undefined;

  constructor({
    folders = FOLDERS,
    commandFolders = COMMAND_FOLDERS,
    owner = 0,
    now = () => performance.now(),
  }: KnownProgramsOptions = {}) {
    this.#options = { folders, commandFolders, owner, now };
  }

  /** Of the program in this file; undefined when nobody named it, or several names are as good. */
  nameOf(path: string): KnownName | undefined {
    const now = this.#options.now();
    if (this.#readAt === undefined || now - this.#readAt > HOLDS_MS) {
      this.#names = this.#readAll();
      this.#readAt = now;
    }
    const found = this.#names.get(path);
    return found === undefined || found === 'several' ? undefined : { en: found.en, sv: found.sv };
  }

  #readAll(): Map<string, Entry | 'several'> {
    const names = new Map<string, Entry | 'several'>();
    let left = MAX_ALL_BYTES;
    const { folders, owner } = this.#options;
    for (const folder of folders) {
      for (const file of desktopFilesIn(folder, owner)) {
        const text = left > 0 ? readTrusted(join(folder, file), owner) : undefined;
        if (text === undefined) continue;
        left -= text.length;
        const found = this.#entryOf(text);
        if (found) add(names, found);
      }
    }
    return names;
  }

  #entryOf(text: string): { readonly path: string; readonly entry: Entry } | undefined {
    const fields = fieldsOf(text);
    const [name, command] = [fields.get('Name'), fields.get('Exec')];
    if (name === undefined || command === undefined || fields.get('Type') !== 'Application' || fields.get('Hidden') === 'true')
      return undefined;
    const [program = '', ...words] = wordsOf(command);
    const options = words.filter((word) => !/^%[a-zA-Z]$/.test(word));
    // A word that is no option is what the program is to run or open: then it is not the program that is named.
    if (options.some((word) => !word.startsWith('-'))) return undefined;
    const path = this.#resolve(program);
    if (path === undefined || RUNNERS.test(basename(path))) return undefined;
    const en = presentable(name);
    const sv = presentable(fields.get('Name[sv]') ?? fields.get('Name[sv_SE]') ?? name);
    return en === '' || sv === '' ? undefined : { path, entry: { en, sv, optionCount: options.length } };
  }

  /** Where the program's own file is; undefined unless root alone can change it. */
  #resolve(program: string): string | undefined {
    const candidates = program.startsWith('/') ? [program] : this.#options.commandFolders.map((folder) => join(folder, program));
    if (!program.startsWith('/') && program.includes('/')) return undefined;
    for (const candidate of candidates) {
      const path = unlessMissing(() => realpathSync(candidate));
      const status = path === undefined ? undefined : unlessMissing(() => statSync(path));
      if (path !== undefined && status?.isFile()) return isOf(this.#options.owner, status) ? path : undefined;
    }
    return undefined;
  }
}

/** The plainest command names the program; of several that are as plain none does, unless they give it the same name. */
function add(names: Map<string, Entry | 'several'>, { path, entry }: { readonly path: string; readonly entry: Entry }): void {
  const known = names.get(path);
  if (known === 'several' && entry.optionCount > 0) return;
  if (known === undefined || known === 'several' || entry.optionCount < known.optionCount) names.set(path, entry);
  else if (entry.optionCount === known.optionCount && (entry.en !== known.en || entry.sv !== known.sv))
    names.set(path, 'several');
}

function desktopFilesIn(folder: string, owner: number): readonly string[] {
  const status = unlessMissing(() => statSync(folder));
  if (!status?.isDirectory() || !isOf(owner, status)) return [];
  const names = unlessMissing(() => readdirSync(folder)) ?? [];
  return names
    .filter((name) => name.endsWith('.desktop'))
    .sort()
    .slice(0, MAX_FILES);
}

/** What is open is what is judged. Undefined for what others can change, and for what is no file. */
function readTrusted(path: string, owner: number): string | undefined {
  const descriptor = unlessMissing(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  if (descriptor === undefined) return undefined;
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile() || !isOf(owner, status)) return undefined;
    const buffer = Buffer.alloc(Math.min(status.size, MAX_FILE_BYTES));
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Nobody else can change it. */
function isOf(owner: number, { uid, mode }: Stats): boolean {
  return uid === owner && (mode & WRITABLE_BY_OTHERS) === 0;
}

/** Of the group [Desktop Entry]; the first of each key. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let isEntry = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('[')) isEntry = line.trim() === '[Desktop Entry]';
    else if (isEntry) {
      const [, key, value = ''] = /^([A-Za-z0-9-]+(?:\[[\w@.-]+\])?)\s*=\s*(.*)$/.exec(line) ?? [];
      if (key !== undefined && !fields.has(key)) fields.set(key, value.trim());
    }
  }
  return fields;
}

/** "The Exec key": words, some in quotation marks, in which a backslash takes the meaning from the next character. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
  );
}

/** One line without what cannot be seen or turns the direction of writing, and without the brackets that begin the evidence. */
function presentable(name: string): string {
  const seen = name.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}()]/gu, ' ').replaceAll(/\s+/g, ' ');
  return seen.trim().slice(0, MAX_NAME).trim();
}

/** Undefined for what is not there, or not ours to see. */
function unlessMissing<R>(look: () => R): R | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
