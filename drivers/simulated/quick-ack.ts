/**
 * TCP_QUICKACK on a socket: acknowledge at once. vpcd sends length and body as two segments with Nagle's algorithm on, and our kernel's delayed
 * acknowledgement of the first holds the second back for 40 ms. Node has no call for it; this is the only native call of the simulators.
 * Linux alone knows the option; elsewhere nothing is done.
 */
import type { Socket } from 'node:net';
import koffi from 'koffi';

/** linux/in.h and linux/tcp.h. */
const IPPROTO_TCP = 6;
const TCP_QUICKACK = 12;
const SIZE_OF_INT = 4;

type SetSocketOption = (fd: number, level: number, option: number, value: Int32Array, lengthBytes: number) => number;

let setSocketOption: SetSocketOption | undefined;

/** The kernel forgets the option by and by: call it again after each read and write. A closed socket is left alone. */
export function acknowledgeAtOnce(socket: Socket): void {
  if (process.platform !== 'linux') return;
  const fd = fileDescriptorOf(socket);
  if (fd === undefined) return;
  setSocketOption ??= loadSetSocketOption();
  setSocketOption(fd, IPPROTO_TCP, TCP_QUICKACK, Int32Array.of(1), SIZE_OF_INT);
}

/** Out of the process itself, which is linked to its C library, whichever that is. */
function loadSetSocketOption(): SetSocketOption {
  return koffi
    .load(null)
    .func('int setsockopt(int fd, int level, int option, const int *value, uint32_t length)') as SetSocketOption;
}

/** Node keeps it in a handle that it does not document. Undefined where there is none. */
function fileDescriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined;
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}
