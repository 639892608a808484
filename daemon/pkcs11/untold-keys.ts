/**
 * Keys that have no certificate yet: cards tell of them when they are asked for each, which the daemon does not do when it gets to know a card. Programs see no key
 * without its public half, so that for them it is done, once for what was read of a card.
 */
import type { TokenContents, TokenKey } from '../../apdu/token.ts';
import type { CardReading, CardSession } from '../desk/card-session.ts';

const asked = new WeakSet<TokenContents>();

/** Of the places that say what kind their key is of. */
export function hasUntoldKeys(contents: TokenContents): boolean {
  return !asked.has(contents) && contents.keys.some((key) => isUntold(key, contents));
}

export async function readCompletely(session: CardSession): Promise<CardReading> {
  const reading = await session.read();
  const { contents } = reading;
  if (!hasUntoldKeys(contents)) return reading;
  const token = await session.token();
  const keys: TokenKey[] = [];
  for (const key of contents.keys) keys.push(isUntold(key, contents) ? { ...key, ...(await token.key(key.keyReference)) } : key);
  const isTold = keys.some((key, index) => key.publicKey && !contents.keys[index]?.publicKey);
  if (isTold) await session.remember({ ...contents, keys });
  const complete = session.card.contents ?? contents;
  asked.add(complete);
  return { ...reading, contents: complete };
}

function isUntold({ algorithm, publicKey, keyReference }: TokenKey, { certificates }: TokenContents): boolean {
  return algorithm !== undefined && !publicKey && !certificates.some((one) => one.keyReference === keyReference);
}
