import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PromptProgramMissingError } from '../errors.ts';
import { findProgram, type Environment } from './find-program.ts';

const all = (): Promise<boolean> => Promise.resolve(true);
const none = (): Promise<boolean> => Promise.resolve(false);

describe('findProgram', () => {
  it.each<[Environment, string]>([
    [{ DISPLAY: ':0', XDG_CURRENT_DESKTOP: 'ubuntu:GNOME', GPG_TTY: '/dev/pts/1' }, 'pinentry-gnome3'],
    [{ WAYLAND_DISPLAY: 'wayland-0', XDG_CURRENT_DESKTOP: 'KDE' }, 'pinentry-qt'],
    [{ WAYLAND_DISPLAY: '', DISPLAY: ':0', XDG_CURRENT_DESKTOP: 'XFCE' }, 'pinentry-gtk-2'],
    [{ GPG_TTY: '/dev/pts/1' }, 'pinentry-curses'],
    [{ GPG_TTY: '/dev/pts/1', PATH: '/tmp/evil' }, 'pinentry-curses'],
  ])('for %j, with everything installed, takes %s from the system folder', async (environment, name) => {
    expect(await findProgram({ environment, isProgram: all })).toBe(`/usr/bin/${name}`);
  });

  it('takes what is installed when the first choice is not', async () => {
    const only = (name: string) => (path: string) => Promise.resolve(path === `/usr/bin/${name}`);
    const environment = { DISPLAY: ':0', XDG_CURRENT_DESKTOP: 'GNOME', GPG_TTY: '/dev/pts/1' };
    expect(await findProgram({ environment, isProgram: only('pinentry-qt') })).toBe('/usr/bin/pinentry-qt');
    expect(await findProgram({ environment, isProgram: only('pinentry-tty') })).toBe('/usr/bin/pinentry-tty');
  });

  it.each<[Environment, string]>([
    [{ DISPLAY: ':0', XDG_CURRENT_DESKTOP: 'GNOME' }, 'pinentry-gnome3'],
    [{ DISPLAY: ':0' }, 'pinentry-gtk2'],
    [{ GPG_TTY: '/dev/pts/1' }, 'pinentry-curses'],
    [{}, 'pinentry-curses'],
  ])('for %j, with nothing installed, names the Debian package %s', async (environment, debianPackage) => {
    const found = findProgram({ environment, isProgram: none });
    await expect(found).rejects.toBeInstanceOf(PromptProgramMissingError);
    await expect(found).rejects.toMatchObject({ debianPackage, message: expect.stringContaining(debianPackage) as string });
  });

  it('tries nothing else when a program is configured', async () => {
    const environment = { GPG_TTY: '/dev/pts/1' };
    expect(await findProgram({ environment, configured: '/opt/pinentry-x', isProgram: all })).toBe('/opt/pinentry-x');
    const isProgram = (path: string): Promise<boolean> => Promise.resolve(path !== '/opt/pinentry-qt');
    await expect(findProgram({ environment, configured: '/opt/pinentry-qt', isProgram })).rejects.toMatchObject({
      debianPackage: 'pinentry-qt',
    });
    await expect(findProgram({ environment, configured: 'pinentry', isProgram: all })).rejects.toBeInstanceOf(
      PromptProgramMissingError,
    );
  });

  it('refuses a configured file that is no program, or that everybody can change', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kortd-pinentry-'));
    try {
      const configured = join(folder, 'program');
      await writeFile(configured, '#!/bin/sh\n');
      for (const [mode, fine] of [
        [0o755, true],
        [0o644, false],
        [0o757, false],
      ] as const) {
        await chmod(configured, mode);
        const found = findProgram({ environment: {}, configured });
        if (fine) expect(await found).toBe(configured);
        else await expect(found).rejects.toBeInstanceOf(PromptProgramMissingError);
      }
      await expect(findProgram({ environment: {}, configured: folder })).rejects.toBeInstanceOf(PromptProgramMissingError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
