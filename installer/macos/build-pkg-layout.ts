/**
 * What a Mac makes a signed .pkg of in one command: the folder tree as it will be installed, the scripts, the jobs of launchd and the distribution. Node itself comes in on
 * the Mac: the version that kortd pins is no npm package for macOS. All else is inside, byte for byte the same in every build.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'plist';
import { documentFiles } from '../documents.ts';
import { filesOfModule, listFiles, modulesFor } from '../modules.ts';
import type { PackageBuild } from '../package-build.ts';
import { payloadPaths, product, type Target } from '../product.ts';
import { fetchTargetPackages, packageCache } from '../target-packages.ts';
import { Tree } from '../tree.ts';
import { element, xmlDocument } from '../xml.ts';
import { AGENT_JOB, DAEMON_JOB, FOLDERS, IDENTIFIER, plistText } from './jobs.ts';
import { POSTINSTALL, PREINSTALL, UNINSTALL, makePackage } from './scripts.ts';

/** V8 writes code while it runs, and libraries of npm packages are signed by others than Apple (Apple, "Hardened Runtime"). */
const ENTITLEMENTS = [
  'com.apple.security.cs.allow-jit',
  'com.apple.security.cs.allow-unsigned-executable-memory',
  'com.apple.security.cs.disable-library-validation',
];

/** kortd-VERSION-macos-ARCH-pkg.tar.gz; returns its name. */
export function buildPkgLayout(target: Target, { root, out, work, epoch }: PackageBuild): string {
  const top = `${product.name}-${product.version}-macos-${target.arch}-pkg`;
  const tree = new Tree(join(work, top));
  addProgram(tree, target, { root, top });
  for (const job of [DAEMON_JOB, AGENT_JOB]) tree.add({ path: `${top}/root${job.path}`, content: plistText(job) });
  tree.makeFolder(`${top}/root/usr/local/bin`);
  symlinkSync(`${FOLDERS.program}/${product.name}`, join(tree.folder, top, 'root/usr/local/bin', product.name));
  const programs = {
    'scripts/preinstall': PREINSTALL,
    'scripts/postinstall': POSTINSTALL,
    'uninstall.sh': UNINSTALL,
    'make-pkg.sh': makePackage(nodeVersion(root)),
  };
  for (const [path, content] of Object.entries(programs)) tree.add({ path: `${top}/${path}`, content, mode: 0o755 });
  tree.add({ path: `${top}/distribution.xml`, content: distribution(target) });
  const entitlements = build(Object.fromEntries(ENTITLEMENTS.map((name) => [name, true])));
  tree.add({ path: `${top}/entitlements.plist`, content: `${entitlements}\n` });
  tree.settle(epoch);
  mkdirSync(out, { recursive: true });
  const name = `${top}.tar.gz`;
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`, '--format=gnu'];
  execFileSync('tar', [...same, '-C', tree.folder, '--use-compress-program=gzip -n', '-cf', join(out, name), top]);
  return name;
}

/** productbuild(1), "Distribution XML". */
export function distribution({ arch }: Target): string {
  return xmlDocument(
    element('installer-gui-script', { minSpecVersion: '2' }, [
      element('title', {}, [product.name]),
      element('options', { customize: 'never', 'require-scripts': 'true', hostArchitectures: arch === 'x64' ? 'x86_64' : arch }),
      element('domains', { enable_anywhere: 'false', enable_currentUserHome: 'false', enable_localSystem: 'true' }),
      element('volume-check', {}, [element('allowed-os-versions', {}, [element('os-version', { min: '13.5' })])]),
      element('choices-outline', {}, [element('line', { choice: 'default' }, [element('line', { choice: IDENTIFIER })])]),
      element('choice', { id: 'default' }),
      element('choice', { id: IDENTIFIER, visible: 'false' }, [element('pkg-ref', { id: IDENTIFIER })]),
      element('pkg-ref', { id: IDENTIFIER, version: product.version, onConclusion: 'none' }, ['kortd-component.pkg']),
    ]),
  );
}

/** As stagePayload does, without a runtime. */
function addProgram(tree: Tree, target: Target, { root, top }: { readonly root: string; readonly top: string }): void {
  const place = `${top}/root${FOLDERS.program}`;
  const folders = [root, fetchTargetPackages(target, { root, cacheFolder: packageCache(root) })];
  const add = (path: string, source: string): void => tree.add({ path: `${place}/${path}`, content: readFileSync(source) });
  for (const path of listFiles(join(root, 'dist')).filter(
    (name) => /^(?!client\/|docs\/|packages\/|\.)/.test(name) && !name.endsWith('.map'),
  ))
    add(`dist/${path}`, join(root, 'dist', path));
  for (const module of modulesFor(root, target))
    for (const { source, path } of filesOfModule(module, folders, target)) add(path, source);
  for (const { path, content } of documentFiles(root)) tree.add({ path: `${place}/doc/${path}`, content });
  const { name, version } = product;
  tree.add({
    path: `${place}/package.json`,
    content: `${JSON.stringify({ name, version, private: true, type: 'module' }, undefined, 2)}\n`,
  });
  const [runtime, main] = [payloadPaths.runtime('darwin'), payloadPaths.main].map((path) => `${FOLDERS.program}/${path}`);
  const start = `#!/bin/sh\nexec ${[runtime, ...product.nodeFlags, main].join(' ')} "$@"\n`;
  tree.add({ path: `${place}/${name}`, content: start, mode: 0o755 });
}

function nodeVersion(root: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies: { readonly node: string };
  };
  return manifest.dependencies.node;
}
