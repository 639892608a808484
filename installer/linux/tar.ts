/** A plain archive: the payload to be started from any folder, and the system's files beside it for who installs by other means. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { documentFiles } from '../documents.ts';
import { stagePayload } from '../payload.ts';
import { payloadPaths, product } from '../product.ts';
import { Tree } from '../tree.ts';
import type { LinuxBuild } from './build.ts';
import { systemFiles } from './system-files.ts';

/** Finds the program beside itself, through links. */
const START = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/${payloadPaths.runtime('linux')}" ${product.nodeFlags.join(' ')} "$here/${payloadPaths.main}" "$@"
`;

/** Resolves with the file's name. */
export function buildTar(build: LinuxBuild): string {
  const { out, work, epoch, target, compression, version = product.version } = build;
  const top = `${product.name}-${version}-linux-${target.arch}`;
  const tree = new Tree(join(work, 'tar'));
  const payload = join(work, 'tar.payload');
  stagePayload(payload, target, build);
  tree.addFolder(payload, top);
  tree.add({ path: `${top}/${product.name}`, content: START, mode: 0o755 });
  for (const { path, content, mode } of systemFiles) tree.add({ path: `${top}/system${path}`, content, mode: mode ?? 0o644 });
  for (const { path, content } of documentFiles(build.root)) tree.add({ path: `${top}/doc/${path}`, content });
  tree.settle(epoch);
  mkdirSync(out, { recursive: true });
  const name = `${top}.tar.xz`;
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`, '--format=gnu'];
  execFileSync('tar', [...same, '-C', tree.folder, `--use-compress-program=xz -T2 -${compression}`, '-cf', join(out, name), top]);
  return name;
}
