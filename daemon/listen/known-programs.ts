/**
 * The name that people know a program by: that of the .desktop file whose Exec is this program (Desktop Entry Specification 1.5). Only files count that root alone can
 * change, in folders that root alone can change, for programs that root alone can change; so no program gives itself another's name. What runs the programs of
 * others (an interpreter with a script) has no name of its own. A look-up waits for the files of a small system alone: the rest of many is read between other work, and
 * nothing is read again until a folder has changed.
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
/** Whether the folders have changed is looked at so seldom; an installation is known after it. */
const HOLDS_MS = 60_000;
/** In one turn: files of the largest size take less than 5 ms. */
const FILES_AT_ONCE = 8;
const MAX_FILES = 2_000;
/** Names in eighty languages, and the actions of a browser, take 20 KB. */
const MAX_FILE_BYTES = 65_536;
const MAX_ALL_BYTES = 16 * 1024 * 1024;
/** Two of them and a path are shown in 200 characters. */
const MAX_NAME = 40;
/** Keys that count; most lines are names in other languages. */
const TOLD = /^(?:Exec|Hidden|Type|Name(?:\[sv(?:_SE)?\])?)\s*=/;
const WRITABLE_BY_OTHERS = 0o022;
/** They run what others wrote, whatever their options say. */
const RUNNERS =
  /^(?:ba|c|da|fi|k|z|tc)?sh$|^(?:python|perl|ruby|node|nodejs|php|lua|tclsh|wish|gjs|mono|java|guile|electron)[\d.-]*$|^(?:env|flatpak|snap|sudo|pkexec|wine|xterm|x-terminal-emulator|dbus-launch|nohup|timeout)$/;

interface Entry extends KnownName {
  /** Of its command, beside what a file manager fills in. */
  readonly optionCount: number;
}

type Names = Map<string, Entry | 'several'>;

export class KnownPrograms {
  readonly #options: Required<KnownProgramsOptions>;
  #names: Names = new Map();
  #lookedAt: number | undefined;
  /** The folders as they were when what is known was read, or began to be. */
  #seen = '';
  #reading: Iterator<undefined, Names> | undefined;

  constructor({
    folders = FOLDERS,
    commandFolders = COMMAND_FOLDERS,
    owner = 0,
    now = () => performance.now(),
  }: KnownProgramsOptions = {}) {
    this.#options = { folders, commandFolders, owner, now };
  }

  /** Of the program in this file; undefined when nobody named it, several names are as good, or it is not root's alone any more. */
  nameOf(path: string): KnownName | undefined {
    this.look();
    const found = this.#names.get(path);
    if (found === undefined || found === 'several') return undefined;
    const status = unlessMissing(() => statSync(path));
    return status?.isFile() && isOf(this.#options.owner, status) ? { en: found.en, sv: found.sv } : undefined;
  }

  /** Begins to read what is not known; soon after start, so that the first program has its name. */
  look(): void {
    const now = this.#options.now();
    if (this.#reading || (this.#lookedAt !== undefined && now - this.#lookedAt <= HOLDS_MS)) return;
    this.#lookedAt = now;
    const { folders, commandFolders } = this.#options;
    const seen = [...folders, ...commandFolders].map(stampOf).join(' ');
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#reading = this.#readAll();
    this.#readOn(this.#reading);
  }

  /** What was known holds until all is read. */
  #readOn(reading: Iterator<undefined, Names>): void {
    for (let files = 0; files < FILES_AT_ONCE; files++) {
      const step = reading.next();
      if (!step.done) continue;
      this.#names = step.value;
      this.#reading = undefined;
      return;
    }
    setImmediate(() => this.#readOn(reading)).unref();
  }

  /** A file at each step. */
  *#readAll(): Generator<undefined, Names> {
    const names: Names = new Map();
    let left = MAX_ALL_BYTES;
    const { folders, owner } = this.#options;
    for (const folder of folders) {
      for (const file of desktopFilesIn(folder, owner)) {
        const text = left > 0 ? unlessMissing(() => readTrusted(join(folder, file), owner)) : undefined;
        left -= text?.length ?? 0;
        const found = text === undefined ? undefined : this.#entryOf(text);
        if (found) add(names, found);
        yield;
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
function add(names: Names, { path, entry }: { readonly path: string; readonly entry: Entry }): void {
  const known = names.get(path);
  if (known === 'several' && entry.optionCount > 0) return;
  if (known === undefined || known === 'several' || entry.optionCount < known.optionCount) names.set(path, entry);
  else if (entry.optionCount === known.optionCount && (entry.en !== known.en || entry.sv !== known.sv))
    names.set(path, 'several');
}

/** Otherwise when a file in it came, went or was put in another's place, or its owner or rights changed. */
function stampOf(folder: string): string {
  const status = unlessMissing(() => statSync(folder, { bigint: true }));
  return status ? [status.dev, status.ino, status.mtimeNs, status.ctimeNs].join('/') : '-';
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

/** Of the group [Desktop Entry], which is the first; of each key the first. */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let isEntry = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('[') && isEntry) break;
    if (line.startsWith('[')) isEntry = line.trim() === '[Desktop Entry]';
    else if (isEntry && TOLD.test(line)) {
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
