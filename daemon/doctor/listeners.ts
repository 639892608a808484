/** Which program listens on a TCP port of this machine, as far as this user may know (proc_net(5), proc_pid_fd(5)). */
import type { Look } from './look.ts';

export interface Listener {
  readonly port: number;
  readonly uid: number;
  /** Undefined where this user may not look into the process. */
  readonly program?: string;
  readonly pid?: number;
}

/** TCP_LISTEN, include/net/tcp_states.h. */
const LISTENING = '0A';
const MAX_DESCRIPTORS = 4_096;

interface Row {
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

/** One for each port that is listened on; undefined where the system does not tell. */
export async function findListeners(look: Look, ports: readonly number[]): Promise<readonly Listener[] | undefined> {
  const tables = await Promise.all([look.readText('/proc/net/tcp'), look.readText('/proc/net/tcp6')]);
  if (tables.every(({ state }) => state !== 'seen')) return undefined;
  const rows = tables.flatMap((table) => (table.state === 'seen' ? rowsOf(table.value) : []));
  const wanted = ports.flatMap((port) => rows.find((row) => row.port === port) ?? []);
  return Promise.all(wanted.map(async ({ port, uid, inode }) => ({ port, uid, ...(await holderOf(look, inode)) })));
}

/** "0: 0100007F:6A0E 00000000:0000 0A … uid timeout inode". */
function rowsOf(table: string): readonly Row[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , uid, , inode = ''] = line.trim().split(/\s+/);
      const port = Number.parseInt(local.split(':')[1] ?? '', 16);
      return state === LISTENING ? [{ port, uid: Number(uid), inode }] : [];
    });
}

async function holderOf(look: Look, inode: string): Promise<{ readonly program?: string; readonly pid?: number }> {
  const processes = await look.processes();
  if (processes.state !== 'seen') return {};
  for (const { pid, name } of processes.value.toReversed()) {
    if (look.signal.aborted) return {};
    if (await hasSocket(look, pid, inode)) return { program: name, pid };
  }
  return {};
}

async function hasSocket(look: Look, pid: number, inode: string): Promise<boolean> {
  const names = await look.list(`/proc/${pid}/fd`);
  if (names.state !== 'seen') return false;
  const links = await Promise.all(names.value.slice(0, MAX_DESCRIPTORS).map((name) => look.readLink(`/proc/${pid}/fd/${name}`)));
  return links.some((link) => link.state === 'seen' && link.value === `socket:[${inode}]`);
}
