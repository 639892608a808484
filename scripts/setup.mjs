#!/usr/bin/env node
/**
 * Makes a checkout ready: npm packages, Debian packages, bundle; each only when missing or stale. Runs on Node 20 and needs no package.
 * Usage: node scripts/setup.mjs [start|docs|package|test]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const pinnedNode = join(root, 'node_modules', 'node', 'bin', 'node');
/** The package that `node` has npm fetch beside itself, outside the lock file: packages are made of it, and npm takes it away whenever it tidies up (npm install, npm prune). */
const runtimePlaces = [['node', 'node_modules'], []].map((below) =>
  join(root, 'node_modules', ...below, `node-${process.platform}-${process.arch}`, 'LICENSE'),
);
const lockStamp = join(root, 'node_modules', '.kortd-lock');
const bundleStamp = join(root, 'dist', '.kortd-sources');

/** What each purpose needs of Debian. */
const RUN_PACKAGES = ['libpcsclite1', 'openssl', 'pcscd'];
/** dpkg-deb is of every Debian. */
const PACKAGE_PACKAGES = ['binutils', 'msitools', 'rpm', 'wixl', 'xz-utils'];
const TEST_PACKAGES = [
  'bsdutils',
  'chromium',
  'curl',
  'debootstrap',
  'duktape',
  'firefox-esr',
  'fonts-dejavu-core',
  'gcc',
  'gnutls-bin',
  'iproute2',
  'libc6-dev',
  'libengine-pkcs11-openssl',
  'libnss3-tools',
  'libpcsclite-dev',
  'libstrongswan-extra-plugins',
  'libstrongswan-standard-plugins',
  'lintian',
  'opensc',
  'opensc-pkcs11',
  'openssh-client',
  'openssh-server',
  'p11-kit',
  'p11-kit-modules',
  'pinentry-curses',
  'pinentry-tty',
  'poppler-utils',
  'prometheus',
  'socat',
  'softhsm2',
  'strongswan-pki',
  'systemd',
  'udev',
  'umockdev',
  'unzip',
  'util-linux',
  'vsmartcard-vpcd',
  'wine',
  'wine64',
  'xdotool',
  'xvfb',
  'yubico-piv-tool',
];

const purpose = process.argv[2] ?? 'start';
const PACKAGES = {
  start: RUN_PACKAGES,
  docs: [],
  package: PACKAGE_PACKAGES,
  test: [...RUN_PACKAGES, ...PACKAGE_PACKAGES, ...TEST_PACKAGES],
};
if (!Object.hasOwn(PACKAGES, purpose)) stop('usage: node scripts/setup.mjs [start|docs|package|test]');
installNpmPackages();
if (purpose !== 'docs') {
  installDebianPackages(PACKAGES[purpose]);
  buildBundle();
}

function installNpmPackages() {
  const wanted = fingerprint([join(root, 'package-lock.json')]);
  const isInstalled = existsSync(lockStamp) && readFileSync(lockStamp, 'utf8') === wanted;
  if (isInstalled && hasRuntime()) return;
  if (!isInstalled) {
    say('installing npm packages');
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci failed; its output above says why');
  }
  if (!hasRuntime()) {
    say('fetching Node 24 as an npm package');
    run('npm', ['rebuild', 'node', '--foreground-scripts'], 'npm could not install the package "node"');
  }
  if (!hasRuntime())
    stop('the npm package "node" brought no Node: are install scripts switched off (npm config get ignore-scripts)?');
  writeFileSync(lockStamp, wanted);
}

/** On Debian both; elsewhere the packages of its Node are called otherwise. */
function hasRuntime() {
  return existsSync(pinnedNode) && (process.platform !== 'linux' || runtimePlaces.some((place) => existsSync(place)));
}

function installDebianPackages(wanted) {
  const query = spawnSync('dpkg-query', ['--show', '--showformat', '${db:Status-Status} ${Package}\n', ...wanted], {
    encoding: 'utf8',
  });
  if (query.error) stop(`this set-up knows Debian only; install these by hand and make dpkg-query known: ${wanted.join(' ')}`);
  const installed = new Set(
    query.stdout.split('\n').flatMap((line) => (line.startsWith('installed ') ? [line.slice('installed '.length)] : [])),
  );
  const missing = wanted.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0)
    stop(`Debian packages are missing. Run this, then try again:\n  sudo apt-get update && sudo apt-get ${install.join(' ')}`);
  say(`installing Debian packages: ${missing.join(' ')}`);
  const quiet = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', [...quiet, 'update'], 'apt-get update failed', env);
  run('apt-get', [...quiet, ...install], `apt-get could not install ${missing.join(' ')}`, env);
}

function buildBundle() {
  const sources = ['apdu', 'api-spec', 'drivers', 'pkcs11-module', 'daemon'].flatMap((folder) => listSources(join(root, folder)));
  const wanted = fingerprint([...sources, join(root, 'tsup.config.ts'), join(root, 'package-lock.json')]);
  if (existsSync(bundleStamp) && readFileSync(bundleStamp, 'utf8') === wanted) return;
  say('building');
  run(
    pinnedNode,
    [join(root, 'node_modules', 'tsup', 'dist', 'cli-default.js'), '--silent'],
    'the build failed; its output above says where',
  );
  writeFileSync(bundleStamp, wanted);
}

/** Sources that end up in the bundle: no tests. */
function listSources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listSources(path);
    return /\.(tsx?|json|js|css|html|svg)$/.test(entry.name) && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

function fingerprint(files) {
  const hash = createHash('sha256').update(process.platform + process.arch);
  for (const file of files.sort())
    hash
      .update(file.slice(root.length))
      .update(String(statSync(file).size))
      .update(readFileSync(file));
  return hash.digest('hex');
}

function run(command, parameters, problem, env = process.env) {
  const done = spawnSync(command, parameters, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (done.error) stop(`${problem} (${done.error.message})`);
  if (done.status !== 0) stop(problem);
}

function say(text) {
  process.stderr.write(`kortd set-up: ${text} …\n`);
}

function stop(text) {
  process.stderr.write(`kortd set-up: ${text}\n`);
  process.exit(1);
}
