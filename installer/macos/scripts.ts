/** What runs around the copying of files on a Mac, and what makes the .pkg there: signing needs Apple's tools and a certificate of Apple's. */
import { product } from '../product.ts';
import { ACCOUNT, AGENT_JOB, DAEMON_JOB, FOLDERS, IDENTIFIER } from './jobs.ts';

const [state, policies, log, sockets, desk] = [
  FOLDERS.state,
  FOLDERS.policies,
  FOLDERS.log,
  FOLDERS.sockets,
  FOLDERS.deskSocket,
].map((folder) => `'${folder}'`);

/** Refuses to go back to an older version: its database may not be readable by that. Then the running one is stopped. */
export const PREINSTALL = `#!/bin/sh
set -eu
installed=$(/usr/sbin/pkgutil --pkg-info ${IDENTIFIER} 2>/dev/null | /usr/bin/sed -n 's/^version: //p' || true)
newest=$(printf '%s\\n%s\\n' "$installed" '${product.version}' | /usr/bin/sort -V | /usr/bin/tail -n 1)
if [ "$newest" != '${product.version}' ]; then
  echo "kortd $installed is installed, which is newer than ${product.version}: remove it first. / kortd $installed är installerad, som är nyare än ${product.version}: ta bort den först." >&2
  exit 1
fi
/bin/launchctl bootout system/${IDENTIFIER} 2>/dev/null || true
`;

/** An account of the service without password and shell, its folders, and the jobs. */
export const POSTINSTALL = `#!/bin/sh
set -eu
if ! /usr/bin/dscl . -read /Users/${ACCOUNT} >/dev/null 2>&1; then
  id=$(/usr/bin/dscl . -list /Users UniqueID | /usr/bin/awk '$2 >= 300 && $2 < 500 { used[$2] = 1 } END { for (id = 300; id < 500; id++) if (!(id in used)) { print id; exit } }')
  /usr/bin/dscl . -create /Groups/${ACCOUNT}
  /usr/bin/dscl . -create /Groups/${ACCOUNT} PrimaryGroupID "$id"
  /usr/bin/dscl . -create /Users/${ACCOUNT}
  /usr/bin/dscl . -create /Users/${ACCOUNT} UniqueID "$id"
  /usr/bin/dscl . -create /Users/${ACCOUNT} PrimaryGroupID "$id"
  /usr/bin/dscl . -create /Users/${ACCOUNT} UserShell /usr/bin/false
  /usr/bin/dscl . -create /Users/${ACCOUNT} NFSHomeDirectory /var/empty
  /usr/bin/dscl . -create /Users/${ACCOUNT} RealName '${product.service.title}'
  /usr/bin/dscl . -create /Users/${ACCOUNT} IsHidden 1
fi
/bin/mkdir -p ${state} ${policies} ${log} ${desk}
/usr/sbin/chown ${ACCOUNT}:${ACCOUNT} ${state} ${log}
/bin/chmod 700 ${state} ${log}
/usr/sbin/chown root:wheel ${policies} ${sockets}
# What is made inside belongs to the group of the folder: members may enter and write to the socket.
/usr/sbin/chown ${ACCOUNT}:${ACCOUNT} ${desk}
/bin/chmod 755 ${sockets}
/bin/chmod 710 ${desk}
/bin/launchctl bootstrap system '${DAEMON_JOB.path}'
user=$(/usr/bin/stat -f %u /dev/console)
if [ "$user" != 0 ]; then /bin/launchctl bootstrap "gui/$user" '${AGENT_JOB.path}' || true; fi
`;

/** Data stays; --purge takes it too. */
export const UNINSTALL = `#!/bin/sh
set -eu
/bin/launchctl bootout system/${IDENTIFIER} 2>/dev/null || true
user=$(/usr/bin/stat -f %u /dev/console)
/bin/launchctl bootout "gui/$user/${IDENTIFIER}.agent" 2>/dev/null || true
/bin/rm -rf '${FOLDERS.program}' '${DAEMON_JOB.path}' '${AGENT_JOB.path}' /usr/local/bin/${product.name}
/usr/sbin/pkgutil --forget ${IDENTIFIER} || true
if [ "\${1:-}" = --purge ]; then
  /bin/rm -rf '/Library/Application Support/kortd' ${log}
  /usr/bin/dscl . -delete /Users/${ACCOUNT} || true
  /usr/bin/dscl . -delete /Groups/${ACCOUNT} || true
fi
`;

/** Run on a Mac: NODE is the program bin/node of Node's own archive for macOS. SIGN and SIGN_INSTALLER name identities of the keychain. */
export function makePackage(nodeVersion: string): string {
  return `#!/bin/sh
# make-pkg.sh NODE: puts Node inside, signs, and makes ${product.name}-${product.version}.pkg here.
set -eu
cd "$(dirname "$0")"
node=\${1:?usage: make-pkg.sh NODE, the program bin/node of Node ${nodeVersion} for macOS}
found=$("$node" --version)
if [ "$found" != 'v${nodeVersion}' ]; then echo "$node is $found, and v${nodeVersion} is needed" >&2; exit 1; fi
install -m 755 -d root${FOLDERS.program}/bin
install -m 755 "$node" root${FOLDERS.program}/bin/node
if [ -n "\${SIGN:-}" ]; then
  find root -name '*.node' -exec codesign --force --timestamp --options runtime --sign "$SIGN" {} +
  codesign --force --timestamp --options runtime --entitlements entitlements.plist --sign "$SIGN" root${FOLDERS.program}/bin/node
fi
pkgbuild --root root --scripts scripts --identifier ${IDENTIFIER} --version ${product.version} --ownership recommended kortd-component.pkg
productbuild --distribution distribution.xml --package-path . \${SIGN_INSTALLER:+--sign "$SIGN_INSTALLER"} ${product.name}-${product.version}.pkg
rm kortd-component.pkg
`;
}
