/**
 * Packages of npm that go into a package as they are: those that tsup.config.ts leaves out of the bundle because they find parts beside their own files, and what these
 * need. Of each only what runs on the target: no sources, types and documents, and no libraries of other systems.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Target } from './product.ts';

/** What tsup.config.ts calls external. A test holds this against the bundle. Sorted by name. */
export const EXTERNAL_MODULES = [
  '@cornerstonejs/codec-libjpeg-turbo-8bit',
  '@cornerstonejs/codec-openjpeg',
  'koffi',
  'node-hid',
  'serialport',
] as const;

/** Needed to compile or to test only, though they stand among the dependencies. Sorted by name. */
const NEVER_LOADED: readonly string[] = ['@serialport/bindings-interface', 'node-addon-api'];

/** Of a package that has more than is loaded: what is. */
const LOADED_ONLY: Readonly<Record<string, RegExp>> = {
  '@cornerstonejs/codec-libjpeg-turbo-8bit': /^(package\.json|dist\/libjpegturbowasm\.(js|wasm))$/,
  'node-gyp-build': /^(package\.json|index\.js|node-gyp-build\.js)$/,
  '@cornerstonejs/codec-openjpeg': /^(package\.json|dist\/openjpegwasm_decode\.(js|wasm))$/,
};

const RUNS = /\.(js|cjs|mjs|json|node|wasm)$/;
/** Folders of sources, tests and documents, and programs that compile. */
const BUILD_ONLY = /^(bin|deps|doc|docs|hidapi|lib\/native|test|tools|vendor)\/|^(cnoke\.cjs|binding\.gyp)$/;

interface LockedPackage {
  readonly version: string;
  /** SHA-512 in the Subresource Integrity form. */
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dev?: boolean;
}

export interface Module {
  readonly name: string;
  readonly version: string;
  /** In package-lock.json, and below the payload: "node_modules/@serialport/stream/node_modules/debug". */
  readonly place: string;
}

export interface ModuleFile {
  readonly source: string;
  readonly path: string;
}

/** Of the lock file, by place. */
export function lockedPackages(root: string): Readonly<Record<string, LockedPackage>> {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return (JSON.parse(text) as { readonly packages: Readonly<Record<string, LockedPackage>> }).packages;
}

/** Sorted by place. Throws when the lock file does not hold what is needed. */
export function modulesFor(root: string, target: Target): readonly Module[] {
  const locked = lockedPackages(root);
  const found = new Map<string, Module>();
  const visit = (place: string): void => {
    const entry = locked[place];
    if (!entry) throw new Error(`reading package-lock.json: it has no ${place}`);
    if (found.has(place) || !isFor(entry, target)) return;
    found.set(place, { name: nameIn(place), version: entry.version, place });
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      if (!NEVER_LOADED.includes(name)) visit(resolvePlace(locked, place, name));
  };
  for (const name of EXTERNAL_MODULES) visit(`node_modules/${name}`);
  return [...found.values()].sort((one, other) => (one.place < other.place ? -1 : 1));
}

/** Files of a module that run on the target, by their path in the payload. `folders` are looked through for its place; the first that has it counts. */
export function filesOfModule({ name, place }: Module, folders: readonly string[], target: Target): readonly ModuleFile[] {
  const folder = folders.map((candidate) => join(candidate, place)).find((candidate) => existsSync(candidate));
  if (folder === undefined) throw new Error(`collecting ${place}: not found in ${folders.join(', ')}`);
  const only = LOADED_ONLY[name];
  return listFiles(folder)
    .filter((path) => !path.startsWith('node_modules/'))
    .filter((path) => (only ? only.test(path) : RUNS.test(path) && !BUILD_ONLY.test(path) && isOfPlatform(path, target)))
    .map((path) => ({ source: join(folder, path), path: posix.join(place, path) }));
}

/** Names of the files below a folder, with /, sorted. */
export function listFiles(folder: string, below = ''): readonly string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = posix.join(below, entry.name);
      return entry.isDirectory() ? listFiles(folder, path) : [path];
    })
    .sort();
}

/** As Node finds it: in the nearest node_modules above. */
function resolvePlace(locked: Readonly<Record<string, LockedPackage>>, from: string, name: string): string {
  for (let above = from; ; above = above.slice(0, Math.max(0, above.lastIndexOf('node_modules/') - 1))) {
    const place = posix.join(above, 'node_modules', name);
    if (locked[place] || above === '') return place;
  }
}

function nameIn(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function isFor({ os, cpu }: LockedPackage, { platform, arch }: Target): boolean {
  return (os?.includes(platform) ?? true) && (cpu?.includes(arch) ?? true);
}

/** Libraries are built for all systems and lie beside each other: `prebuilds/HID-linux-x64/…`, `linux_x64/…`. Musl is not what Debian and Red Hat have. */
function isOfPlatform(path: string, { platform, arch }: Target): boolean {
  if (!path.endsWith('.node')) return true;
  if (/musl/.test(path)) return false;
  const words = path.split(/[/_.+-]/);
  // One file for both processors: `darwin-x64+arm64`.
  return words.includes(platform) && words.includes(arch);
}
