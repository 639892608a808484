/**
 * The Windows package in Wine: Windows Installer installs it, the service control manager runs the daemon, the API answers; an upgrade keeps the data, what is older is
 * refused, and removal leaves the data alone. All is what ships but for Node itself: Wine 8 cannot run version 24, so that the same sources are bundled for 22 here. Who may
 * enter the folder and how the service is configured beyond its start is not carried out by Wine: build-msi.test.ts reads it in the tables.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EXTERNAL_MODULES, listFiles } from '../../installer/modules.ts';
import { stagePayload } from '../../installer/payload.ts';
import { fetchPackage, fetchTargetPackages, packageCache } from '../../installer/target-packages.ts';
import { WINDOWS, packMsi } from '../../installer/windows/build-msi.ts';
import { NODE_FOR_WINE } from './prepare-packages.ts';
import { Wine } from './wine.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CACHE = packageCache(ROOT);
const PATIENCE = { timeout: 60_000, interval: 200 };
const EPOCH_SECONDS = 1_767_225_600;

let folder = '';
let wine: Wine;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-wine-'));
  await stage(join(folder, 'payload'));
  wine = await Wine.open(join(folder, 'wine'));
}, 300_000);
afterAll(async () => {
  await wine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}, 120_000);

/** The payload of Windows, with Node 22 and the bundle for it. */
async function stage(payload: string): Promise<void> {
  const packages = fetchTargetPackages(WINDOWS, { root: ROOT, cacheFolder: CACHE });
  stagePayload(payload, WINDOWS, { root: ROOT, packageFolders: [packages] });
  const runtime = fetchPackage(NODE_FOR_WINE, CACHE);
  execFileSync('tar', ['--extract', '--gzip', '--file', runtime, '--directory', payload, '--strip-components=1', 'package/bin']);
  const page = join(folder, 'page');
  cpSync(join(payload, 'dist', 'page'), page, { recursive: true });
  await build({
    config: false,
    silent: true,
    entry: { main: join(ROOT, 'daemon/main.ts'), 'image-worker': join(ROOT, 'drivers/images/worker.ts') },
    format: 'esm',
    platform: 'node',
    target: 'node22',
    outDir: join(payload, 'dist'),
    clean: true,
    splitting: true,
    removeNodeProtocol: false,
    noExternal: [/./],
    external: [...EXTERNAL_MODULES],
    inject: [join(ROOT, 'test/support/disposable-stack.ts')],
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
  });
  cpSync(page, join(payload, 'dist', 'page'), { recursive: true });
}

function pack(version: string): string {
  const file = join(folder, `kortd-${version}.msi`);
  const furtherArguments = ['--simulate', 'office', '--port', '0'];
  packMsi(file, {
    folder: join(folder, 'payload'),
    version,
    epochSeconds: EPOCH_SECONDS,
    workFolder: join(folder, version),
    furtherArguments,
  });
  return wine.path(file);
}

const data = (...names: readonly string[]): string => join(wine.drive, 'ProgramData', 'kortd', ...names);
const program = (...names: readonly string[]): string => join(wine.drive, 'Program Files', 'kortd', ...names);
const serviceState = async (): Promise<string | undefined> =>
  /STATE\s+: \d+\s+(\w+)/.exec((await wine.run('sc', 'query', 'kortd')).output)?.[1];

interface Answer {
  readonly pid: number;
  readonly platform: string;
}

/** What the service says of itself over the API. */
async function ask(): Promise<Answer> {
  const { url, pid } = JSON.parse(readFileSync(data('state', 'endpoint.json'), 'utf8')) as {
    readonly url: string;
    readonly pid: number;
  };
  const token = readFileSync(data('state', 'token'), 'utf8').trim();
  const response = await fetch(`${url}/v1/system/info`, { headers: { authorization: `Bearer ${token}` } });
  return { pid, ...((await response.json()) as Omit<Answer, 'pid'>) };
}

describe('the Windows package', () => {
  it('installs the service, which starts and answers', { timeout: 300_000 }, async () => {
    expect((await wine.run('msiexec', '/i', pack('1.0.0'), '/qn', '/l*v', wine.path(join(folder, 'log.txt')))).status).toBe(0);
    expect((await vi.waitFor(ask, PATIENCE)).platform).toBe('win32-x64');
    expect(await serviceState()).toBe('RUNNING');
    expect((await wine.run('reg', 'query', 'HKLM\\System\\CurrentControlSet\\Services\\kortd')).output).toMatch(
      /ObjectName\s+REG_SZ\s+NT SERVICE\\kortd/,
    );
  });

  it('takes a newer version in its place, and keeps the data', { timeout: 300_000 }, async () => {
    const [key, { pid }] = [readFileSync(data('state', 'audit-key.pem'), 'utf8'), await ask()];
    writeFileSync(data('policy.d', 'office.json'), '{}');
    expect((await wine.run('msiexec', '/i', pack('1.1.0'), '/qn')).status).toBe(0);
    await vi.waitFor(async () => expect((await ask()).pid).not.toBe(pid), PATIENCE);
    expect(readFileSync(data('state', 'audit-key.pem'), 'utf8')).toBe(key);
    expect(existsSync(data('policy.d', 'office.json'))).toBe(true);
  });

  it('refuses an older version, and goes on', { timeout: 300_000 }, async () => {
    const { pid } = await ask();
    expect((await wine.run('msiexec', '/i', pack('0.9.0'), '/qn')).status).not.toBe(0);
    expect((await ask()).pid).toBe(pid);
  });

  it('stops and starts as a person says', { timeout: 300_000 }, async () => {
    await wine.run('sc', 'stop', 'kortd');
    await vi.waitFor(async () => expect(await serviceState()).toBe('STOPPED'), PATIENCE);
    expect(existsSync(data('state', 'endpoint.json'))).toBe(false);
    expect(readFileSync(data('log', 'kortd.log'), 'utf8')).toContain('shutting down');
    await wine.run('sc', 'start', 'kortd');
    expect((await vi.waitFor(ask, PATIENCE)).platform).toBe('win32-x64');
  });

  it('goes without a trace but for its data', { timeout: 300_000 }, async () => {
    expect((await wine.run('msiexec', '/x', wine.path(join(folder, 'kortd-1.1.0.msi')), '/qn')).status).toBe(0);
    expect(await serviceState()).toBeUndefined();
    // What the process had loaded may still be held for a moment: Windows Installer takes it away at the next start of the computer then.
    const left = existsSync(program()) ? listFiles(program()) : [];
    expect(left.filter((name) => !/\.(exe|node)$/.test(name))).toEqual([]);
    expect(existsSync(data('state', 'audit-key.pem'))).toBe(true);
  });
});
