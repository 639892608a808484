/** The RPM package, made by rpmbuild from the same tree; a spec file is written for it. Fedora, RHEL and SUSE name their dependencies alike where they stand here. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { product, type Arch } from '../product.ts';
import type { LinuxBuild } from './build.ts';
import { layout } from './layout.ts';
import { makeSystemTree, systemFiles } from './system-files.ts';

const ARCHITECTURES: Readonly<Record<Arch, string>> = { arm64: 'aarch64', x64: 'x86_64' };
const RELEASE = '1';
const REQUIRES = ['pcsc-lite', 'pcsc-lite-libs', 'systemd', '/usr/sbin/useradd'];
const SCRIPTS = ['pre', 'post', 'preun', 'postun'] as const;

/** Resolves with the file's name. */
export function buildRpm(build: LinuxBuild): string {
  const { out, work, epoch, target, compression, version = product.version } = build;
  const tree = makeSystemTree(join(work, 'rpm-tree'), build);
  tree.settle(epoch);
  const architecture = ARCHITECTURES[target.arch];
  const top = join(work, 'rpm');
  rmSync(top, { recursive: true, force: true });
  mkdirSync(top, { recursive: true });
  const spec = join(top, `${product.name}.spec`);
  writeFileSync(spec, specFile({ tree: tree.folder, version }));
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', `${architecture}-linux`, ...definitions(top, compression), spec], {
    env: { PATH: process.env['PATH'], HOME: top, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: String(epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  mkdirSync(out, { recursive: true });
  const name = `${product.name}-${version}-${RELEASE}.${architecture}.rpm`;
  copyFileSync(join(top, 'RPMS', architecture, name), join(out, name));
  return name;
}

/** Nothing of the machine, of the hour or of the distribution that builds (rpm, "macros": build host, build time, what is done to files after installation). */
function definitions(top: string, compression: number): readonly string[] {
  const macros: Readonly<Record<string, string>> = {
    _topdir: top,
    _buildhost: 'localhost',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    source_date_epoch_from_changelog: '0',
    _build_id_links: 'none',
    __os_install_post: '%{nil}',
    debug_package: '%{nil}',
    _binary_payload: `w${compression}.xzdio`,
    _build_name_fmt: '%%{ARCH}/%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    _dbpath: join(top, 'database'),
  };
  return Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
}

function specFile({ tree, version }: { readonly tree: string; readonly version: string }): string {
  const scripts = SCRIPTS.map((name) => `%${name}\n${readFileSync(join(import.meta.dirname, 'scripts', 'rpm', name), 'utf8')}`);
  return `Name: ${product.name}
Version: ${version}
Release: ${RELEASE}
Summary: ${capitalised(product.summary)}
License: Proprietary
Vendor: ${product.vendor}
Group: System Environment/Daemons
AutoReqProv: no
${REQUIRES.map((name) => `Requires: ${name}`).join('\n')}
Recommends: polkit
Recommends: pinentry

%description
${product.description.join('\n\n')}

%install
cp -a '${tree}/.' '%{buildroot}/'

%files
%defattr(-,root,root,-)
${ownFiles().join('\n')}

${scripts.join('\n')}`;
}

/** Folders of the product alone; other folders belong to the system. */
function ownFiles(): readonly string[] {
  const files = systemFiles.map(({ path, isConfiguration }) => (isConfiguration ? `%config(noreplace) ${path}` : path));
  const folders = [layout.program, layout.documents, '%dir /etc/kortd', `%dir ${layout.policy}`, `${layout.manual}/kortd.1.gz`];
  return [...files, ...folders];
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
