/**
 * Whether the daemon's Unix socket can be nobody else's. Whoever could put a socket in its place could play the daemon and ask for PINs in its name: so the file,
 * and every folder on the way to it, must belong to somebody who is trusted and be out of the reach of others; and the program at the other end must be one of theirs.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join, basename, resolve } from 'node:path';
import { peerCredentials } from '../../../drivers/peer-credentials.ts';

const ROOT_USER = 0;
/** sticky(7): in such a folder nobody can rename or delete what belongs to others. */
const STICKY = 0o1000;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
/** The account that the service runs by where it is installed for all users. */
const SERVICE_ACCOUNT = 'kortd';
/** Accounts of services begin with _ there, and /etc/passwd does not have all of them: id(1) asks the directory. */
const MACOS_SERVICE_ACCOUNT = '_kortd';
const ID_MS = 5_000;
/** Accounts of the system, not of persons (Debian Policy, section 9.2.2; on macOS they end at 499). */
const MAX_SYSTEM_USER = process.platform === 'darwin' ? 499 : 999;

/** For people: what is wrong, and with which path. */
export class UntrustedSocketError extends Error {
  override readonly name = 'UntrustedSocketError';
}

/** This user, root, and the service's own account. */
export function trustedUsers(): ReadonlySet<number> {
  const own = process.getuid?.();
  if (own === undefined) throw new UntrustedSocketError('kortd agent: this system has no owners of sockets to tell daemons by');
  const service = serviceUser();
  return new Set([own, ROOT_USER, ...(service === undefined ? [] : [service])]);
}

/** Throws UntrustedSocketError; the system's error when the socket is not there. */
export function checkSocketFile(path: string, trusted: ReadonlySet<number>): void {
  const folder = realpathSync(dirname(resolve(path)));
  const file = join(folder, basename(path));
  const status = lstatSync(file);
  if (!status.isSocket()) throw untrusted(file, 'it is no socket');
  if (!trusted.has(status.uid)) throw untrusted(file, `it belongs to user ${status.uid}`);
  for (let at = folder; ; at = dirname(at)) {
    checkFolder(at, lstatSync(at), trusted);
    if (dirname(at) === at) return;
  }
}

/** Once connected: who made the socket. Throws UntrustedSocketError, also when the kernel does not tell on a system where it can. */
export function checkPeer(socket: Socket, path: string, trusted: ReadonlySet<number>): void {
  if (process.platform !== 'linux') return;
  const peer = peerCredentials(socket);
  if (peer === undefined) throw untrusted(path, 'the kernel does not tell who is at the other end');
  if (!trusted.has(peer.uid)) throw untrusted(path, `the program at the other end is that of user ${peer.uid}`);
}

function checkFolder(path: string, status: Stats, trusted: ReadonlySet<number>): void {
  if (!trusted.has(status.uid)) throw untrusted(path, `it belongs to user ${status.uid}`);
  const isSticky = (status.mode & STICKY) !== 0;
  if (isSticky) return;
  if ((status.mode & OTHERS_WRITE) !== 0) throw untrusted(path, 'every user can write to it');
  if ((status.mode & GROUP_WRITE) !== 0 && !isOfOwnGroup(status)) throw untrusted(path, `group ${status.gid} can write to it`);
}

/** Root's, or the group that many systems give each user for them alone, of the same number. */
function isOfOwnGroup({ uid, gid }: Stats): boolean {
  return gid === uid;
}

function serviceUser(): number | undefined {
  const user = process.platform === 'darwin' ? userOnMacos() : userOfPasswd();
  return user <= MAX_SYSTEM_USER ? user : undefined;
}

/** Not a number where there is no such account. */
function userOnMacos(): number {
  const { status, stdout } = spawnSync('/usr/bin/id', ['-u', MACOS_SERVICE_ACCOUNT], { encoding: 'utf8', timeout: ID_MS });
  return status === 0 ? Number(stdout.trim() || Number.NaN) : Number.NaN;
}

/** passwd(5). */
function userOfPasswd(): number {
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  return Number(accounts.find((line) => line.startsWith(`${SERVICE_ACCOUNT}:`))?.split(':')[2] ?? Number.NaN);
}

function untrusted(path: string, problem: string): UntrustedSocketError {
  return new UntrustedSocketError(`trusting the daemon's socket: ${path}: ${problem}; PINs are not asked for through it`);
}
