/** A screen that nobody sees, and the keyboard at it: for the questions that a browser asks in windows of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { within } from '../api/transports.ts';
import { noteTyped } from '../evidence/typed.ts';

const START_MS = 30_000;
const WINDOW_MS = 45_000;
const TOOL_MS = 15_000;

export interface Screen extends AsyncDisposable {
  /** DISPLAY. */
  readonly display: string;
  /** Types into the window of this name when it is there, and presses Return. */
  type(window: string, text: string): Promise<void>;
}

export async function openScreen(): Promise<Screen> {
  // The server chooses a number that is free, and tells it.
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const told = server.stdio[3];
  if (!told) throw new Error('starting Xvfb: it tells no number');
  const exited = once(server, 'exit').then((): never => {
    throw new Error('Xvfb ended');
  });
  exited.catch(() => undefined); // told to whoever waits
  const [number] = (await within(Promise.race([once(told, 'data'), exited]), 'starting Xvfb', START_MS)) as [Buffer];
  const display = `:${number.toString().trim()}`;
  const press = async (...parameters: readonly string[]): Promise<string> => {
    const env = { ...process.env, DISPLAY: display };
    const { stdout } = await promisify(execFile)('xdotool', parameters, { env, timeout: TOOL_MS });
    return stdout.trim();
  };
  return {
    display,
    type: async (window, text) => {
      noteTyped(text);
      const find = (): Promise<string> => press('search', '--onlyvisible', '--name', `^${window}$`).catch(() => '');
      await expect.poll(find, { timeout: WINDOW_MS, interval: 200 }).not.toBe('');
      await press('windowfocus', '--sync', await find(), 'type', text);
      await press('key', 'Return');
    },
    [Symbol.asyncDispose]: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      await ended;
    },
  };
}
