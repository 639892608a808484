/**
 * The Windows package, made on Debian by wixl and msibuild (packages `wixl`, `msitools`). Everything that would differ between two builds of the same sources follows from
 * the content instead: GUIDs from names, the package code from all that is inside, times from the sources.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { documentFiles } from '../documents.ts';
import { listAll, stagePayload, type PayloadFile } from '../payload.ts';
import { payloadPaths, product, type Target } from '../product.ts';
import { fetchTargetPackages, packageCache } from '../target-packages.ts';
import type { PackageBuild } from '../package-build.ts';
import { windowsGuid } from '../derived-guid.ts';
import {
  addedTables,
  installSequence,
  parseTextArchive,
  summaryInformation,
  textArchive,
  withShortNames,
  type Table,
} from './tables.ts';
import { wixSource } from './wix-source.ts';

export const WINDOWS: Target = { platform: 'win32', arch: 'x64' };
const TOOL_TIMEOUT_MS = 300_000;

export interface MsiContents {
  /** Where the payload is staged. */
  readonly folder: string;
  readonly version: string;
  readonly epochSeconds: number;
  readonly workFolder: string;
  /** Of the service, beside its own. */
  readonly furtherArguments?: readonly string[];
}

/** kortd-VERSION-x64.msi; returns its name. */
export function buildMsi({ root, out, work, epoch }: PackageBuild): string {
  rmSync(work, { recursive: true, force: true });
  const folder = join(work, 'payload');
  const packages = fetchTargetPackages(WINDOWS, { root, cacheFolder: packageCache(root) });
  stagePayload(folder, WINDOWS, { root, packageFolders: [packages] });
  writeFileSync(join(folder, `${product.name}.cmd`), commandFile());
  addDocuments(folder, root);
  mkdirSync(out, { recursive: true });
  const name = `${product.name}-${product.version}-x64.msi`;
  packMsi(join(out, name), { folder, version: product.version, epochSeconds: epoch, workFolder: work });
  return name;
}

function addDocuments(folder: string, root: string): void {
  for (const { path, content } of documentFiles(root)) {
    const file = join(folder, 'doc', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

/** A staged payload as .msi. */
export function packMsi(file: string, contents: MsiContents): void {
  const { folder, version, epochSeconds, workFolder, furtherArguments = [] } = contents;
  const files = listAll(folder);
  // A cabinet keeps the time of each file.
  for (const { path } of files) utimesSync(join(folder, path), epochSeconds, epochSeconds);
  const packageCode = windowsGuid('package', version, String(epochSeconds), contentHash(folder, files));
  const source = join(workFolder, 'kortd.wxs');
  mkdirSync(workFolder, { recursive: true });
  writeFileSync(source, wixSource(files, { folder: relative(workFolder, folder), version, packageCode, furtherArguments }));
  rmSync(file, { force: true });
  run('wixl', ['--arch', 'x64', '--output', resolve(file), 'kortd.wxs'], workFolder);
  const tables = [
    ...addedTables(),
    installSequence(readTable(file, 'InstallExecuteSequence')),
    withShortNames(readTable(file, 'File'), 'FileName'),
    withShortNames(readTable(file, 'Directory'), 'DefaultDir'),
    summaryInformation({ version, packageCode, epochSeconds }),
  ];
  importTables(file, tables, workFolder);
}

export function readTable(file: string, table: string): Table {
  return parseTextArchive(run('msiinfo', ['export', file, table]));
}

/** In a prompt: `kortd status`. %~dp0 is the folder of the file, with \ at its end. */
function commandFile(): string {
  const [runtime, main] = [payloadPaths.runtime('win32'), payloadPaths.main].map(
    (path) => `"%~dp0${path.replaceAll('/', '\\')}"`,
  );
  return `@${[runtime, ...product.nodeFlags, main].join(' ')} %*\r\n`;
}

/** Tables and service are told by the code that writes them, which is of the same version as the content. */
function contentHash(folder: string, files: readonly PayloadFile[]): string {
  const hash = createHash('sha256').update(
    wixSource(files, { folder: '', version: product.version, packageCode: '', furtherArguments: [] }),
  );
  for (const table of addedTables()) hash.update(textArchive(table));
  for (const { path } of files) hash.update(path).update(readFileSync(join(folder, path)));
  return hash.digest('hex');
}

/** In one call: each writes the whole file anew. */
function importTables(file: string, tables: readonly Table[], workFolder: string): void {
  const archives = tables.map((table) => {
    const archive = join(workFolder, `${table.name}.idt`);
    writeFileSync(archive, textArchive(table));
    return archive;
  });
  run('msibuild', [file, ...archives.flatMap((archive) => ['-i', archive])]);
}

function run(command: string, parameters: readonly string[], cwd?: string): string {
  // Times of the summary are taken as those of the zone.
  const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' };
  return execFileSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    env,
    timeout: TOOL_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
