/**
 * Names a program that the daemon could not look at: a service sees no processes of others. The agent runs as the person whose program it is, and sees which file it
 * runs; what it may not see stays as the daemon called it.
 */
import { peerOfProcess } from '../../listen/peer.ts';
import type { Prompt } from '../prompt.ts';

/** As the daemon names it without its file (listen/peer.ts): what stands before is the program's own word. */
const WITHOUT_FILE = /^[^/]* \(process ([1-9]\d{0,9})\)$/;

export function withProgramName<P extends Prompt>(prompt: P): P {
  const { kind, name } = prompt.asker;
  const [, pid] = (kind === 'program' && WITHOUT_FILE.exec(name)) || [];
  if (pid === undefined) return prompt;
  const { fullName } = peerOfProcess({ pid: Number(pid), uid: process.getuid?.() ?? 0 });
  return fullName === undefined ? prompt : { ...prompt, asker: { kind, name: fullName } };
}
