/** Unix sockets that take a place over: made beside it and renamed into it, so that no program ever finds nobody there. */
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';

/** As many as may be there at once (`MAX_CLIENTS`): a crowd that comes together must not have to knock again. */
const BACKLOG = 1_024;

/** Where a server listens. */
export interface SocketPlace {
  readonly path: string;
  /** 0o600: for its user alone; 0o660: for the members of its group as well. */
  readonly mode: 0o600 | 0o660;
}

export interface BoundSocket extends Disposable {
  /** Whether the place is still this server's: another may have taken it over. */
  isOurs(): boolean;
}

/** Disposal takes the file away while it is this server's; the server itself is the caller's to close. */
export async function bindOver(server: Server, { path, mode }: SocketPlace): Promise<BoundSocket> {
  const fresh = `${path}~`;
  rmSync(fresh, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: fresh, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(fresh, mode);
  const { ino } = lstatSync(fresh);
  renameSync(fresh, path);
  const isOurs = (): boolean => lstatSync(path, { throwIfNoEntry: false })?.ino === ino;
  return {
    isOurs,
    [Symbol.dispose]: () => {
      if (isOurs()) rmSync(path, { force: true });
    },
  };
}
