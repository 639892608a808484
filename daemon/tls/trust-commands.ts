/**
 * How programs on this system are told to trust the authority, as commands for a person to run. kortd itself runs none of these: they
 * change the machine, and most need an administrator. Sources: Chromium and Firefox policies (measured on Linux); Windows and macOS as
 * their vendors document certutil and security (not measured).
 */
import type { AuthorityFile } from './tls-folder.ts';

export interface TrustStep {
  /** Whose trust this is. */
  readonly audience: string;
  readonly commands: readonly string[];
}

export interface TrustCommands {
  readonly trust: readonly TrustStep[];
  readonly untrust: readonly TrustStep[];
}

const CHROMIUM_POLICY = '/etc/chromium/policies/managed/kortd-tls.json';

/** `nssFolder`: the database that Chromium reads for this user. */
export function trustCommands(platform: NodeJS.Platform, authority: AuthorityFile, nssFolder: string): TrustCommands {
  if (platform === 'win32') return windowsCommands(authority);
  if (platform === 'darwin') return macosCommands(authority);
  return linuxCommands(authority, nssFolder);
}

function linuxCommands({ path, name }: AuthorityFile, nssFolder: string): TrustCommands {
  const [file, database] = [quote(path), quote(`sql:${nssFolder}`)];
  // What stands between the first and the last line of PEM is the base64 that the policy wants.
  const policy = `printf '{"CACertificates":["%s"]}\\n' "$(grep -v -e ----- ${file} | tr -d '\\n')"`;
  const firefox = JSON.stringify({ policies: { Certificates: { Install: [path] } } });
  return {
    trust: [
      {
        audience: 'Chromium, Chrome and Edge, for this user',
        commands: [`certutil -d ${database} -A -n ${quote(name)} -t C,, -i ${file}`],
      },
      {
        audience:
          'Chromium, for all users (Chrome: /etc/opt/chrome/…, Edge: /etc/opt/edge/…; one file only may set CACertificates)',
        commands: [`${policy} | sudo install -D -m 644 /dev/stdin ${CHROMIUM_POLICY}`],
      },
      {
        audience:
          'Firefox, for all users: merge this into /etc/firefox/policies/policies.json, with a path that those users may read',
        commands: [firefox],
      },
      { audience: 'curl and other programs, one at a time', commands: [`curl --cacert ${file} …`] },
    ],
    untrust: [
      { audience: 'Chromium, Chrome and Edge, for this user', commands: [`certutil -d ${database} -D -n ${quote(name)}`] },
      { audience: 'Chromium, for all users', commands: [`sudo rm ${CHROMIUM_POLICY}`] },
      { audience: 'Firefox: take its path out of /etc/firefox/policies/policies.json', commands: [] },
    ],
  };
}

function windowsCommands({ path, serialNumber }: AuthorityFile): TrustCommands {
  const audience = 'Chrome, Edge and Firefox, for all users, as administrator';
  const forOne = 'the same for this user alone';
  return {
    trust: [
      { audience, commands: [`certutil -addstore -f Root "${path}"`] },
      { audience: forOne, commands: [`certutil -user -addstore -f Root "${path}"`] },
    ],
    untrust: [
      { audience, commands: [`certutil -delstore Root ${serialNumber}`] },
      { audience: forOne, commands: [`certutil -user -delstore Root ${serialNumber}`] },
    ],
  };
}

function macosCommands({ path, fingerprint }: AuthorityFile): TrustCommands {
  const audience = 'Safari, Chrome, Edge and Firefox, for all users';
  const keychain = '/Library/Keychains/System.keychain';
  return {
    trust: [{ audience, commands: [`sudo security add-trusted-cert -d -r trustRoot -k ${keychain} ${quote(path)}`] }],
    untrust: [{ audience, commands: [`sudo security delete-certificate -Z ${fingerprint} ${keychain}`] }],
  };
}

/** For a POSIX shell. */
function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
