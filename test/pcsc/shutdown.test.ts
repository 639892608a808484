/** The daemon on a card that never answers: it goes on, and it can be stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startPcscd } from '../support/pcscd.ts';
import { insertPlainCard } from '../support/plain-vpcd-card.ts';
import { startProgram } from '../support/program.ts';

const DEADLINE_MS = 20_000;

it('a card that never answers costs its caller a deadline, nobody else anything, and does not keep the daemon from ending', async () => {
  await using pcscd = await startPcscd(2);
  const [reader] = pcscd.readers;
  if (!reader) throw new Error('pcscd has no reader');
  await using card = await insertPlainCard(reader.port, { answer: () => new Promise<Uint8Array>(() => undefined) });
  const daemon = await startProgram([]);
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { cards } = await daemon.client.call('card.list');
    if (cards[0]) {
      await expect(daemon.client.call('card.read', { card: cards[0].id }, { timeoutMs: 300 })).rejects.toMatchObject({
        code: expect.stringMatching(/deadline_exceeded|card_unresponsive/) as string,
      });
      break;
    }
    if (Date.now() > deadline) throw new Error('the card was not seen');
    await delay(20);
  }
  await expect(daemon.client.call('system.info')).resolves.toMatchObject({ product: 'kortd' });
  const begin = performance.now();
  await daemon[Symbol.asyncDispose]();
  expect(performance.now() - begin).toBeLessThan(8_000);
  expect(daemon.exitStatus()).toBe(0);
  expect(card.commands.length).toBeGreaterThan(0);
});
