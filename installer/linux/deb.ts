/** The Debian package (deb(5), Debian Policy), made by dpkg-deb: the tree, its control files, and why a check of lintian does not apply. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles } from '../modules.ts';
import { product, type Arch } from '../product.ts';
import type { TreeFile } from '../tree.ts';
import { layout } from './layout.ts';
import type { LinuxBuild } from './build.ts';
import { compress, makeSystemTree, systemFiles } from './system-files.ts';

const ARCHITECTURES: Readonly<Record<Arch, string>> = { arm64: 'arm64', x64: 'amd64' };
const SCRIPTS = ['postinst', 'postrm', 'preinst', 'prerm'] as const;

/** Of Node's program and its libraries (test/installer looks at what they load), and what scripts and service call. */
export const debianDepends = [
  'libc6 (>= 2.28)',
  'libgcc-s1',
  'libpcsclite1',
  'libstdc++6',
  'libudev1',
  'passwd',
  'pcscd',
  'systemd | systemd-standalone-sysusers',
  'systemd | systemd-standalone-tmpfiles',
];
const RECOMMENDS = ['p11-kit-modules', 'pinentry-gnome3 | pinentry-qt | pinentry-x11', 'polkitd', 'systemd', 'udev'];

/** Tag and context as lintian prints them, and the reason, which lintian wants in the file. */
const OVERRIDES: readonly (readonly [string, string])[] = [
  [
    'embedded-library zlib [usr/lib/kortd/bin/node]',
    'The runtime brings its own, with the changes that its makers made to it; nothing is fetched at installation.',
  ],
  [
    'hardening-no-pie [usr/lib/kortd/bin/node]',
    'The runtime is the program that its makers built and tested, at a fixed address.',
  ],
  [
    'maintainer-script-calls-systemctl [postinst:10]',
    'deb-systemd-invoke has no word for reset-failed: a version that failed over and over must not keep the next one from being started.',
  ],
];

/** Resolves with the file's name. `version` is for tests of upgrades. */
export function buildDeb(build: LinuxBuild): string {
  const { out, work, epoch, target, compression, version = product.version } = build;
  const folder = join(work, 'deb');
  const tree = makeSystemTree(folder, build);
  const architecture = ARCHITECTURES[target.arch];
  tree.add({ path: `${layout.documents}/changelog.gz`, content: compress(changelog(version, epoch)) });
  tree.add({ path: '/usr/share/lintian/overrides/kortd', content: overrides() });
  writeControl(folder, { version, architecture });
  tree.settle(epoch);
  const name = `${product.name}_${version}_${architecture}.deb`;
  mkdirSync(out, { recursive: true });
  const how = ['--root-owner-group', '-Zxz', `-z${compression}`, '--threads-max=2', '--build', folder, join(out, name)];
  execFileSync('dpkg-deb', how, {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return name;
}

function writeControl(
  folder: string,
  { version, architecture }: { readonly version: string; readonly architecture: string },
): void {
  const control = join(folder, 'DEBIAN');
  const files = listFiles(folder);
  mkdirSync(control);
  const write = (name: string, text: string, mode = 0o644): void => {
    writeFileSync(join(control, name), text);
    chmodSync(join(control, name), mode);
  };
  write('control', controlFile({ version, architecture, installedKiB: sizeKiB(folder, files) }));
  write(
    'conffiles',
    systemFiles
      .filter(isConfiguration)
      .map(({ path }) => `${path}\n`)
      .join(''),
  );
  write(
    'md5sums',
    files
      .filter((path) => !systemFiles.some((file) => isConfiguration(file) && file.path === `/${path}`))
      .map((path) => `${md5(join(folder, path))}  ${path}\n`)
      .join(''),
  );
  for (const name of SCRIPTS)
    write(name, readFileSync(join(import.meta.dirname, 'scripts', name), 'utf8').replaceAll('@VERSION@', version), 0o755);
}

function controlFile({
  version,
  architecture,
  installedKiB,
}: {
  readonly version: string;
  readonly architecture: string;
  readonly installedKiB: number;
}): string {
  const description = product.description.map((paragraph) => ` ${wrap(paragraph)}`).join('\n .\n');
  return `Package: ${product.name}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${product.maintainer}
Installed-Size: ${installedKiB}
Depends: ${debianDepends.join(', ')}
Recommends: ${RECOMMENDS.join(', ')}
Section: utils
Priority: optional
Description: ${product.summary}
${description}
`;
}

function isConfiguration(file: TreeFile): boolean {
  return file.isConfiguration === true;
}

/** Debian Policy 5.6.20: each file counts in whole KiB. */
function sizeKiB(folder: string, files: readonly string[]): number {
  return files.reduce((sum, path) => sum + Math.ceil(statSync(join(folder, path)).size / 1_024), 0);
}

/** The format of the control file; not a matter of trust. */
function md5(file: string): string {
  return createHash('md5').update(readFileSync(file)).digest('hex');
}

function wrap(text: string): string {
  return text.replace(/(.{1,76})(?: |$)/g, '$1\n ').trimEnd();
}

/** Debian Policy 4.4. What has changed is told where the product is. */
function changelog(version: string, epoch: number): string {
  const date = new Date(epoch * 1_000).toUTCString().replace('GMT', '+0000');
  return `${product.name} (${version}) unstable; urgency=medium\n\n  * This version as its makers built it.\n\n -- ${product.maintainer}  ${date}\n`;
}

function overrides(): string {
  return OVERRIDES.map(([tag, reason]) => `# ${reason}\n${product.name}: ${tag}\n`).join('');
}
