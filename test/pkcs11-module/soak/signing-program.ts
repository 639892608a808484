/** A program of its own that signs through p11-kit's client until it is told to stop, and each of its signatures verified here. */
import { spawn } from 'node:child_process';
import { verify, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tool } from '../../support/program.ts';
import { MODULE } from '../programs/tools.ts';

const SOURCE = join(import.meta.dirname, 'signing-program.c');

export interface SigningProgram {
  /** So many signatures so far, all of them right. */
  readonly count: () => number;
  /** How many signatures it made. Rejects with what went wrong. */
  stop(): Promise<number>;
}

export async function buildSigningProgram(folder: string): Promise<string> {
  const program = join(folder, 'signing-program');
  await tool('gcc', ['-O2', '-std=gnu11', '-Wall', '-o', program, SOURCE, '-ldl']);
  return program;
}

export interface SigningOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly pin: string;
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

/** Stopped by the caller. */
export function startSigning(program: string, { environment, pin, keyId, publicKey }: SigningOptions): SigningProgram {
  const child = spawn(program, [MODULE, pin, keyId], { env: { ...process.env, ...environment }, stdio: 'pipe' });
  const ended = once(child, 'close') as Promise<[number | null]>;
  let count = 0;
  let wrong: string | undefined;
  let complaint = '';
  child.stderr.on('data', (piece: Buffer) => (complaint += piece.toString()));
  child.stdin.on('error', () => undefined); // it may end before it is told to
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [message = '', signature = ''] = line.split(' ');
    const isRight = verify('sha256', Buffer.from(message, 'hex'), publicKey, Buffer.from(signature, 'hex'));
    if (isRight) count++;
    else wrong ??= line;
  });
  return {
    count: () => count,
    stop: async () => {
      child.stdin.end();
      const [status] = await ended;
      if (status !== 0) throw new Error(`the program ended with ${status} after ${count} signatures: ${complaint}`);
      if (wrong !== undefined) throw new Error(`a signature does not verify: ${wrong}`);
      return count;
    },
  };
}
