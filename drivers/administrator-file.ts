/** Files that the administrator writes and kortd obeys: one that others could have written could say anything. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** A pipe would keep it waiting. Windows has neither. */
const READ_WITHOUT_WAITING = process.platform === 'win32' ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK;

export interface AdministratorFileOptions {
  readonly maxBytes: number;
  /** The user of kortd; undefined on systems without such numbers. */
  readonly ownUid: number | undefined;
  /** It holds a key or a password: others may not read it either. */
  readonly isSecret?: boolean;
}

/** Throws for a file of a third user, one that others can write (or read, if it is secret), one that is too large, and whatever is no plain file. */
export function readAdministratorFile(file: string, { maxBytes, ownUid, isSecret = false }: AdministratorFileOptions): string {
  const descriptor = openSync(file, READ_WITHOUT_WAITING);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error('it is no plain file');
    const { uid, mode, size } = status;
    if (ownUid !== undefined && uid !== 0 && uid !== ownUid)
      throw new Error(`it belongs to user ${uid}, neither root nor the user of kortd`);
    if (process.platform !== 'win32' && (mode & 0o022) !== 0) throw new Error('others than its owner can write it');
    if (isSecret && process.platform !== 'win32' && (mode & 0o077) !== 0) throw new Error('others than its owner can read it');
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
