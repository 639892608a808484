/**
 * `npm run package [-- --out DIR] [--compression N] [--only NAME]`: every package that this machine can build, into dist/packages. Two runs on the same sources give
 * the same bytes.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeChecksums } from './checksums.ts';
import { sourceDateEpoch } from './epoch.ts';
import type { LinuxBuild } from './linux/build.ts';
import { buildDeb } from './linux/deb.ts';
import { buildRpm } from './linux/rpm.ts';
import { buildTar } from './linux/tar.ts';
import { buildPkgLayout } from './macos/build-pkg-layout.ts';
import { buildSbom } from './sbom.ts';
import { buildMsi } from './windows/build-msi.ts';

const ROOT = join(import.meta.dirname, '..');

/** Each resolves with the names of the files that it left in `out`. */
const BUILDERS: Readonly<Record<string, (build: LinuxBuild) => string>> = {
  deb: buildDeb,
  macos: (build) => buildPkgLayout({ platform: 'darwin', arch: 'arm64' }, build),
  msi: buildMsi,
  rpm: buildRpm,
  sbom: buildSbom,
  tar: buildTar,
};

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'dist', 'packages') },
    compression: { type: 'string', default: '6' },
    only: { type: 'string', multiple: true, default: Object.keys(BUILDERS) },
  },
});
const out = resolve(values.out);
mkdirSync(join(ROOT, 'build'), { recursive: true });
const work = mkdtempSync(join(ROOT, 'build', 'packages-'));
for (const name of values.only) {
  const build = BUILDERS[name];
  if (!build) throw new Error(`there is no package "${name}"; there are ${Object.keys(BUILDERS).join(', ')}`);
  const file = build({
    root: ROOT,
    out,
    work: join(work, name),
    epoch: sourceDateEpoch(ROOT),
    target: { platform: 'linux', arch: 'x64' },
    compression: Number(values.compression),
  });
  process.stdout.write(`${join(out, file)} ${(statSync(join(out, file)).size / 1e6).toFixed(1)} MB\n`);
}
writeChecksums(out);
rmSync(work, { recursive: true, force: true });
