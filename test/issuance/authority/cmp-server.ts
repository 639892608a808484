/** OpenSSL's own CMP server (`openssl cmp -port`), on loopback. It answers every request with the certificate that it was started with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tool } from '../../support/program.ts';
import type { Pki } from '../../signing/pki.ts';

const START_DEADLINE_MS = 20_000;

export interface CmpServer extends AsyncDisposable {
  readonly url: string;
  /** What it told of the messages so far. */
  readonly log: () => string;
}

/** `parameters`: of openssl cmp, beside the port. */
export async function startCmpServer(pki: Pki, parameters: readonly string[]): Promise<CmpServer> {
  const preload = pki.path('loopback-bind.so');
  await tool('gcc', ['-shared', '-fPIC', '-o', preload, join(import.meta.dirname, 'loopback-bind.c'), '-ldl']);
  const child = spawn('openssl', ['cmp', '-config', '', '-port', '0', '-verbosity', '7', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LD_PRELOAD: preload },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const address = (): RegExpExecArray | null => /^ACCEPT (\S+):([0-9]+) PID=/m.exec(log);
  while (!address()) {
    if (child.exitCode !== null) throw new Error(`openssl cmp ended: ${log}`);
    await Promise.race([once(child.stdout, 'data', { signal: deadline }), once(child, 'exit')]);
  }
  const [, host = '', port = ''] = address() ?? [];
  if (!['[::1]', '127.0.0.1'].includes(host)) {
    await end();
    throw new Error(`openssl cmp listens on ${host}`);
  }
  return { url: `http://${host}:${port}/pkix/`, log: () => log, [Symbol.asyncDispose]: end };
}
