/** A folder as a package will hold it: every mode and time set, so that nothing of the machine that builds is in it. */
import { chmodSync, cpSync, lutimesSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface TreeFile {
  /** Absolute, on the system that it is installed on. */
  readonly path: string;
  readonly content: string | Uint8Array;
  /** 0644 unless given. */
  readonly mode?: number;
  /** The administrator may change it: an upgrade asks, removal keeps it. */
  readonly isConfiguration?: boolean;
}

const FOLDER_MODE = 0o755;

export class Tree {
  readonly folder: string;

  /** Empties the folder. */
  constructor(folder: string) {
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  add({ path, content, mode = 0o644 }: TreeFile): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  /** A whole folder, with its modes. */
  addFolder(source: string, path: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    cpSync(source, join(this.folder, path), { recursive: true });
  }

  makeFolder(path: string): void {
    mkdirSync(join(this.folder, path), { recursive: true });
  }

  remove(path: string): void {
    rmSync(join(this.folder, path));
  }

  /** Last of all: modes of folders, and one time for everything. */
  settle(epoch: number): void {
    this.#settle(this.folder, epoch);
  }

  #settle(folder: string, epoch: number): void {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.#settle(path, epoch);
      else lutimesSync(path, epoch, epoch);
    }
    chmodSync(folder, FOLDER_MODE);
    lutimesSync(folder, epoch, epoch);
  }
}
