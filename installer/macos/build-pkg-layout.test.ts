/** What a Mac makes the .pkg of, as far as this system can check it: property lists that parse, scripts that a shell reads, one archive in every build. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import { parse } from 'plist';
import { afterAll, describe, expect, it } from 'vitest';
import { MACOS_SERVICE_SOCKET } from '../../daemon/data-folder.ts';
import { listFiles } from '../modules.ts';
import { product, type Target } from '../product.ts';
import { buildPkgLayout } from './build-pkg-layout.ts';
import { AGENT_JOB, DAEMON_JOB, FOLDERS, IDENTIFIER } from './jobs.ts';

const TARGET: Target = { platform: 'darwin', arch: 'arm64' };
const folder = mkdtempSync(join(tmpdir(), 'kortd-pkg-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function build(name: string): string {
  const options = {
    root: join(import.meta.dirname, '..', '..'),
    out: join(folder, name),
    work: join(folder, `${name}.work`),
    epoch: 1_767_225_600,
  };
  return join(options.out, buildPkgLayout(TARGET, options));
}

describe('the layout of the .pkg', { timeout: 120_000 }, () => {
  const archive = build('first');
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  const top = join(folder, `kortd-${product.version}-macos-arm64-pkg`);
  const read = (path: string): string => readFileSync(join(top, path), 'utf8');

  it('is the same byte for byte in every build', () => {
    expect(readFileSync(build('second')).equals(readFileSync(archive))).toBe(true);
  });

  it('has a job of the machine, as its own user, and one of each session', () => {
    const daemon = parse(read(`root${DAEMON_JOB.path}`));
    expect(daemon).toEqual(DAEMON_JOB.plist);
    expect(daemon).toMatchObject({
      UserName: '_kortd',
      KeepAlive: { SuccessfulExit: false },
      ExitTimeOut: product.service.stopSeconds,
    });
    expect(daemon).toMatchObject({ ProgramArguments: expect.arrayContaining([...product.nodeFlags, 'serve']) as unknown });
    expect(parse(read(`root${AGENT_JOB.path}`))).toEqual(AGENT_JOB.plist);
    // Where the service listens for members of its group, the agent of each session asks; bind(2) there takes 103 characters.
    const [served, asked] = [DAEMON_JOB, AGENT_JOB].map(({ plist }) => plist['ProgramArguments']);
    expect(served).toEqual(expect.arrayContaining(['--user-sockets', dirname(dirname(MACOS_SERVICE_SOCKET))]));
    expect(asked).toEqual(expect.arrayContaining(['--socket', MACOS_SERVICE_SOCKET]));
    expect(MACOS_SERVICE_SOCKET.length).toBeLessThanOrEqual(103);
    expect(read('scripts/postinstall')).toContain(`/bin/chmod 710 '${dirname(MACOS_SERVICE_SOCKET)}'`);
    for (const { path, plist } of [DAEMON_JOB, AGENT_JOB])
      expect(path.endsWith(`/${JSON.stringify(plist['Label']).slice(1, -1)}.plist`)).toBe(true);
  });

  it.each(['scripts/preinstall', 'scripts/postinstall', 'uninstall.sh', 'make-pkg.sh'])(
    'has %s, which a shell can read',
    (path) => {
      expect(spawnSync('sh', ['-n', join(top, path)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
      expect(statSync(join(top, path)).mode & 0o777).toBe(0o755);
    },
  );

  it('has a distribution that names the component and the processor', () => {
    const document = new DOMParser().parseFromString(read('distribution.xml'), 'text/xml');
    const references = [...document.getElementsByTagName('pkg-ref')].map((element) => [
      element.getAttribute('id'),
      element.textContent,
    ]);
    expect(references).toContainEqual([IDENTIFIER, 'kortd-component.pkg']);
    expect([...document.getElementsByTagName('options')].map((element) => element.getAttribute('hostArchitectures'))).toEqual([
      'arm64',
    ]);
  });

  it('has the libraries of this processor and a way to start by name, and no program but scripts', () => {
    const libraries = listFiles(join(top, 'root')).filter((path) => path.endsWith('.node'));
    expect(libraries).toHaveLength(3);
    for (const library of libraries) expect(library).toMatch(/darwin/);
    expect(readlinkSync(join(top, 'root/usr/local/bin/kortd'))).toBe(`${FOLDERS.program}/kortd`);
    expect(existsSync(join(top, `root${FOLDERS.program}`, 'kortd'))).toBe(true);
  });

  it('is made of no other Node than the pinned one', () => {
    const refused = spawnSync('sh', [join(top, 'make-pkg.sh'), '/bin/true'], { encoding: 'utf8' });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('is needed');
  });
});
