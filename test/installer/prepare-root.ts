/**
 * A clean Debian as an archive in build/, with what kortd depends on waiting in apt's cache: it is made once for each list of dependencies, with the network, so that
 * everything after it does without. The mirror is the one that apt of this machine uses.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianDepends } from '../../installer/linux/deb.ts';

/** Beside what kortd depends on: a reader for pcscd without hardware, who decides who may use it, and what installs packages on other systems. */
const BENCH_PACKAGES = ['polkitd', 'rpm', 'vsmartcard-vpcd'];
const CACHE = join(import.meta.dirname, '..', '..', 'build', 'installer');
/** Of each step; debootstrap takes half a minute. */
const STEP_MS = 240_000;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

interface Source {
  readonly uri: string;
  readonly suite: string;
}

/** Path of the archive. Throws when it was not made. */
export function rootArchive(): string {
  const { archive } = recipeOf(codeName());
  if (!existsSync(archive))
    throw new Error(`finding the Debian root: ${archive} is not there; node test/installer/prepare-root.ts makes it`);
  return archive;
}

function recipeOf(suite: string): { readonly archive: string } {
  const recipe = JSON.stringify([suite, debianDepends, BENCH_PACKAGES, readFileSync(import.meta.filename, 'utf8')]);
  const archive = join(CACHE, `root-${suite}-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}.tar`);
  return { archive };
}

/** Needs the network. Throws when this is not root, or not on Debian. */
function prepareRoot(): void {
  if (process.getuid?.() !== 0) throw new Error('making a Debian root: it takes root, as in a container of CI');
  const suite = codeName();
  const { archive } = recipeOf(suite);
  if (existsSync(archive)) return;
  mkdirSync(CACHE, { recursive: true });
  for (const old of readdirSync(CACHE)) rmSync(join(CACHE, old), { recursive: true, force: true });
  const root = mkdtempSync(join(CACHE, 'root-'));
  try {
    fill(root, suite);
    run('tar', ['--numeric-owner', '-C', root, '-cf', `${archive}.new`, '.']);
    renameSync(`${archive}.new`, archive);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function fill(root: string, suite: string): void {
  const sources = aptSources();
  const main = sources.find((source) => source.suite === suite);
  if (!main) throw new Error(`making a Debian root: apt of this machine has no source of ${suite}`);
  run('debootstrap', ['--variant=minbase', `--keyring=${KEYRING}`, suite, root, main.uri]);
  const lines = sources.map((source) => `deb [signed-by=${KEYRING}] ${source.uri} ${source.suite} main\n`);
  writeFileSync(join(root, 'etc', 'apt', 'sources.list'), lines.join(''));
  // How this machine reaches its mirror: proxies, certificates, retries.
  writeFileSync(join(root, 'etc', 'apt', 'apt.conf.d', '99machine'), run('apt-config', ['dump', 'Acquire']));
  // Archives stay where they are fetched to.
  rmSync(join(root, 'etc', 'apt', 'apt.conf.d', 'docker-clean'), { force: true });
  for (const name of ['resolv.conf', 'hosts']) writeFileSync(join(root, 'etc', name), readFileSync(`/etc/${name}`));
  apt(root, ['update']);
  apt(root, ['satisfy', '--download-only', '--no-install-recommends', [...debianDepends, ...BENCH_PACKAGES].join(', ')]);
}

function apt(root: string, parameters: readonly string[]): void {
  const quiet = ['-qq', '--yes', '-o', 'APT::Sandbox::User=root'];
  run('chroot', [root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...quiet, ...parameters]);
}

/** What apt has lists of, of Debian itself. */
function aptSources(): readonly Source[] {
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)';
  const rows = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).trim().split('\n');
  return rows.flatMap((row) => {
    const [uri = '', suite = '', component, origin] = row.split(' ');
    return component === 'main' && origin === 'Debian' ? [{ uri, suite }] : [];
  });
}

function codeName(): string {
  const name = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (name === undefined) throw new Error('making a Debian root: /etc/os-release does not name the release');
  return name;
}

function run(command: string, parameters: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, { encoding: 'utf8', timeout: STEP_MS });
  if (error || status !== 0)
    throw new Error(`${command}: ${error?.message ?? ''} ${stdout.slice(-2_000)} ${stderr.slice(-2_000)}`);
  return stdout;
}

if (import.meta.main) prepareRoot();
