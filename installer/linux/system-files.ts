/** The whole of the product as it lies on a Linux system, beside its account and its data: payload, units, rules, manual. The same for every kind of package. */
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentFiles } from '../documents.ts';
import { stagePayload, type StageOptions } from '../payload.ts';
import { payloadPaths, product, type Target } from '../product.ts';
import { Tree, type TreeFile } from '../tree.ts';
import { layout } from './layout.ts';
import { manualPage } from './manual.ts';
import { udevRules } from './udev.ts';
import { agentUnit, autostartEntry, commandScript, polkitRule, serviceUnit, socketUnit, sysusers, tmpfiles } from './units.ts';

export interface SystemTreeOptions extends StageOptions {
  readonly target: Target;
  /** Of everything in it; seconds since 1970. */
  readonly epoch: number;
  /** Another than the product's, for tests of upgrades. */
  readonly version?: string;
}

export const systemFiles: readonly TreeFile[] = [
  { path: layout.command, content: commandScript, mode: 0o755 },
  { path: `${layout.units}/kortd.service`, content: serviceUnit },
  { path: `${layout.units}/kortd.socket`, content: socketUnit },
  { path: `${layout.userUnits}/kortd-agent.service`, content: agentUnit },
  { path: `${layout.autostart}/kortd-agent.desktop`, content: autostartEntry, isConfiguration: true },
  { path: `${layout.sysusers}/kortd.conf`, content: sysusers },
  { path: `${layout.tmpfiles}/kortd.conf`, content: tmpfiles },
  { path: `${layout.udev}/60-kortd.rules`, content: udevRules },
  { path: `${layout.polkit}/50-kortd.rules`, content: polkitRule },
];

/** Not settled: the kind of package adds its own. */
export function makeSystemTree(folder: string, options: SystemTreeOptions): Tree {
  const tree = new Tree(folder);
  const payload = `${folder}.payload`;
  stagePayload(payload, options.target, options);
  tree.addFolder(payload, layout.program);
  for (const file of systemFiles) tree.add(file);
  // For the scripts of the next: rpm cannot be asked, its database is locked while it works.
  tree.add({ path: `${layout.program}/version`, content: `${options.version ?? product.version}\n` });
  tree.makeFolder(layout.policy);
  for (const { path, content } of documentFiles(options.root)) tree.add({ path: `${layout.documents}/${path}`, content });
  const licences = readFileSync(join(payload, payloadPaths.licences), 'utf8');
  tree.remove(`${layout.program}/${payloadPaths.licences}`);
  tree.add({ path: `${layout.documents}/copyright`, content: copyright });
  tree.add({ path: `${layout.documents}/${payloadPaths.licences}.gz`, content: compress(licences) });
  tree.add({ path: `${layout.manual}/kortd.1.gz`, content: compress(manualPage({ epoch: options.epoch })) });
  return tree;
}

/** The same bytes whenever and wherever it is made: no name and no time in the head (RFC 1952). */
export function compress(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}

const copyright = `Copyright 2026 ${product.maintainer.replace(/ <.*/, '')}. All rights reserved.
It may be used as agreed with them.

What it contains of others, each under its own licence: ${layout.documents}/${payloadPaths.licences}.gz
`;
