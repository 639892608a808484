import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ConsentPrompt } from '../prompt.ts';
import { withProgramName } from './program-name.ts';

const promptOf = (asker: ConsentPrompt['asker']): ConsentPrompt => ({ kind: 'consent', asker, scopes: ['sign'], code: 'K7' });

it.each(['program', 'firefox', 'a (process 1)'])(
  'a program that the daemon could not see, and that calls itself "%s", is named by its file',
  async (word) => {
    const child = spawn('sleep', ['60'], { argv0: 'firefox', stdio: 'ignore' });
    await once(child, 'spawn');
    const { pid = 0 } = child;
    try {
      const { name } = withProgramName(promptOf({ kind: 'program', name: `${word} (process ${pid})` })).asker;
      expect(name).toBe(`sleep (${realpathSync('/bin/sleep')}, process ${pid})`);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  },
);

it.each([
  ['a page', { kind: 'origin', name: `page (process ${process.pid})` }],
  ['a program that the daemon saw', { kind: 'program', name: `x (/usr/bin/x, process ${process.pid})` }],
  ['a process that is gone', { kind: 'program', name: `program (process ${2 ** 22 + 1})` }],
  ['no process', { kind: 'program', name: 'program' }],
  ['no number', { kind: 'program', name: 'program (process 1/../self)' }],
] as const)('what the daemon says of %s stays', (_, asker) => {
  const prompt = promptOf(asker);
  expect(withProgramName(prompt)).toBe(prompt);
});
