/** The licences of everything in a package, in one text: what npm packages bring of their own, equal texts once, and that of Node. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lockedPackages } from './modules.ts';
import { product, type Target } from './product.ts';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)([-.].*)?$/i;
const RULE = '-'.repeat(80);

export interface LicenceOptions {
  readonly target: Target;
  readonly folders: readonly string[];
  readonly nodeLicence: string;
}

/** Every package that is not of development alone counts, also where the bundle took a part of it only. */
export function licenceTexts(root: string, { target, folders, nodeLicence }: LicenceOptions): string {
  const byText = new Map<string, string[]>();
  const add = (owner: string, text: string): void => void byText.set(text, [...(byText.get(text) ?? []), owner]);
  for (const [place, { version, dev, os, cpu }] of Object.entries(lockedPackages(root))) {
    if (!place.startsWith('node_modules/') || dev === true) continue;
    if (!(os?.includes(target.platform) ?? true) || !(cpu?.includes(target.arch) ?? true)) continue;
    const folder = folders.map((candidate) => join(candidate, place)).find((candidate) => existsSync(candidate));
    if (folder !== undefined) add(`${place.slice(place.lastIndexOf('node_modules/') + 13)} ${version}`, ownLicence(folder));
  }
  const sections = [...byText].map(([text, owners]) => ({ owners: [...new Set(owners)].sort(), text }));
  sections.sort((one, other) => (String(one.owners) < String(other.owners) ? -1 : 1));
  const node = { owners: ['Node.js, with what it is built of'], text: readFileSync(nodeLicence, 'utf8').trim() };
  const intro = `${product.name} ${product.version} contains the following, each under its own licence.`;
  const texts = [node, ...sections].map(({ owners, text }) => `${RULE}\n${owners.join('\n')}\n${RULE}\n\n${text}\n`);
  return `${intro}\n\n${texts.join('\n')}`;
}

/** Some name their licence in package.json alone. */
function ownLicence(folder: string): string {
  const files = readdirSync(folder)
    .filter((name) => LICENCE_FILE.test(name))
    .sort();
  if (files.length > 0)
    return files.map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim()).join('\n\n');
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly license?: string;
    readonly author?: string | { readonly name?: string };
  };
  const { license = 'not stated', author } = manifest;
  const name = typeof author === 'string' ? author : (author?.name ?? 'its authors');
  return `License: ${license}. Copyright ${name}. The package has no licence file of its own.`;
}
