/** `kortd agent`: shows the daemon's trusted prompts in a person's session, until SIGTERM or SIGINT. A systemd user unit runs it. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pino from 'pino';
import { defaultDataFolder } from '../data-folder.ts';
import { hardenProcess } from '../hardening/harden-process.ts';
import { readKnownPrograms } from '../listen/peer.ts';
import type { Log } from '../log.ts';
import { runAgent } from '../prompt/agent/agent.ts';
import { languageOf } from '../prompt/agent/language.ts';
import { withProgramName } from '../prompt/agent/program-name.ts';
import { trustedUsers } from '../prompt/agent/trusted-socket.ts';
import type { Show } from '../prompt/agent/daemon-connection.ts';
import { findProgram, type Environment } from '../prompt/pinentry/find-program.ts';
import { showPrompt } from '../prompt/pinentry/show-prompt.ts';
import { findService } from '../service/where.ts';
import { printResult } from './output.ts';

export interface AgentFlags {
  readonly dataDir: string;
  /** Path of the daemon's Unix socket, in place of the one that the data folder tells. */
  readonly socket?: string;
  /** Absolute path of a pinentry program, in place of the one that suits the session. */
  readonly pinentry?: string;
}

/** Throws UntrustedSocketError, and PromptProgramMissingError for a program that is named and not there. */
export async function runAgentCommand({ dataDir, socket, pinentry }: AgentFlags): Promise<void> {
  const environment = { ...ownTerminal(), ...process.env };
  const log = pino({ base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  readKnownPrograms();
  await hardenProcess(log);
  const find = (): Promise<string> => findProgram({ environment, ...(pinentry === undefined ? {} : { configured: pinentry }) });
  if (pinentry === undefined) await warnIfMissing(find, log);
  else await find();
  const { socket: ofService } = await findService({});
  let isReady = false;
  await runAgent({
    socketPath: () => socket ?? socketFor(dataDir, ofService),
    trustedUsers: trustedUsers(),
    show: showWith(find, environment),
    log,
    signal: stop.signal,
    onConnected: () => {
      if (!isReady) printResult('kortd agent ready');
      isReady = true;
    },
  });
}

/** One that is installed later is found when a prompt comes. */
async function warnIfMissing(find: () => Promise<string>, log: Log): Promise<void> {
  try {
    await find();
  } catch (error) {
    log.warn({ problem: error instanceof Error ? error.message : String(error) }, 'there is no way to show a prompt');
  }
}

function showWith(find: () => Promise<string>, environment: Environment): Show {
  const language = languageOf(environment);
  return async (prompt, options) =>
    showPrompt(withProgramName(prompt), { ...options, language, environment, program: await find() });
}

/** The terminal that the agent runs in, for programs that show a prompt there. */
function ownTerminal(): { readonly GPG_TTY?: string } {
  if (process.platform !== 'linux' || !process.stdin.isTTY) return {};
  return { GPG_TTY: readlinkSync('/proc/self/fd/0') };
}

/** The installed service's where no folder was named and this user has no daemon of their own, as for every command. */
function socketFor(dataDir: string, ofService: string): string {
  const own = socketIn(dataDir);
  const isNamed = resolve(dataDir) !== resolve(defaultDataFolder());
  return isNamed || existsSync(own) || !existsSync(ofService) ? own : ofService;
}

/** The daemon tells in its folder; it is not there before the daemon ran. */
function socketIn(dataDir: string): string {
  try {
    const endpoint: unknown = JSON.parse(readFileSync(join(dataDir, 'endpoint.json'), 'utf8'));
    if (typeof endpoint === 'object' && endpoint !== null && 'socket' in endpoint && typeof endpoint.socket === 'string')
      return endpoint.socket;
  } catch {
    // No daemon has written it, or this user may not read it: the socket has its usual place then.
  }
  return join(dataDir, 'socket');
}
