/** The audit log of a whole daemon: what its acts leave, over REST and WebSocket; and no PIN anywhere in its files. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAuditFile } from '../../daemon/audit/audit-file.ts';
import { AuditStore } from '../../daemon/audit/store.ts';
import { verifyChain } from '../../daemon/audit/verify.ts';
import {
  PIN,
  PUK,
  TRANSPORTS,
  WRONG_PIN,
  cardKey,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  watchedPivCard,
  type Bench,
} from '../api/support.ts';

const digest = Buffer.alloc(32, 9).toString('base64');
const NEW_PIN = '739154';
const MANAGEMENT_KEY = '0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F6071';

async function insert(bench: Bench): Promise<string> {
  return await bench.insert(watchedPivCard({ keys: { '9A': cardKey('P-256') } }));
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  it('each act leaves its record before it is answered, and nothing else does', async () => {
    await using bench = await openBench();
    const card = await insert(bench);
    const api = await bench.transport(transport);
    const { lease } = resultOf(await api.call('card.lease', { card, purpose: 'renewing' }));
    resultOf(await api.call('card.list', {}));
    resultOf(await api.call('card.read', { card, lease }));
    resultOf(await api.call('sign.digest', { card, lease, keyReference: '9A', algorithm: 'ES256', digest, pin: PIN }));
    resultOf(await api.call('card.release', { lease }));
    expect(outcomeOf(await api.call('pin.verify', { card, pin: WRONG_PIN }))).toBe('pin_rejected');
    expect(outcomeOf(await api.call('pin.verify', { card: 'card-of-nobody', pin: PIN }))).toBe('not_found');
    const { records } = resultOf(await api.call('audit.list', {}));
    const serial = bench.daemon.desk.cards[0]?.serialNumber;
    const ofCard = { callerKind: 'native', cardApplication: 'piv', cardSerial: serial, reader: 'Bench 0' };
    expect(records).toMatchObject([
      { ...ofCard, sequence: 1, method: 'sign.digest', outcome: 'ok', purpose: 'renewing' },
      { ...ofCard, sequence: 2, method: 'pin.verify', outcome: 'pin_rejected' },
      { sequence: 3, method: 'pin.verify', outcome: 'not_found' },
    ]);
    expect(resultOf(await api.call('audit.list', { limit: 1, outcome: 'not_found' }))).toMatchObject({
      records: [{ sequence: 3 }],
      last: 3,
    });
    expect(resultOf(await api.call('audit.list', { limit: 2 }))).toMatchObject({ last: 3, next: 2 });
  });

  it('the log verifies, an anchor that is not in it is told, and its export verifies without the daemon', async () => {
    await using bench = await openBench();
    const card = await insert(bench);
    const api = await bench.transport(transport);
    for (let index = 0; index < 5; index++) resultOf(await api.call('pin.verify', { card, pin: PIN }));
    const { ok, head, fingerprint } = resultOf(await api.call('audit.verify', {}));
    expect({ ok, head }).toMatchObject({ ok: true, head: { sequence: 5 } });
    expect(resultOf(await api.call('audit.verify', { anchor: head }))).toMatchObject({ ok: true });
    for (const [anchor, problem] of [
      [
        { ...head, hash: 'f'.repeat(64) },
        { kind: 'changed', until: 5 },
      ],
      [
        { ...head, sequence: 9 },
        { kind: 'dropped', sequence: 6 },
      ],
    ] as const)
      expect(resultOf(await api.call('audit.verify', { anchor }))).toMatchObject({ ok: false, problem });
    const page = resultOf(await api.call('audit.export', {}));
    const path = join(bench.dataFolder, 'export.jsonl');
    writeFileSync(path, page.text);
    using file = await openAuditFile(path);
    expect(await verifyChain(file)).toMatchObject({ ok: true, records: 5, head, fingerprint });
  });
});

it('an act that is under way when the daemon stops leaves a record', async () => {
  await using bench = await openBench();
  const card = watchedPivCard();
  const id = await bench.insert(card);
  const api = await bench.socket();
  const held = Promise.withResolvers<undefined>();
  card.hold = held.promise;
  const commands = card.commands.length;
  const answer = api.call('pin.verify', { card: id, pin: PIN }).catch(() => undefined);
  await eventually('the card to be used', () => card.commands.length > commands);
  const stopped = bench.daemon[Symbol.asyncDispose]();
  held.resolve(undefined);
  await Promise.all([stopped, answer]);
  using store = AuditStore.openForReading(join(bench.dataFolder, 'audit.sqlite'));
  expect(store.list({ since: 0, limit: 10 })).toMatchObject([{ method: 'pin.verify', cardSerial: expect.any(String) as string }]);
});

function regularFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
}

it('no PIN, PUK or management key is in any file of the data folder, while it runs and after', async () => {
  let folder = '';
  const secrets = [PIN, PUK, WRONG_PIN, NEW_PIN, MANAGEMENT_KEY];
  const found = (): readonly string[] =>
    regularFiles(folder).flatMap((name) => {
      const bytes = readFileSync(join(folder, name));
      return secrets
        .filter((secret) => bytes.includes(secret) || bytes.includes(Buffer.from(secret).toString('hex')))
        .map((secret) => `${name}: ${secret}`);
    });
  {
    await using bench = await openBench();
    folder = bench.dataFolder;
    const card = await insert(bench);
    const api = await bench.socket();
    await api.call('pin.verify', { card, pin: PIN });
    await api.call('pin.verify', { card, pin: WRONG_PIN });
    await api.call('pin.change', { card, pin: PIN, newPin: NEW_PIN });
    await api.call('pin.unblock', { card, puk: PUK, newPin: NEW_PIN });
    await api.call('key.generate', { card, keyReference: '9C', algorithm: 'P-256', managementKey: MANAGEMENT_KEY });
    await api.call('card.transmit', { card, commands: [`0020008008${Buffer.from(NEW_PIN).toString('hex')}FFFF`] });
    expect(resultOf(await api.call('audit.list', {})).records).toHaveLength(6);
    expect(readdirSync(folder)).toContain('audit.sqlite');
    expect(found()).toEqual([]);
    await bench.daemon[Symbol.asyncDispose]();
    expect(readdirSync(folder)).toContain('audit.sqlite');
    expect(found()).toEqual([]);
  }
});
