/** Whose word counts: once the policy names trust anchors, only certificates that chain to one say who the holder of a card is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import personas from '../../drivers/simulated/cards/eid/personas.json' with { type: 'json' };
import { certificateFor, outcomeOf, testKey, type Bench } from '../api/support.ts';
import { POLICY, makeCards, openRoleBench } from './desk.ts';

function writePem(bench: Bench, name: string, der: Buffer): string {
  const file = join(bench.dataFolder, name);
  const body = der.toString('base64').replace(/(.{64})/g, '$1\n');
  writeFileSync(file, `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`, { mode: 0o600 });
  return file;
}

const ownRoot = (bench: Bench): string => {
  const root = personas.authorities.find(({ name }) => name.includes('Root'));
  return writePem(bench, 'root.pem', Buffer.from(root?.certificate ?? '', 'base64'));
};

const brokenFile = (bench: Bench): string =>
  writePem(bench, 'broken.pem', Buffer.from(certificateFor(testKey('P-256').publicKey), 'base64'));

async function readAsHolder(bench: Bench, identity: object): Promise<string> {
  await bench.setPolicy({ ...POLICY, identity });
  const api = await bench.socket();
  return outcomeOf(await api.call('card.read', { card: { role: 'holder' } }));
}

describe('the holder of a card, in rules', () => {
  it('is who its certificates say where no trust anchor is named', async () => {
    await using bench = await openRoleBench();
    const { anna, cecilia } = makeCards();
    await bench.insert(cecilia, 0);
    await bench.insert(anna, 1);
    expect(await readAsHolder(bench, {})).toBe('ok');
  });

  it.each([
    ['chain to it', ownRoot, 'ok'],
    ['do not, the file of the anchor being none', brokenFile, 'card_not_allowed'],
    ['do not, the file of the anchor being away', () => '/nowhere/root.pem', 'card_not_allowed'],
  ])('with a trust anchor named, when its certificates %s', async (_, anchor, expected) => {
    await using bench = await openRoleBench();
    const { anna, cecilia } = makeCards();
    await bench.insert(cecilia, 0);
    await bench.insert(anna, 1);
    expect(await readAsHolder(bench, { trustAnchors: [anchor(bench)] })).toBe(expected);
  });

  it('is not known while a policy file is refused since the start that may hold rules', async () => {
    await using bench = await openRoleBench({ ...POLICY, identity: { trustAnchors: 'all' } });
    const { anna, cecilia } = makeCards();
    await bench.insert(cecilia, 0);
    await bench.insert(anna, 1);
    expect(await readAsHolder(bench, { trustAnchors: 'all' })).toBe('role_policy_refused');
    expect(await readAsHolder(bench, {})).toBe('ok');
  });

  it('is as it was after a reload that refused a policy file', async () => {
    await using bench = await openRoleBench();
    const { anna, cecilia } = makeCards();
    await bench.insert(cecilia, 0);
    await bench.insert(anna, 1);
    expect(await readAsHolder(bench, { trustAnchors: 'all' })).toBe('ok');
  });
});
