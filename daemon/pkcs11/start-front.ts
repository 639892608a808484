/**
 * Starts the front's program, apart from the daemon, and hands it connections that programs have opened: the system passes them on as they are, and the program at
 * the other end notices nothing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { NODE_FLAGS } from '../hardening/node-flags.ts';
import { encodeFrontSettings, encodeHandOver, type FrontSettings } from './front-settings.ts';

/** It holds a few connections: little memory, and few threads. */
const FLAGS = [
  ...NODE_FLAGS.filter((flag) => !flag.startsWith('--max-')),
  '--max-semi-space-size=1',
  '--max-old-space-size=192',
  '--v8-pool-size=0',
];
const START_MS = 15_000;

export interface StartedFront extends Disposable {
  readonly pid: number;
  /** The daemon has it no more when this returns. */
  give(socket: Socket, read: Uint8Array): void;
  /** Resolves when all that was given is there: disposal before would lose it. */
  allTaken(): Promise<void>;
}

/** Rejects when it does not listen in time; it is ended then. */
export async function startFront(settings: FrontSettings): Promise<StartedFront> {
  const child = spawn(process.execPath, [...FLAGS, programPath(), encodeFrontSettings(settings)], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
  });
  const ended = once(child, 'exit').then(([status, signal]) => {
    throw new Error(`starting the front: it ended (${String(signal ?? status)})`);
  });
  try {
    await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(START_MS) }), ended]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  ended.catch(() => undefined); // its connection ends too, and that is watched
  child.unref();
  child.channel?.unref();
  return handOver(child);
}

function handOver(child: ChildProcess): StartedFront {
  const waiting = new Map<number, PromiseWithResolvers<undefined>>();
  let last = 0;
  child.on('message', (message: { readonly taken?: number }) => {
    if (message.taken !== undefined) waiting.get(message.taken)?.resolve(undefined);
  });
  const settle = (): void => {
    for (const taken of waiting.values()) taken.resolve(undefined);
  };
  child.on('disconnect', settle);
  child.on('error', settle);
  return {
    pid: child.pid ?? 0,
    give: (socket, read) => {
      const number = ++last;
      waiting.set(number, Promise.withResolvers());
      child.send(encodeHandOver({ number, read }), socket, {}, (error) => {
        if (error) waiting.get(number)?.resolve(undefined);
      });
    },
    allTaken: async () => {
      await Promise.all([...waiting.values()].map(({ promise }) => promise));
      waiting.clear();
    },
    [Symbol.dispose]: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** Beside this file as it is written, or beside the bundle. */
function programPath(): string {
  const source = join(import.meta.dirname, 'front-process.ts');
  return existsSync(source) ? source : join(import.meta.dirname, 'pkcs11-front.js');
}
