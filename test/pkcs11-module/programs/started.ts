/** Programs that run beside a test, and servers that they talk to, all ended with it by their own process ids. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../api/support.ts';

const START_MS = 10_000;

export interface Started extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it printed so far, standard error too. */
  readonly output: () => string;
}

export function startProgram(
  command: readonly string[],
  { environment, folder }: { readonly environment: object; readonly folder: string },
): Started {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, { stdio: 'pipe', cwd: folder, env: { ...process.env, ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (output += piece.toString()));
  child.stdin.on('error', () => undefined); // it may end without reading
  return {
    child,
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await within(ended, `the end of ${program}`);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

export async function untilAnswers(place: Place): Promise<void> {
  const end = performance.now() + START_MS;
  while (!(await answers(place))) {
    if (performance.now() > end) throw new Error(`nothing answers at ${JSON.stringify(place)}`);
    await delay(20);
  }
}

async function answers(place: Place): Promise<boolean> {
  const socket = connect(place);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // it is not there yet
  } finally {
    socket.destroy();
  }
}
