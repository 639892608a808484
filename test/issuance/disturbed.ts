/** What every disturbance must leave as it was: the journal whole, and the card untouched. And a web page as a caller. */
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ErrorCode, WireError } from '../../api-spec/errors.ts';
import { Journal, type JournalEntry } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { errorOf, http, type Answer, type Bench } from '../api/support.ts';
import type { Office, OfficeCard } from './office.ts';

/** Its chain of hashes is checked by reading it. */
export function journalOf({ bench }: Pick<Office, 'bench'>, ceremony: string): readonly JournalEntry[] {
  using journal = new Journal(join(bench.dataFolder, ISSUANCE_JOURNAL_FILE));
  return journal.entriesOf(ceremony);
}

/** All that the card keeps, but for the tries of its PINs. */
export function contentOf(card: OfficeCard): object {
  const { pins, ...content } = structuredClone(card.inner.state());
  return { ...content, pins: Object.values(pins).map(({ block }) => block) };
}

/** The call is refused with this code, and with what stands in its text; nothing was written, to the journal or the card. */
export async function expectRefused(
  office: Office,
  ceremony: string,
  refused: { readonly call: () => Promise<Answer>; readonly code: ErrorCode; readonly says?: string | RegExp },
): Promise<WireError> {
  const cards = Object.values(office.cards);
  const before = { journal: journalOf(office, ceremony), cards: cards.map(contentOf) };
  const error = errorOf(await refused.call());
  expect(error.code, error.message).toBe(refused.code);
  if (refused.says !== undefined) for (const text of [error.en, error.sv]) expect(text).toMatch(refused.says);
  expect({ journal: journalOf(office, ceremony), cards: cards.map(contentOf) }).toEqual(before);
  return error;
}

/** A page that a policy file lets in, with these scopes. */
export async function openPage({ port }: Bench, origin: string, scopes: readonly string[]): Promise<PageCalls> {
  const send = async (path: string, body: object, token?: string): Promise<unknown> => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const headers = { host: `127.0.0.1:${port}`, origin, 'content-type': 'application/json', ...authorization };
    const { text } = await http({ port, method: 'POST', path, headers, body: JSON.stringify(body) });
    return JSON.parse(text);
  };
  const { token } = (await send('/v1/access/request', { scopes })) as { readonly token: string };
  return async (path, body) => {
    const answer = await send(path, body, token);
    return typeof answer === 'object' && answer !== null && 'error' in answer
      ? { error: answer.error as WireError }
      : { result: answer };
  };
}
export type PageCalls = (path: string, body: object) => Promise<Answer>;
