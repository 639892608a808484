/** Where things lie on Linux (file-hierarchy(7)). */
export const layout = {
  /** The payload. */
  program: '/usr/lib/kortd',
  command: '/usr/bin/kortd',
  /** Databases, keys, audit log: of the service's account alone. */
  state: '/var/lib/kortd',
  /** After an upgrade, until the new version was ready once: names the version before it. Scripts of packages know it too. */
  unproven: '/var/lib/kortd/former/unproven',
  /** Sockets. */
  run: '/run/kortd',
  /** Of native programs of the members of the service's group; systemd opens it. */
  socket: '/run/kortd/socket',
  /** Of their programs that use PKCS #11: the service makes it. */
  pkcs11: '/run/kortd/pkcs11',
  /** A folder for each user who has a socket of their own. */
  userSockets: '/run/kortd/users',
  policy: '/etc/kortd/policy.d',
  units: '/lib/systemd/system',
  userUnits: '/usr/lib/systemd/user',
  autostart: '/etc/xdg/autostart',
  sysusers: '/usr/lib/sysusers.d',
  tmpfiles: '/usr/lib/tmpfiles.d',
  udev: '/lib/udev/rules.d',
  polkit: '/usr/share/polkit-1/rules.d',
  documents: '/usr/share/doc/kortd',
  manual: '/usr/share/man/man1',
} as const;
