/**
 * One datagram to a Unix socket: what a service tells systemd (sd_notify(3)). Node has no such sockets. Linux alone, and loaded only where a service manager
 * listens. Numbers: bits/socket.h of glibc and the kernel's asm-generic/fcntl.h; the address is struct sockaddr_un (unix(7)).
 */
import koffi from 'koffi';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** A manager that does not read must not hold the service up: what finds no room is lost. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sun_family and sun_path. */
const FAMILY_BYTES = 2;
const PATH_BYTES = 108;

interface CLibrary {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly sendto: (
    fd: number,
    data: Uint8Array,
    lengthBytes: number,
    flags: number,
    address: Uint8Array,
    addressBytes: number,
  ) => number | bigint;
  readonly close: (fd: number) => number;
}

let loaded: CLibrary | undefined;

/** `path` is a file's, or begins with "@" for a name without a file. Throws when the datagram was not taken. */
export function sendDatagram(path: string, text: string): void {
  const address = encodeAddress(path);
  const data = Buffer.from(text, 'utf8');
  const { socket, sendto, close } = library();
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`telling the service manager: socket: errno ${koffi.errno()}`);
  try {
    const sent = Number(sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length));
    if (sent !== data.length) throw new Error(`telling the service manager: sendto ${path}: errno ${koffi.errno()}`);
  } finally {
    close(fd);
  }
}

function encodeAddress(path: string): Uint8Array {
  const isAbstract = path.startsWith('@');
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`, 'utf8');
  if (!(isAbstract || path.startsWith('/')) || name.length > PATH_BYTES)
    throw new Error(`telling the service manager: ${path} is no address of a Unix socket`);
  const family = Buffer.alloc(FAMILY_BYTES);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
  return Buffer.concat([family, name]);
}

function library(): CLibrary {
  if (loaded) return loaded;
  const library = koffi.load(null);
  loaded = {
    socket: library.func('int socket(int domain, int type, int protocol)') as CLibrary['socket'],
    sendto: library.func(
      'intptr_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
    ) as CLibrary['sendto'],
    close: library.func('int close(int fd)') as CLibrary['close'],
  };
  return loaded;
}
