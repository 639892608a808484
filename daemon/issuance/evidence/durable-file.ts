/** Files that are there whole or not at all, on the disk when the call returns, and readable by their owner alone. */
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What a run that was cut short leaves behind begins with this. */
export const UNFINISHED_PREFIX = '.unfinished-';

/** In the place of one that is there. */
export function replaceDurably(file: string, content: Uint8Array): void {
  writeThen(file, content, (temporary) => {
    renameSync(temporary, file);
  });
}

/** Throws EEXIST when it is there already, also when another process was quicker. */
export function createDurably(file: string, content: Uint8Array): void {
  writeThen(file, content, (temporary) => {
    linkSync(temporary, file);
  });
}

function writeThen(file: string, content: Uint8Array, put: (temporary: string) => void): void {
  const temporary = join(dirname(file), `${UNFINISHED_PREFIX}${process.pid}-${basename(file)}`);
  rmSync(temporary, { force: true });
  try {
    writeFlushed(temporary, content);
    put(temporary);
  } finally {
    rmSync(temporary, { force: true });
  }
  flushFolder(dirname(file));
}

function writeFlushed(file: string, content: Uint8Array): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    for (let offset = 0; offset < content.length;) offset += writeSync(descriptor, content, offset);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Names survive a power cut once their folder is on the disk. Windows cannot open folders, and does it by itself. */
function flushFolder(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
