/**
 * What a simulated device answers instead of data: an errno of Linux, as the program under test gets it from the kernel for a real device.
 * Values: asm-generic/errno-base.h and errno.h, the same on every Linux that Node runs on.
 */

/** In the order of their numbers. */
export const ERRNO = {
  ENOENT: 2,
  EIO: 5,
  EAGAIN: 11,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENOTTY: 25,
  /** A stalled endpoint: the device refuses the request (USB 2.0, 8.4.5). */
  EPIPE: 32,
  EPROTO: 71,
  EOVERFLOW: 75,
  ETIMEDOUT: 110,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** Thrown by a model of a device: the program's call fails with this errno. */
export class DeviceFault extends Error {
  override readonly name = 'DeviceFault';
  readonly errno: ErrnoName;

  constructor(errno: ErrnoName, message = `the simulated device answers ${errno}`) {
    super(message);
    this.errno = errno;
  }
}
