/** The worked example of ICAO Doc 9303-11, appendix D. */
import { expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { DocumentAccessError, SecureMessagingError } from '../../apdu/errors.ts';
import { performBac } from '../../apdu/icao9303/bac.ts';
import { drawing, workedCard } from './worked-card.ts';

const INFORMATION = 'L898902C<369080619406236';
const CHALLENGE = ['0084000008', '4608F91988702212 9000'] as const;
const QUESTION = '0082000028 72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2 5F1448EEA8AD90A7 28';
const ANSWER = '46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F 2F2D235D074D7449';
const drawn = (): ((length: number) => Uint8Array) => drawing('781723860C06C226', '0B795240CB7049B01C19B33E32804F0B');

it('gives the keys of the worked example', async () => {
  const session = await performBac(workedCard(CHALLENGE, [QUESTION, `${ANSWER} 9000`]), INFORMATION, drawn());
  expect(formatHex(session.encryptionKey)).toBe('979EC13B1CBFE9DCD01AB0FED307EAE5');
  expect(formatHex(session.macKey)).toBe('F1CB1F1FB5ADF208806B89DC579DC1F8');
  expect(formatHex(session.sequenceCounter)).toBe('887022120C06C226');
});

it.each(['6300', '6982', '63C2', '6A80'])('says that the zone is another one when the card answers %s', async (statusWord) => {
  const card = workedCard(CHALLENGE, [QUESTION, statusWord]);
  await expect(performBac(card, INFORMATION, drawn())).rejects.toThrow(DocumentAccessError);
});

it('takes no answer that was changed by a bit', async () => {
  for (const at of [0, 20, 39]) {
    const bytes = parseHex(ANSWER.replace(' ', ''));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const card = workedCard(CHALLENGE, [QUESTION, `${formatHex(bytes)} 9000`]);
    await expect(performBac(card, INFORMATION, drawn())).rejects.toThrow(SecureMessagingError);
  }
});
