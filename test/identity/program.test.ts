/** The built program on the simulated office: whose cards they are, out of the box. */
import { expect, it } from 'vitest';
import { startProgram } from '../support/program.ts';

it('kortd serve --simulate office knows its operators, and trusts their certificates', async () => {
  await using daemon = await startProgram(['--simulate', 'office']);
  const { client } = daemon;
  const identities = [];
  for (const reader of ['Operator', 'Second Operator', 'Holder']) {
    const card = async (): Promise<string | undefined> =>
      (await client.call('reader.list', {})).readers.find(({ name }) => name === `Simulated ${reader} 00 00`)?.card;
    await expect.poll(card).toBeDefined();
    identities.push((await client.call('card.read', { card: (await card()) ?? '' })).identity);
  }
  expect(identities.map((one) => one && [one.name, one.assuranceLevel, one.isTrusted, one.problems])).toEqual([
    ['Anna Lindqvist', 'LoA3', true, []],
    ['Björn Åkesson', 'LoA3', true, []],
    undefined,
  ]);
});
