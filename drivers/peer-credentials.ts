/**
 * Who is at the other end of a Unix socket, as the kernel saw it when the connection was made (unix(7), SO_PEERCRED). Linux alone; elsewhere nothing is told.
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import koffi from 'koffi';

/** asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_BYTES = 12;

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
}

type GetSocketOption = (fd: number, level: number, option: number, value: Uint8Array, lengthBytes: Uint32Array) => number;

let getSocketOption: GetSocketOption | undefined;

/** Undefined where it cannot be known. */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  if (process.platform !== 'linux') return undefined;
  const fd = fileDescriptorOf(socket);
  if (fd === undefined) return undefined;
  getSocketOption ??= koffi
    .load(null)
    .func('int getsockopt(int fd, int level, int option, _Out_ uint8_t *value, _Inout_ uint32_t *length)') as GetSocketOption;
  const value = new Uint8Array(UCRED_BYTES);
  const lengthBytes = Uint32Array.of(UCRED_BYTES);
  if (getSocketOption(fd, SOL_SOCKET, SO_PEERCRED, value, lengthBytes) !== 0 || lengthBytes[0] !== UCRED_BYTES) return undefined;
  const [pid = 0, uid = 0] = new Uint32Array(value.buffer);
  return { pid, uid };
}

/** What every program of Node is called, unless it says otherwise. */
const NODE_THREAD = 'MainThread';

/** "node app.js", or only "node" where options come first, whose values look like scripts. */
function scriptOf(pid: number): string {
  const [program = 'node', script = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return [program, ...(script === '' || script.startsWith('-') ? [] : [script])].map((path) => basename(path)).join(' ');
}

/** What the program calls itself: a hint for people, never a ground for access. Undefined when it is gone, or hidden from us. */
export function programName(pid: number): string | undefined {
  try {
    // proc(5): /proc/pid/comm, at most 15 characters and a newline.
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim() || undefined;
    return name === NODE_THREAD ? scriptOf(pid) : name;
  } catch {
    return undefined;
  }
}

/**
 * The file that the process runs, as the kernel has it (proc(5), /proc/pid/exe), whatever it calls itself. Undefined when it is gone, hidden from us, replaced
 * since, or when another file stands at that path for us: a program may live in file systems of its own.
 */
export function programFile(pid: number): string | undefined {
  try {
    const link = `/proc/${pid}/exe`;
    const path = readlinkSync(link);
    const [runs, stands] = [statSync(link), statSync(path)];
    return runs.dev === stands.dev && runs.ino === stands.ino ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Node keeps it in a handle that it does not document. Undefined where there is none. */
function fileDescriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined;
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}
