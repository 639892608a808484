/**
 * Runs a command in mount and network namespaces of its own, with an empty /run/pcscd, an /etc to write in without browsers' policies and p11-kit's modules,
 * and a loopback of its own: a real pcscd can then be started beside any other, a policy be tried, and nothing is left behind. Needs root, or a kernel that
 * lets users make namespaces.
 */
import { spawn } from 'node:child_process';

const PREPARE = [
  'ip link set lo up',
  'mount --make-rprivate /',
  // As an ordinary user /run cannot be written to: a fresh one is put over it.
  'mkdir -p /run/pcscd 2>/dev/null || mount -t tmpfs tmpfs /run && mkdir -p /run/pcscd',
  'mount -t tmpfs tmpfs /run/pcscd',
  // What is written to /etc goes to memory, and with the namespace.
  'mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work',
  'mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc && umount -l /mnt',
  'for folder in chromium firefox pkcs11; do mkdir -p /etc/$folder && mount -t tmpfs tmpfs /etc/$folder || exit 1; done',
  'exec "$@"',
].join(' && ');

/** Resolves with the exit status; 1 when a signal ended the command. Its children die with it. */
export function runInPrivateNamespaces(command, parameters, options = {}) {
  const asUser = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', [...asUser, ...namespaces, 'sh', '-c', PREPARE, 'sh', command, ...parameters], {
      stdio: 'inherit',
      ...options,
      env: { ...process.env, KORTD_PRIVATE_NAMESPACES: '1', ...options.env },
    });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
