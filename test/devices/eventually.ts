/** Waits for what another process does, with a deadline that is an error. */
import { setTimeout as wait } from 'node:timers/promises';

export async function eventually(what: string, isSo: () => boolean, deadlineMs = 15_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await wait(5);
  }
}
