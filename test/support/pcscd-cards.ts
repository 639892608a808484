/**
 * Which cards pcscd has noticed. It looks at each reader every 400 ms, and counts what came and went there (the upper half of a reader's state): what it has at its first
 * look is not counted. When a program's last exchange with a card broke off, the state says "empty" before that is counted, and a card that is put in then is never seen.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SCARD_STATE_EMPTY, SCARD_STATE_PRESENT } from '../../drivers/pcsc/constants.ts';
import { connectPcscd } from '../../drivers/pcsc/pcscd-winscard.ts';
import type { ReaderEvent } from '../../drivers/pcsc/reader-state.ts';

/** By reader: whether an even number tells of a card. */
export type CardCounts = ReadonlyMap<string, boolean>;

const EMPTY_DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 20;

/** Undefined until pcscd has looked at every reader. */
export async function countCards(): Promise<CardCounts | undefined> {
  const events = await look();
  const isSeen = ({ eventState }: ReaderEvent): boolean => (eventState & (SCARD_STATE_EMPTY | SCARD_STATE_PRESENT)) !== 0;
  if (events.length === 0 || !events.every(isSeen)) return undefined;
  return new Map(events.map((event) => [event.name, isPresent(event) !== isOdd(event)]));
}

/** Resolves when pcscd has counted that each card is gone. */
export async function untilEmpty(counts: CardCounts): Promise<void> {
  const deadline = performance.now() + EMPTY_DEADLINE_MS;
  for (;;) {
    const isTaken = (event: ReaderEvent): boolean => isPresent(event) || isOdd(event) !== counts.get(event.name);
    const taken = (await look()).filter(isTaken).map(({ name }) => name);
    if (taken.length === 0) return;
    if (performance.now() > deadline) throw new Error(`waiting for pcscd to see that cards are gone: ${taken.join(', ')}`);
    await pause(LOOK_AGAIN_MS);
  }
}

function isPresent({ eventState }: ReaderEvent): boolean {
  return (eventState & SCARD_STATE_PRESENT) !== 0;
}

function isOdd({ eventState }: ReaderEvent): boolean {
  return (eventState >>> 16) % 2 === 1;
}

async function look(): Promise<readonly ReaderEvent[]> {
  const winscard = connectPcscd({});
  try {
    const { context } = await winscard.establishContext();
    const { names } = await winscard.listReaders(context);
    const queries = names.map((name) => ({ name, currentState: 0 }));
    return (await winscard.getStatusChange(context, 0, queries)).events;
  } finally {
    winscard.close();
  }
}
