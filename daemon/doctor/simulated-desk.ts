/** A daemon on a simulated desk uses no PC/SC and no devices: what is wrong with those is nothing to it. */
import type { Look } from './look.ts';

export async function isDeskSimulated(look: Look): Promise<boolean> {
  const daemon = await look.daemon();
  return daemon.state === 'running' && daemon.info.simulated;
}
