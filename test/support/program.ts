/** Runs the built program as users do: a daemon, or a simulated card behind pcscd, in a process of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect, type Client } from '../../api-spec/client/client.ts';
import { noteCallsOf, searchProgram } from '../evidence/evidence.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const LINE_DEADLINE_MS = 20_000;

export interface RunningDaemon extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly dataFolder: string;
  readonly client: Client;
  /** Resolves with what it logged when it has ended. */
  readonly log: () => string;
  /** Null while it runs, or when a signal ended it. */
  readonly exitStatus: () => number | null;
}

/** `kortd serve` with these arguments, on a data folder of its own; a client is connected. It says all it can, and when it ends no PIN may be in that. */
export async function startProgram(
  parameters: readonly string[],
  options: { readonly environment?: NodeJS.ProcessEnv } = {},
): Promise<RunningDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-data-'));
  const defaults = ['serve', '--port', '0', '--data-dir', folder, '--log-level', 'trace'];
  const child = spawn(process.execPath, [MAIN, ...defaults, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.environment ?? process.env,
  });
  let log = '';
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const line = await waitForLine(child, /^kortd ready (.*)$/m, () => log);
  const url = line[1] ?? '';
  const token = (await readFile(join(folder, 'token'), 'utf8')).trim();
  const client = noteCallsOf(await connect({ url, token }));
  return {
    url,
    pid: child.pid ?? 0,
    dataFolder: folder,
    client,
    log: () => log,
    exitStatus: () => child.exitCode,
    async [Symbol.asyncDispose]() {
      client.close();
      await end(child);
      try {
        searchProgram(folder, { log, output });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** `kortd simulate`: resolves when the card is in its slot. Disposing of it pulls the card. */
export async function insertSimulatedCard(port: number, state?: string, kind = 'piv'): Promise<AsyncDisposable> {
  const parameters = [
    'simulate',
    '--card',
    kind,
    '--vpcd',
    `127.0.0.1:${port}`,
    ...(state === undefined ? [] : ['--state', state]),
  ];
  const child = spawn(process.execPath, [MAIN, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await waitForLine(child, / is in /, () => log);
  return { [Symbol.asyncDispose]: () => end(child) };
}

/** Runs a tool to its end. Rejects with its output when its exit status is not 0. */
export async function tool(command: string, parameters: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, parameters, { timeout: 60_000 });
    return stdout + stderr;
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error && 'stdout' in error ? `${String(error.stdout)}${String(error.stderr)}` : '';
    throw new Error(`${command} ${parameters.join(' ')} failed: ${output}`, { cause: error });
  }
}

async function waitForLine(child: ChildProcess, pattern: RegExp, log: () => string): Promise<RegExpExecArray> {
  let text = '';
  const deadline = AbortSignal.timeout(LINE_DEADLINE_MS);
  for (;;) {
    if (!child.stdout) throw new Error('no standard output');
    const [chunk] = (await Promise.race([
      once(child.stdout, 'data', { signal: deadline }),
      once(child, 'exit').then(() => [undefined]),
    ])) as [Buffer | undefined];
    if (!chunk) throw new Error(`the program ended before it said ${pattern}: ${log()}`);
    text += chunk.toString();
    const match = pattern.exec(text);
    if (match) return match;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
