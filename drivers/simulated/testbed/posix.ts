/**
 * The calls of the C library that Node has not: named pipes and pseudo terminals. Linux alone, as umockdev is. The only native calls of the testbed.
 * Numbers: asm-generic/fcntl.h, ioctls.h and termbits.h; the structure is struct termios2 of the kernel, which has the speeds as numbers.
 */
import koffi from 'koffi';
import { DeviceError } from '../../errors.ts';

const O_RDWR = 0o2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TCGETS2 = 0x802c542an;
const TCSETS2 = 0x402c542bn;
const TERMIOS2_BYTES = 44;
const C_CFLAG = 8;
const C_CC = 17;
const C_OSPEED = 40;
/** Places in c_cc. */
const VTIME = 5;
const VMIN = 6;
const CSIZE = 0o60;
const CSTOPB = 0o100;
const CREAD = 0o200;
const CLOCAL = 0o4000;
/** The speed is the number in c_ospeed. */
const BOTHER = 0o10000;
const PATH_BYTES = 128;

interface CLibrary {
  readonly mkfifo: (path: string, mode: number) => number;
  readonly openpt: (flags: number) => number;
  readonly grantpt: (fd: number) => number;
  readonly unlockpt: (fd: number) => number;
  readonly ptsname: (fd: number, path: Uint8Array, lengthBytes: number) => number;
  readonly ioctl: (fd: number, request: bigint, argument: Uint8Array) => number;
}

let loaded: CLibrary | undefined;

export interface PseudoTerminal {
  /** The side that plays the device. */
  readonly masterFd: number;
  /** What a program opens: /dev/pts/7. */
  readonly path: string;
}

/** Data bits and parity are not told: the kernel sets a pseudo terminal back to eight and none (drivers/tty/pty.c, pty_set_termios). */
export interface LineSettings {
  readonly baudRate: number;
  readonly stopBits: 1 | 2;
}

export function makeFifo(path: string): void {
  check(library().mkfifo(path, 0o600), `making the pipe ${path}`);
}

/** Raw and without echo, 9600 8N1. Whoever opens it closes `masterFd`: that hangs the line up. */
export function openPseudoTerminal(): PseudoTerminal {
  const { openpt, grantpt, unlockpt, ptsname } = library();
  const masterFd = check(openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), 'opening a pseudo terminal');
  check(grantpt(masterFd), 'opening a pseudo terminal');
  check(unlockpt(masterFd), 'opening a pseudo terminal');
  const name = new Uint8Array(PATH_BYTES);
  if (ptsname(masterFd, name, name.length) !== 0) throw new DeviceError('opening a pseudo terminal: it has no name');
  makeRaw(masterFd);
  return { masterFd, path: Buffer.from(name.subarray(0, name.indexOf(0))).toString() };
}

function makeRaw(masterFd: number): void {
  const termios = Buffer.alloc(TERMIOS2_BYTES);
  termios.writeUInt32LE(BOTHER | CSIZE | CREAD | CLOCAL, C_CFLAG);
  termios[C_CC + VTIME] = 0;
  termios[C_CC + VMIN] = 1;
  termios.writeUInt32LE(9600, C_OSPEED - 4);
  termios.writeUInt32LE(9600, C_OSPEED);
  check(library().ioctl(masterFd, TCSETS2, termios), 'setting up a pseudo terminal');
}

/** What the program set its end to: a pseudo terminal keeps it and sends at any speed. */
export function lineSettings(masterFd: number): LineSettings {
  const termios = Buffer.alloc(TERMIOS2_BYTES);
  check(library().ioctl(masterFd, TCGETS2, termios), 'reading the settings of a pseudo terminal');
  const flags = termios.readUInt32LE(C_CFLAG);
  return {
    baudRate: termios.readUInt32LE(C_OSPEED),
    stopBits: (flags & CSTOPB) === 0 ? 1 : 2,
  };
}

function library(): CLibrary {
  loaded ??= load();
  return loaded;
}

function load(): CLibrary {
  if (process.platform !== 'linux') throw new DeviceError(`starting a testbed: it needs Linux, this is ${process.platform}`);
  const libc = koffi.load(null);
  return {
    mkfifo: libc.func('int mkfifo(const char *path, uint32_t mode)') as CLibrary['mkfifo'],
    openpt: libc.func('int posix_openpt(int flags)') as CLibrary['openpt'],
    grantpt: libc.func('int grantpt(int fd)') as CLibrary['grantpt'],
    unlockpt: libc.func('int unlockpt(int fd)') as CLibrary['unlockpt'],
    ptsname: libc.func('int ptsname_r(int fd, _Out_ uint8_t *path, size_t length)') as CLibrary['ptsname'],
    ioctl: libc.func('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)') as CLibrary['ioctl'],
  };
}

function check(result: number, attempt: string): number {
  if (result < 0) throw new DeviceError(`${attempt}: errno ${koffi.errno()}`, { driverCode: String(koffi.errno()) });
  return result;
}
