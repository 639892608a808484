/**
 * The program of the front (pkcs11-module/front): started by the daemon with the first program that uses PKCS #11, handed that program's connection, and then on its
 * own. PINs pass through it, so that it is as hard to look into as the daemon. It loads no more than it needs.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { peerCredentials } from '../../drivers/peer-credentials.ts';
import { forbidCoreDumps } from '../../drivers/process-limits.ts';
import { FRONT_TIMES, Front } from '../../pkcs11-module/front/front.ts';
import { FRONT_FILES, daemonOf } from '../data-folder.ts';
import { parseFrontSettings, parseHandOver } from './front-settings.ts';

const settings = parseFrontSettings(process.argv[2]);
forbidCoreDumps();
process.umask(0o077);
process.title = 'kortd-front';
const ownUid = process.getuid?.();

let isEnding = false;
const end = (): void => {
  if (isEnding) return;
  isEnding = true;
  void front[Symbol.asyncDispose]().then(() => process.exit(0));
};

const front = new Front({
  programs: settings.programs,
  ownPath: join(settings.folder, `${FRONT_FILES}${process.pid}`),
  version: settings.version,
  peerOf: peerCredentials,
  isCore: (peer) => peer === undefined || (peer.uid === ownUid && peer.pid === daemonOf(settings.folder)),
  times: { ...FRONT_TIMES, ...settings.times },
  onIdleEnd: end,
});

process.on('message', (message: unknown, socket: unknown) => {
  const { number, read } = parseHandOver(message);
  if (socket !== undefined) front.adopt(socket as Socket, read);
  process.send?.({ taken: number });
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
process.on('SIGHUP', () => undefined); // the terminal of the daemon is not this one's
await front.listen();
process.send?.({ ready: true });
