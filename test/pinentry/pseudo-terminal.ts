/** A terminal with nobody before it, made by util-linux `script`: what a program draws on it can be read, and keys can be pressed. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const DEADLINE_MS = 10_000;
const POLL_MS = 20;

export interface PseudoTerminal extends AsyncDisposable {
  /** What a program opens: /dev/pts/3. */
  readonly device: string;
  /** Everything that was drawn. */
  readonly screen: () => string;
  /** Resolves when something that matches was drawn since the last match. */
  waitFor(pattern: RegExp): Promise<void>;
  /** Waits until a dialog reads keys: before that, the terminal itself would show them, or take one for an interrupt. */
  press(keys: string): Promise<void>;
  /** Whether the terminal shows what is typed, as it must when no dialog is open. */
  echoes(): boolean;
}

export async function openPseudoTerminal(): Promise<PseudoTerminal> {
  const script = spawn('script', ['-qfc', 'stty cols 100 rows 40; tty; exec sleep 120', '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let drawn = '';
  let seen = 0;
  script.stdout.on('data', (chunk: Buffer) => (drawn += chunk.toString()));
  const waitFor = async (pattern: RegExp): Promise<void> => {
    await until(
      () => pattern.test(drawn.slice(seen)),
      () => `${pattern} on the terminal, which shows ${JSON.stringify(drawn.slice(seen))}`,
    );
    seen += drawn.slice(seen).search(pattern) + (pattern.exec(drawn.slice(seen))?.[0].length ?? 0);
  };
  await waitFor(/\/dev\/pts\/\d+\s/);
  const device = /\/dev\/pts\/\d+/.exec(drawn)?.[0] ?? '';
  return {
    device,
    screen: () => drawn,
    waitFor,
    press: async (keys) => {
      await until(
        () => !modesOf(device).includes(' echo ') || !modesOf(device).includes(' icanon '),
        () => 'a dialog that reads keys',
      );
      script.stdin.write(keys);
    },
    echoes: () => modesOf(device).includes(' echo '),
    [Symbol.asyncDispose]: () => end(script),
  };
}

/** Process ids of the children of `parent` that run this program. Linux. */
export function childrenRunning(program: string, parent = process.pid): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => {
      const stat = statOf(id);
      return stat.name === program.slice(0, 15) && stat.parent === parent;
    })
    .map(Number);
}

/** Whether a process is there and more than a zombie. */
export function isRunning(processId: number): boolean {
  return !['', 'Z', 'X'].includes(statOf(String(processId)).state);
}

export async function until(holds: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what()}`);
    await delay(POLL_MS);
  }
}

function modesOf(device: string): string {
  return execFileSync('stty', ['-F', device, '-a'], { encoding: 'utf8' }).replaceAll(/\s/g, ' ');
}

/** proc(5), /proc/pid/stat: id, name in parentheses, state, parent. */
function statOf(processId: string): { readonly name: string; readonly state: string; readonly parent: number } {
  let text = '';
  try {
    text = readFileSync(`/proc/${processId}/stat`, 'latin1');
  } catch {
    // Gone between the listing and the reading: it has no name and no parent.
  }
  const match = /\((.*)\) (\S) (\d+)/s.exec(text);
  return { name: match?.[1] ?? '', state: match?.[2] ?? '', parent: Number(match?.[3] ?? -1) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
