/**
 * Records every transcript anew: `node record.ts 'Debian 12=/' 'Debian 13=ROOT' 'Debian unstable=ROOT'`, as root. Each ROOT holds the programs of a release of
 * Debian; the folder's README says how it is made.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { openTranscriptDesk, PINS } from './desk.ts';
import { openRecorder } from './recorder.ts';
import { formatTranscript } from './transcript.ts';

const MODULE = 'p11-kit-client.so';
const TIMEOUT_MS = 60_000;
const EID = `pkcs11-tool --module ${MODULE} --slot-index 3 --login --pin ${PINS.right}`;
const PIV = `pkcs11-tool --module ${MODULE} --slot-index 0 --login --pin ${PINS.right} --id 9a`;
const RSA_URI = 'pkcs11:serial=2000000000000011;id=%45;type=private';

interface Part {
  readonly name: string;
  readonly title: string;
  /** What runs, and the package of Debian that it is of. */
  readonly program: string;
  readonly debian: string;
  readonly command: string;
}

const OPENSC = { program: 'pkcs11-tool of OpenSC', debian: 'opensc' } as const;
const PARTS: readonly Part[] = [
  {
    ...{
      name: 'p11tool-sign',
      title: 'A signature by RSA, made and verified',
      program: 'p11tool of GnuTLS',
      debian: 'gnutls-bin',
    },
    command: `p11tool --provider ${MODULE} --login --test-sign '${RSA_URI}'`,
  },
  {
    ...{ ...OPENSC, name: 'pkcs11-tool-ecdsa', title: 'A signature by a curve of a PIV card, made and verified' },
    command: `${PIV} --sign -m ECDSA -i d -o sig && ${PIV} --verify -m ECDSA -i d --signature-file sig`,
  },
  {
    ...{ ...OPENSC, name: 'pkcs11-tool-list', title: 'Slots, tokens, mechanisms and objects are listed' },
    command: `pkcs11-tool --module ${MODULE} -I -L -M -O`,
  },
  {
    ...{ ...OPENSC, name: 'pkcs11-tool-pss', title: 'A signature by RSASSA-PSS' },
    command: `${EID} --id 45 --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 -i d -o sig`,
  },
  {
    ...{ ...OPENSC, name: 'pkcs11-tool-test', title: 'The tool’s own test, on an e-ID card with RSA keys' },
    command: `${EID} --test`,
  },
  {
    ...{ ...OPENSC, name: 'pkcs11-tool-wrong-pin', title: 'A wrong PIN, and then the right one' },
    command: `${EID.replace(PINS.right, PINS.wrong)} -O; ${EID} -O >/dev/null`,
  },
  {
    ...{ name: 'ssh-keygen', title: 'Public keys of every card', program: 'OpenSSH', debian: 'openssh-client' },
    command: `ssh-keygen -D ${MODULE}`,
  },
  {
    ...{ name: 'nss', title: 'The module is taken, and certificates are listed without a PIN', debian: 'libnss3-tools' },
    program: 'certutil and modutil of NSS',
    command: `certutil -N -d sql:. --empty-password; modutil -dbdir sql:. -add kortd -libfile ${MODULE} -force; certutil -L -h all -d sql:.`,
  },
];

for (const argument of process.argv.slice(2)) {
  const at = argument.indexOf('=');
  const [debian, root] = [argument.slice(0, at), argument.slice(at + 1)];
  const client = versionOf(root, 'p11-kit-modules');
  for (const part of PARTS) {
    const fields = [
      ['Client', `p11-kit ${client} (${debian})`],
      ['Program', `${part.program} ${versionOf(root, part.debian)}`],
      ['Command', part.command],
    ] as const;
    await record(root, { part, file: join(import.meta.dirname, `${client}-${part.name}.txt`), fields });
    process.stdout.write(`${client}-${part.name}\n`);
  }
}

interface Recording {
  readonly part: Part;
  readonly file: string;
  readonly fields: readonly (readonly [string, string])[];
}

async function record(root: string, { part, file, fields }: Recording): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const { dataFolder } = await openTranscriptDesk(undo);
  const folder = mkdtempSync(join(root, 'tmp', 'kortd-record-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'd'), Buffer.alloc(32, 7));
  const recorder = undo.use(await openRecorder(join(folder, 'socket'), join(dataFolder, 'pkcs11')));
  const own = join('/', folder.slice(root.length));
  const [library] = readdirSync(join(root, 'usr', 'lib')).filter((name) => name.endsWith('-linux-gnu'));
  const script = `cd ${own} && ${part.command.replaceAll(MODULE, `/usr/lib/${library}/pkcs11/${MODULE}`)}`;
  const env = {
    ...{ PATH: '/usr/sbin:/usr/bin:/bin', HOME: own, LANG: 'C.UTF-8', GNUTLS_PIN: PINS.right },
    P11_KIT_SERVER_ADDRESS: `unix:path=${own}/socket`,
  };
  const running = promisify(execFile)('chroot', [root, '/bin/sh', '-c', script], { env, timeout: TIMEOUT_MS });
  running.child.stdin?.end();
  await running;
  writeFileSync(file, formatTranscript({ title: part.title, fields: new Map(fields), connections: recorder.connections }));
}

/** Of its maker: without Debian's part, by the package's own list of changes. */
function versionOf(root: string, name: string): string {
  const changes = gunzipSync(readFileSync(join(root, 'usr', 'share', 'doc', name, 'changelog.Debian.gz'))).toString();
  const [, version] = /^[^(]*\((?:\d+:)?([^)]+)-[^-)]+\)/.exec(changes) ?? [];
  if (version === undefined) throw new Error(`reading the changes of ${name} in ${root}: they begin with no version`);
  return version;
}
