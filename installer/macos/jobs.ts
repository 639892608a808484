/**
 * The jobs of launchd, from the same description as the systemd unit: the daemon of the machine, as its own user, and the agent of each session, which asks for PINs.
 * Keys: launchd.plist(5).
 */
import { dirname } from 'node:path/posix';
import { build, type PlistValue } from 'plist';
import { MACOS_SERVICE_SOCKET } from '../../daemon/data-folder.ts';
import { payloadPaths, product } from '../product.ts';

const { service, nodeFlags } = product;

/** Reverse domain name, as launchd wants it; `example` is reserved: whoever signs puts their own in its place. */
export const IDENTIFIER = 'example.kortd';
export const FOLDERS = {
  program: '/Library/kortd',
  state: '/Library/Application Support/kortd/state',
  policies: '/Library/Application Support/kortd/policy.d',
  log: '/Library/Logs/kortd',
  /** One inside for each group of people that has a socket. */
  sockets: dirname(dirname(MACOS_SERVICE_SOCKET)),
  /** Of the members of the service's group. */
  deskSocket: dirname(MACOS_SERVICE_SOCKET),
} as const;
/** Accounts of services begin with _ (macOS, dscl). */
export const ACCOUNT = `_${service.user}`;
/** Of a property list: Unix modes are decimal there. */
const UMASK = 0o077;

export interface Job {
  /** Absolute, on the Mac. */
  readonly path: string;
  readonly plist: Readonly<Record<string, PlistValue>>;
}

export const DAEMON_JOB: Job = {
  path: `/Library/LaunchDaemons/${IDENTIFIER}.plist`,
  plist: {
    Label: IDENTIFIER,
    ProgramArguments: [
      ...program(),
      'serve',
      '--data-dir',
      FOLDERS.state,
      '--policy-dir',
      FOLDERS.policies,
      '--user-sockets',
      FOLDERS.sockets,
    ],
    UserName: ACCOUNT,
    GroupName: ACCOUNT,
    RunAtLoad: true,
    // Started again when it fails, not when it was told to stop.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: service.restartSeconds,
    ExitTimeOut: service.stopSeconds,
    Umask: UMASK,
    ProcessType: 'Interactive',
    SoftResourceLimits: { NumberOfFiles: 4_096, Core: 0 },
    HardResourceLimits: { Core: 0 },
    StandardOutPath: '/dev/null',
    StandardErrorPath: `${FOLDERS.log}/kortd.log`,
  },
};

export const AGENT_JOB: Job = {
  path: `/Library/LaunchAgents/${IDENTIFIER}.agent.plist`,
  plist: {
    Label: `${IDENTIFIER}.agent`,
    ProgramArguments: [...program(), 'agent', '--socket', MACOS_SERVICE_SOCKET],
    LimitLoadToSessionType: 'Aqua',
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ProcessType: 'Interactive',
  },
};

export function plistText({ plist }: Job): string {
  return `${build({ ...plist })}\n`;
}

function program(): string[] {
  const [runtime, main] = [payloadPaths.runtime('darwin'), payloadPaths.main].map((path) => `${FOLDERS.program}/${path}`);
  return [runtime ?? '', ...nodeFlags, main ?? ''];
}
