import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openerFor, openInBrowser } from './open.ts';

const ADDRESS = 'http://127.0.0.1:27151/#abc-_123';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'kortd-open-'))));
afterAll(() => rm(folder, { recursive: true }));

/** An environment with a display, whose xdg-open is this script; PATH has nothing else. */
async function withOpener(name: string, script: string): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, name);
  await mkdir(path);
  await writeFile(join(path, 'xdg-open'), `#!/bin/sh\n${script}\n`);
  await chmod(join(path, 'xdg-open'), 0o755);
  return { DISPLAY: ':0', PATH: path };
}

describe('the opener', () => {
  it.each([
    ['linux', { DISPLAY: ':0' }, 'xdg-open'],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, 'xdg-open'],
    ['darwin', {}, 'open'],
    ['win32', {}, 'rundll32.exe'],
  ] as const)('on %s with %j is %s, and the address one parameter of its own', (platform, environment, command) => {
    expect(openerFor(ADDRESS, platform, environment)).toMatchObject({
      command,
      parameters: expect.arrayContaining([ADDRESS]) as string[],
    });
  });

  it.each([{}, { DISPLAY: '' }])('is none on Linux with %j', (environment) => {
    expect(openerFor(ADDRESS, 'linux', environment)).toBe('there is no display');
  });
});

describe('opening', () => {
  it('hands the address over as it is', async () => {
    const environment = await withOpener('good', `printf '%s\\n' "$@" > ${join(folder, 'told')}`);
    expect(await openInBrowser(ADDRESS, 'linux', environment)).toBeUndefined();
    expect(await readFile(join(folder, 'told'), 'utf8')).toBe(`${ADDRESS}\n`);
  });

  it('tells when the opener fails', async () => {
    expect(await openInBrowser(ADDRESS, 'linux', await withOpener('bad', 'exit 3'))).toBe('xdg-open failed');
  });

  it('tells when there is no opener', async () => {
    expect(await openInBrowser(ADDRESS, 'linux', { DISPLAY: ':0', PATH: join(folder, 'nowhere') })).toBe(
      'xdg-open is not installed',
    );
  });

  it('does not wait for a browser that runs in the opener’s place', async () => {
    const pid = join(folder, 'pid');
    const environment = await withOpener('browser', `echo $$ > ${pid}; exec /bin/sleep 60`);
    const patience = new AbortController();
    const opening = openInBrowser(ADDRESS, 'linux', environment, patience.signal);
    await vi.waitFor(async () => expect(await readFile(pid, 'utf8')).toMatch(/^\d+\n$/), { timeout: 10_000, interval: 5 });
    patience.abort();
    expect(await opening).toBeUndefined();
    process.kill(Number(await readFile(pid, 'utf8')), 'SIGKILL');
  });
});
