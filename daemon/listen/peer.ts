/**
 * Who is at the other end of a connection. Through a Unix socket the kernel has let in whom its file lets in, and tells who that is. Through loopback
 * anybody on this workstation comes, and the kernel's table of connections has the user.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { peerCredentials, programFile, programName, type PeerCredentials } from '../../drivers/peer-credentials.ts';
import { ownerOfPeer, type LoopbackConnection } from '../../drivers/socket-owner.ts';
import { ownUser } from '../access/local-user.ts';
import { KnownPrograms } from './known-programs.ts';
import { TokenBucket } from './token-bucket.ts';

export interface UnixPeer {
  readonly user: string;
  /** As people know it, for others who find a card busy. */
  readonly name: string;
  /** With its file as the evidence, where the system tells: for the person who is asked and for the audit log. No web page is told where a user's files are. */
  readonly fullName?: string;
}

const unixSockets = new WeakSet<Socket>();

/** To be called with each connection that a Unix socket's server takes. The socket's own word is not enough: a lost TCP connection has no addresses either. */
export function noteUnixSocket(socket: Socket): void {
  unixSockets.add(socket);
}

export function isUnixSocket(socket: Socket): boolean {
  return unixSockets.has(socket);
}

const unixPeers = new WeakMap<Socket, UnixPeer>();
const tcpUsers = new WeakMap<Socket, string>();

/** Where the kernel does not tell, it is the user whose the daemon is: the file lets no other in. */
export function unixPeerOf(socket: Socket): UnixPeer {
  const known = unixPeers.get(socket);
  if (known) return known;
  const peer = peerOfProcess(peerCredentials(socket));
  unixPeers.set(socket, peer);
  return peer;
}

const systemPrograms = new KnownPrograms();

/** When this process begins to serve: its first program is to have its name. */
export function readKnownPrograms(): void {
  systemPrograms.look();
}

export function peerOfProcess(credentials: PeerCredentials | undefined, known: KnownPrograms = systemPrograms): UnixPeer {
  if (!credentials) return { user: ownUser(), name: 'program' };
  const { pid, uid } = credentials;
  const path = programFile(pid);
  const name = (path === undefined ? programName(pid) : nameOf(path, pid, known)) ?? 'program';
  const peer = { user: String(uid), name: `${name} (process ${pid})` };
  return path === undefined ? peer : { ...peer, fullName: `${name} (${shortened(path)}, process ${pid})` };
}

/** In both languages where they differ. What no .desktop file names has the name of its file; what runs scripts, the script's as well. */
function nameOf(path: string, pid: number, known: KnownPrograms): string | undefined {
  const names = known.nameOf(path);
  if (names) return names.en === names.sv ? names.en : `${names.en} / ${names.sv}`;
  const file = oneLine(basename(path)).replaceAll(/[()]/g, '_');
  return file === 'node' ? programName(pid) : file.slice(0, MAX_FILE_NAME);
}

const MAX_FILE_NAME = 64;
/** Places that show a name have room for 200 characters, and none of its path may be taken for the whole. */
const PATH_BEGINNING = 30;
const PATH_END = 50;

function shortened(path: string): string {
  const shown = oneLine(path);
  return shown.length <= PATH_BEGINNING + PATH_END ? shown : `${shown.slice(0, PATH_BEGINNING)}…${shown.slice(-PATH_END)}`;
}

function oneLine(path: string): string {
  return path.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_');
}

/**
 * The user at the other end of a loopback connection; undefined when the connection is gone. Where the system has no such table it is taken to be the
 * daemon's own user: one person at a time sits at the workstation.
 */
export function tcpUserOf(socket: Socket): string | undefined {
  const known = tcpUsers.get(socket);
  if (known !== undefined) return known;
  const user = process.platform === 'linux' ? findTcpUser(socket) : ownUser();
  if (user !== undefined) tcpUsers.set(socket, user);
  return user;
}

function findTcpUser({ remotePort, localPort, remoteFamily }: Socket): string | undefined {
  if (remotePort === undefined || localPort === undefined) return undefined;
  const connection: LoopbackConnection = {
    family: remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4',
    peerPort: remotePort,
    ownPort: localPort,
  };
  const owner = ownerOfPeer(connection);
  if (owner === 'gone') return undefined;
  return owner === 'unknown' ? userInTable(connection) : String(owner);
}

/** Counted from the local address: addresses, state, queues, timer, retransmissions, user, timeout, inode (proc(5), /proc/net/tcp). */
const USER_COLUMN = 6;
const INODE_COLUMN = 8;
/** With 16,000 rows reading the table takes 25 ms (measured, Linux 6.18): nobody may have that done in a loop. */
const tableReads = new TokenBucket({ perSecond: 4, burst: 8 });

/** Where the kernel is not to be asked (a service that may not open netlink sockets): the row whose local address is the peer's and whose remote one is ours. */
export function userInTable({ family, peerPort, ownPort }: LoopbackConnection): string | undefined {
  if (!tableReads.take(1)) return undefined;
  const table = readFileSync(family === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'latin1');
  const loopback = family === 'IPv6' ? '00000000000000000000000001000000' : '0100007F';
  const row = ` ${loopback}:${hexPort(peerPort)} ${loopback}:${hexPort(ownPort)} `;
  const start = table.indexOf(row);
  if (start < 0) return undefined;
  const columns = table.slice(start + 1, table.indexOf('\n', start)).split(/ +/);
  // What its process has closed has no inode, and root for a user.
  return columns[INODE_COLUMN] === '0' ? undefined : columns[USER_COLUMN];
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
