/**
 * Who is at the other end of a connection. Through a Unix socket the kernel has let in whom its file lets in, and tells who that is. Through loopback
 * anybody on this workstation comes, and the kernel's table of connections has the user.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { peerCredentials, programName } from '../../drivers/peer-credentials.ts';
import { ownUser } from '../access/local-user.ts';

export interface UnixPeer {
  readonly user: string;
  /** In plain words, for others who find a card busy and for the audit log. */
  readonly name: string;
}

/** The server's socket is a Unix socket: there are no addresses then. */
export function isUnixSocket(socket: Socket): boolean {
  return socket.remoteAddress === undefined && socket.localAddress === undefined && !socket.destroyed;
}

/** Of the user, counted from the local address: addresses, state, queues, timer, retransmissions, user. */
const USER_COLUMN = 6;

const unixPeers = new WeakMap<Socket, UnixPeer>();
const tcpUsers = new WeakMap<Socket, string>();

/** Where the kernel does not tell, it is the user whose the daemon is: the file lets no other in. */
export function unixPeerOf(socket: Socket): UnixPeer {
  const known = unixPeers.get(socket);
  if (known) return known;
  const credentials = peerCredentials(socket);
  const peer: UnixPeer = credentials
    ? { user: String(credentials.uid), name: `${programName(credentials.pid) ?? 'program'} (process ${credentials.pid})` }
    : { user: ownUser(), name: 'program' };
  unixPeers.set(socket, peer);
  return peer;
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

/** proc(5), /proc/net/tcp: the row whose local address is the peer's and whose remote address is ours. */
function findTcpUser({ remotePort, localPort, remoteFamily }: Socket): string | undefined {
  if (remotePort === undefined || localPort === undefined) return undefined;
  const table = readFileSync(remoteFamily === 'IPv6' ? '/proc/self/net/tcp6' : '/proc/self/net/tcp', 'latin1');
  const loopback = remoteFamily === 'IPv6' ? '00000000000000000000000001000000' : '0100007F';
  const row = ` ${loopback}:${hexPort(remotePort)} ${loopback}:${hexPort(localPort)} `;
  const start = table.indexOf(row);
  if (start < 0) return undefined;
  return table.slice(start + 1, table.indexOf('\n', start)).split(/ +/)[USER_COLUMN];
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
