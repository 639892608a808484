/**
 * Whose the other end of a loopback TCP connection is: asked of the kernel for that one connection (sock_diag(7)). The answer takes microseconds, however
 * many connections there are; the table in /proc takes milliseconds for each thousand. Linux alone.
 */
import { endianness } from 'node:os';
import koffi from 'koffi';

/** bits/socket.h, bits/socket_type.h of glibc. */
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
/** linux/netlink.h, linux/sock_diag.h */
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const IPPROTO_TCP = 6;
const ENOENT = 2;

/** struct nlmsghdr, then struct inet_diag_req_v2 (linux/inet_diag.h): offsets from the start of the message. */
const REQUEST = {
  bytes: 72,
  type: 4,
  flags: 6,
  family: 16,
  protocol: 17,
  states: 20,
  sport: 24,
  dport: 26,
  src: 28,
  dst: 44,
  cookie: 64,
};
/** struct nlmsghdr, then struct inet_diag_msg. */
const ANSWER = { bytes: 88, type: 4, error: 16, sport: 20, dport: 22, uid: 80, inode: 84 };
const IPV4_LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const IPV6_LOOPBACK = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export interface LoopbackConnection {
  readonly family: 'IPv4' | 'IPv6';
  /** Port of the other end. */
  readonly peerPort: number;
  readonly ownPort: number;
}

interface Calls {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly send: (fd: number, message: Uint8Array, length: number, flags: number) => number;
  readonly receive: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly close: (fd: number) => number;
}

let calls: Calls | undefined;

/** User id; `gone` when the other end has closed; `unknown` where the kernel does not answer such questions. */
export function ownerOfPeer(connection: LoopbackConnection): number | 'gone' | 'unknown' {
  if (process.platform !== 'linux' || endianness() !== 'LE') return 'unknown';
  calls ??= bind();
  const fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return 'unknown';
  try {
    if (calls.send(fd, encodeRequest(connection), REQUEST.bytes, 0) !== REQUEST.bytes) return 'unknown';
    const answer = Buffer.alloc(512);
    const length = calls.receive(fd, answer, answer.length, MSG_DONTWAIT);
    return length < 0 ? 'unknown' : parseAnswer(answer.subarray(0, length), connection);
  } finally {
    calls.close(fd);
  }
}

function bind(): Calls {
  const library = koffi.load(null);
  return {
    socket: library.func('int socket(int domain, int type, int protocol)') as Calls['socket'],
    send: library.func('intptr_t send(int fd, const uint8_t *message, size_t length, int flags)') as Calls['send'],
    receive: library.func('intptr_t recv(int fd, _Out_ uint8_t *buffer, size_t length, int flags)') as Calls['receive'],
    close: library.func('int close(int fd)') as Calls['close'],
  };
}

/** The peer's socket is asked for: its own port is the source. */
function encodeRequest({ family, peerPort, ownPort }: LoopbackConnection): Buffer {
  const message = Buffer.alloc(REQUEST.bytes);
  message.writeUInt32LE(REQUEST.bytes, 0);
  message.writeUInt16LE(SOCK_DIAG_BY_FAMILY, REQUEST.type);
  message.writeUInt16LE(NLM_F_REQUEST, REQUEST.flags);
  message[REQUEST.family] = family === 'IPv4' ? AF_INET : AF_INET6;
  message[REQUEST.protocol] = IPPROTO_TCP;
  message.writeUInt32LE(0xffff_ffff, REQUEST.states);
  message.writeUInt16BE(peerPort, REQUEST.sport);
  message.writeUInt16BE(ownPort, REQUEST.dport);
  const loopback = family === 'IPv4' ? IPV4_LOOPBACK : IPV6_LOOPBACK;
  message.set(loopback, REQUEST.src);
  message.set(loopback, REQUEST.dst);
  message.fill(0xff, REQUEST.cookie); // INET_DIAG_NOCOOKIE
  return message;
}

/** What its process has closed has no inode, and the kernel names root as its owner. */
export function parseAnswer(answer: Buffer, { peerPort, ownPort }: LoopbackConnection): number | 'gone' | 'unknown' {
  if (answer.length < ANSWER.error + 4) return 'unknown';
  const type = answer.readUInt16LE(ANSWER.type);
  if (type === NLMSG_ERROR) return answer.readInt32LE(ANSWER.error) === -ENOENT ? 'gone' : 'unknown';
  if (type !== SOCK_DIAG_BY_FAMILY || answer.length < ANSWER.bytes) return 'unknown';
  // A socket that listens at that port is found when the connection is gone.
  if (answer.readUInt16BE(ANSWER.sport) !== peerPort || answer.readUInt16BE(ANSWER.dport) !== ownPort) return 'gone';
  const isHeld = answer.readUInt32LE(ANSWER.inode) !== 0;
  return isHeld ? answer.readUInt32LE(ANSWER.uid) : 'gone';
}
