/** What people are told of a program that connects: by the file that it runs, and not by what it calls itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KnownPrograms } from './known-programs.ts';
import { peerOfProcess, type UnixPeer } from './peer.ts';

const uid = process.getuid?.() ?? 0;
let root: string;
let applications: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'kortd-peer-')));
  applications = join(root, 'applications');
  mkdirSync(applications, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program that does nothing, as another file. */
function install(name: string): string {
  const path = join(root, name);
  copyFileSync(realpathSync('/bin/sleep'), path);
  chmodSync(path, 0o755);
  return path;
}

function describeProgram(exec: string, more = ''): void {
  const text = `[Desktop Entry]\nType=Application\nName=The Browser\n${more}Exec=${exec} %u\n`;
  writeFileSync(join(applications, 'browser.desktop'), text, { mode: 0o644 });
}

/** It calls itself what it likes. */
async function peerOf(path: string, whileItRuns: () => void = () => undefined): Promise<UnixPeer & { readonly pid: number }> {
  const child = spawn(path, ['60'], { argv0: 'firefox', stdio: 'ignore' });
  await once(child, 'spawn');
  whileItRuns();
  const pid = child.pid ?? 0;
  const known = new KnownPrograms({ folders: [applications], commandFolders: [root], owner: uid });
  try {
    return { pid, ...peerOfProcess({ pid, uid }, known) };
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}

it('a program that a .desktop file names has that name, with its file and process beside it for those who decide', async () => {
  const path = install('browser');
  describeProgram(path);
  const { pid, name, fullName } = await peerOf(path);
  expect([name, fullName]).toEqual([`The Browser (process ${pid})`, `The Browser (${path}, process ${pid})`]);
  describeProgram(path, 'Name[sv]=Webbläsaren\n');
  const both = await peerOf(path);
  expect(both.fullName).toBe(`The Browser / Webbläsaren (${path}, process ${both.pid})`);
});

it('any other has the name of its file, whatever it calls itself', async () => {
  const path = install('other');
  describeProgram(install('browser'));
  const { pid, name, fullName } = await peerOf(path);
  expect([name, fullName]).toEqual([`other (process ${pid})`, `other (${path}, process ${pid})`]);
});

it('a program whose file is another by then has no file that stands for it', async () => {
  const path = install('browser');
  describeProgram(path);
  const { fullName } = await peerOf(path, () => {
    renameSync(install('other'), path);
  });
  expect(fullName).toBeUndefined();
});

it('a long path, and one with brackets and lines, is told in one line that shows where it begins and ends', async () => {
  const folder = join(root, 'Firefox (usr', 'x\ny'.repeat(60));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'a (b)');
  copyFileSync(realpathSync('/bin/sleep'), path);
  chmodSync(path, 0o755);
  const { pid, fullName = '' } = await peerOf(path);
  expect(fullName).toMatch(new RegExp(`^a _b_ \\(${root.slice(0, 10)}.*….*a \\(b\\), process ${pid}\\)$`));
  expect(fullName.length).toBeLessThanOrEqual(200);
});

it('a process that is gone is a program', () => {
  expect(peerOfProcess({ pid: 2 ** 22 + 1, uid: 0 })).toEqual({ user: '0', name: `program (process ${2 ** 22 + 1})` });
});
