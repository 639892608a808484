/**
 * Between a core and its front, within the frames of p11-kit's protocol: an answer that holds until the core says otherwise carries one byte of options, which
 * stock clients have no use for and are never sent; and a frame without a call says that none holds any more.
 */
import type { CallName } from './calls.ts';
import { encodeFrame, type Frame } from './frame.ts';

/** Asked for again and again, and answered from the state of the client alone (NSS asks for the session before each use of it). */
export const LASTING: ReadonlySet<CallName | undefined> = new Set<CallName | undefined>([
  'C_GetInfo',
  'C_GetSessionInfo',
] satisfies CallName[]);

/** The options of an answer that holds. */
export const HOLDS = Uint8Array.of(1);

/** Clients count their calls from 16 on (p11-kit/rpc-client.c); 1 is the C_Initialize that a next core is told. */
const ENDED_CODE = 2;

export function holds({ options }: Frame): boolean {
  return options.length > 0;
}

/** Of all answers to this client that were said to hold, none does. */
export function encodeEnded(): Uint8Array {
  return encodeFrame(ENDED_CODE, () => undefined);
}

export function isEnded({ code }: Frame): boolean {
  return code === ENDED_CODE;
}
