/**
 * Lists of documents that are not to be taken: text files in a folder that the administrator keeps, a document number a line, before it the state that issued it where
 * numbers of other states are not meant (`SWE 12345678`). Each is read anew when it has changed. One that cannot be read says so: nothing passes on half a list.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readAdministratorFile } from '../../../drivers/administrator-file.ts';

export interface ListMatch {
  /** Of the file, without its ending. */
  readonly list: string;
  readonly outcome: 'lists_unread' | 'on_list' | 'on_no_list';
  readonly problem?: string;
}

export interface ListedDocument {
  readonly documentNumber: string;
  readonly issuer?: string | undefined;
}

const MAX_FILES = 32;
const MAX_FILE_BYTES = 4_194_304;
const MAX_ENTRIES = 200_000;
const MAX_LINE = 80;
const ENTRY = /^(?:([A-Z]{1,3})[\s;,]+)?([A-Z0-9]{3,30})$/;

interface ReadList {
  readonly stamp: string;
  readonly numbers: ReadonlySet<string>;
}

export interface DocumentListsOptions {
  /** Undefined: no lists are configured. */
  readonly folder: () => string | undefined;
  readonly ownUid?: number | undefined;
}

export class DocumentLists {
  readonly #options: DocumentListsOptions;
  readonly #read = new Map<string, ReadList>();

  constructor(options: DocumentListsOptions) {
    this.#options = options;
  }

  /** Of every list what it says of these documents. Undefined without a folder of lists. Never throws. */
  find(documents: readonly ListedDocument[]): readonly ListMatch[] | undefined {
    const folder = this.#options.folder();
    if (folder === undefined) {
      this.#read.clear();
      return undefined;
    }
    try {
      const files = readdirSync(folder)
        .filter((name) => name.endsWith('.txt'))
        .sort();
      if (files.length > MAX_FILES) throw new Error(`more than ${MAX_FILES} files`);
      for (const file of this.#read.keys()) if (!files.includes(basename(file))) this.#read.delete(file);
      const matches = files.map((name) => this.#matchIn(join(folder, name), documents));
      return matches.length > 0 ? matches : [{ list: 'none', outcome: 'lists_unread', problem: 'the folder has no lists' }];
    } catch (error) {
      return [{ list: 'none', outcome: 'lists_unread', problem: problemOf(error) }];
    }
  }

  #matchIn(file: string, documents: readonly ListedDocument[]): ListMatch {
    const list = basename(file, '.txt').slice(0, 60);
    try {
      const numbers = this.#numbersOf(file);
      if (documents.length === 0) return { list, outcome: 'lists_unread', problem: 'no document number is known' };
      const isListed = documents.some(({ documentNumber, issuer }) => {
        const number = normal(documentNumber);
        return numbers.has(number) || (issuer !== undefined && numbers.has(`${normal(issuer)} ${number}`));
      });
      return { list, outcome: isListed ? 'on_list' : 'on_no_list' };
    } catch (error) {
      this.#read.delete(file);
      return { list, outcome: 'lists_unread', problem: problemOf(error) };
    }
  }

  #numbersOf(file: string): ReadonlySet<string> {
    const { mtimeMs, size, ino } = statSync(file);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    const known = this.#read.get(file);
    if (known?.stamp === stamp) return known.numbers;
    const { ownUid = process.getuid?.() } = this.#options;
    const numbers = parseList(readAdministratorFile(file, { maxBytes: MAX_FILE_BYTES, ownUid }));
    this.#read.set(file, { stamp, numbers });
    return numbers;
  }
}

/** Lines that begin with # are remarks. Throws for a line that is neither: a list that is half understood is not used. */
export function parseList(text: string): ReadonlySet<string> {
  const numbers = new Set<string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.trim().toUpperCase();
    if (entry === '' || entry.startsWith('#')) continue;
    const [, issuer, number] = entry.length > MAX_LINE ? [] : (ENTRY.exec(entry) ?? []);
    if (number === undefined) throw new Error(`line ${index + 1} is no document number`);
    numbers.add(issuer === undefined ? number : `${normal(issuer)} ${number}`);
    if (numbers.size > MAX_ENTRIES) throw new Error(`more than ${MAX_ENTRIES} documents`);
  }
  return numbers;
}

function normal(text: string): string {
  return text.toUpperCase().replaceAll(/[\s<-]/g, '');
}

function problemOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : 'it failed';
}
