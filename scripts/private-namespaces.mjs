/**
 * Runs a command in mount and network namespaces of its own, with an empty /run/pcscd, an empty folder of Chromium's policies and a loopback of
 * its own: a real pcscd can then be started beside any other, a policy be tried, and nothing is left behind. Needs root, or a kernel that lets
 * users make namespaces.
 */
import { spawn } from 'node:child_process';

const PREPARE = [
  'ip link set lo up',
  'mount --make-rprivate /',
  // As an ordinary user /run cannot be written to: a fresh one is put over it.
  'mkdir -p /run/pcscd 2>/dev/null || mount -t tmpfs tmpfs /run && mkdir -p /run/pcscd',
  'mount -t tmpfs tmpfs /run/pcscd',
  // Only where Chromium is installed: the folder cannot be made without leaving it on the machine.
  '{ [ ! -d /etc/chromium ] || mount -t tmpfs tmpfs /etc/chromium; }',
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
