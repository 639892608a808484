/** Programs, web apps and issuance jobs on one card: they take turns, a long job keeps nobody waiting, and who cannot have a turn is told in time, and why in the log. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../daemon/log.ts';
import { takeTurn } from '../../daemon/pkcs11/turn.ts';
import { INS, outcomeOf, PIN, resultOf } from '../api/support.ts';
import { heldCard, startRoutine } from '../issuance/cards.ts';
import { openOffice, GIVEN as OFFICE_GIVEN, PINS as OFFICE_PINS, stepOf } from '../issuance/office.ts';
import { TestStation } from '../prompts/station.ts';
import { openPkcs11Desk, publicKeyOf, type Pkcs11Desk } from './desk.ts';
import { openPage, pagePolicy } from './page.ts';
import { ck, Program } from './program.ts';
import { watchTurns } from './turns.ts';

const ECDSA = { type: ck.CKM_ECDSA };
const digestOf = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());

/** Logs in, and signs with 9A until it is told to stop; every signature verifies. */
async function signing(desk: Pkcs11Desk, isOver: () => boolean): Promise<number> {
  const program = await desk.program();
  const session = await program.session();
  await program.login(session, PIN);
  const key = await program.key(session, '9A');
  let count = 0;
  for (; !isOver(); count++) await expectSigns(program, session, key, publicKeyOf('9A'));
  return count;
}

let lastMessage = 0;

async function expectSigns(program: Program, session: number, key: number, publicKey: KeyObject): Promise<void> {
  const message = `message ${lastMessage++}`;
  expectSigned(message, await program.sign(session, key, { mechanism: ECDSA, data: digestOf(message) }), publicKey);
}

function expectSigned(message: string, signature: Uint8Array, key: KeyObject): void {
  expect(verify('sha256', Buffer.from(message), { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
}

describe('a list of a page that takes long', () => {
  it('gives way to a program, which never waits for more than five signatures; the person was asked once', async () => {
    await using desk = await openPkcs11Desk({ policy: pagePolicy(0) });
    const { bench, card } = desk;
    await using station = await TestStation.open(bench);
    await using page = await openPage(bench);
    const turns = watchTurns(bench, () => card.count(INS.authenticate, 'with data'));
    bench.reader().arm([{ kind: 'delay', delayMs: 2 }]);
    let isOver = false;
    const program = signing(desk, () => isOver);
    const documents = Array.from({ length: 60 }, (_, index) => ({
      name: `Receipt ${index}.pdf`,
      digest: Buffer.from(digestOf(`receipt ${index}`)).toString('base64'),
    }));
    const id = bench.daemon.desk.cards[0]?.id ?? '';
    const answer = page.call('sign.batch', { card: id, keyReference: '9D', algorithm: 'ES256', documents });
    station.type((await station.prompt()).id, { pin: PIN });
    const { signatures } = resultOf(await answer);
    isOver = true;
    expect(await program).toBeGreaterThan(5);
    const publicKey = publicKeyOf('9D');
    for (const [index, { signature }] of signatures.entries())
      expectSigned(`receipt ${index}`, Buffer.from(signature, 'base64'), publicKey);
    expect(signatures).toHaveLength(60);
    expect(station.messages.filter(({ type }) => type === 'prompt')).toHaveLength(1);
    const ofProgram = (counted: ReadonlyMap<string, number>): number =>
      Math.max(...[...counted].filter(([name]) => name.startsWith('pkcs11.')).map(([, count]) => count));
    expect(ofProgram(turns.longest)).toBeLessThanOrEqual(1);
    // A turn of the list is three signatures at the most while somebody waits, and one may have been under way.
    expect(ofProgram(turns.most)).toBeGreaterThan(0);
    expect(ofProgram(turns.most)).toBeLessThanOrEqual(5);
    expect(card.inner.state().pin.attemptsRemaining).toBe(3);
  });
});

describe('a program with many threads', () => {
  it('lets a page have its turn after one of its own', async () => {
    await using desk = await openPkcs11Desk({ policy: pagePolicy(600) });
    const { bench } = desk;
    await using station = await TestStation.open(bench);
    await using page = await openPage(bench);
    const id = bench.daemon.desk.cards[0]?.id ?? '';
    const request = (): ReturnType<typeof page.call> =>
      page.call('sign.digest', {
        card: id,
        keyReference: '9D',
        algorithm: 'ES256',
        digest: Buffer.from(digestOf('page')).toString('base64'),
      });
    const first = request();
    station.type((await station.prompt()).id, { pin: PIN });
    expect(outcomeOf(await first)).toBe('ok');
    const program = await desk.program();
    const sessions = await Promise.all(Array.from({ length: 40 }, () => program.session()));
    const [login = 0] = sessions;
    await program.login(login, PIN);
    const key = await program.key(login, '9A');
    const turns = watchTurns(bench);
    const threads = sessions.map((session) => program.sign(session, key, { mechanism: ECDSA, data: digestOf('thread') }));
    for (let count = 0; count < 5; count++) expect(outcomeOf(await request())).toBe('ok');
    for (const signature of await Promise.all(threads)) expectSigned('thread', signature, publicKeyOf('9A'));
    const ofPage = [...turns.longest].filter(([name]) => name.startsWith('sign.digest'));
    expect(ofPage).toHaveLength(1);
    expect(ofPage[0]?.[1]).toBeLessThanOrEqual(2);
    expect(turns.order.filter((name) => name.startsWith('pkcs11.'))).toHaveLength(40);
  });
});

/** What the log was told. */
function keptLog(): { readonly log: Log; readonly warnings: unknown[] } {
  const warnings: unknown[] = [];
  const log = { warn: (fields: unknown) => warnings.push(fields) } as Partial<Log> as Log;
  return { log, warnings };
}

describe('a program that cannot have its turn', () => {
  const program = { user: '1000', name: 'curl (process 7)' };
  const signal = new AbortController().signal;
  const turn = { program, act: 'pkcs11.sign', signal };

  it('is refused within its deadline, and the log names the call that has the card', async () => {
    await using desk = await openPkcs11Desk();
    const { bench, card } = desk;
    const api = await bench.socket();
    const [record] = bench.daemon.desk.cards;
    if (!record) throw new Error('no card');
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    const reading = api.call('card.read', { card: record.id, refresh: true });
    await expect.poll(() => record.reader.queue.current?.name).toMatch(/^card\.read of program /);
    const { log, warnings } = keptLog();
    const start = performance.now();
    const refused = takeTurn({ desk: bench.daemon.desk, log, timeoutMs: 150 }, record, turn, () => Promise.resolve());
    await expect(refused).rejects.toMatchObject({ name: 'CkError', value: ck.CKR_FUNCTION_REJECTED });
    expect(performance.now() - start).toBeLessThan(2_000);
    expect(warnings).toEqual([
      {
        program: 'curl (process 7)',
        act: 'pkcs11.sign',
        reader: 'Bench 0',
        holder: expect.stringMatching(/^card\.read of program /) as string,
        heldMs: expect.any(Number) as number,
        omitted: 0,
      },
    ]);
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await reading)).toBe('ok');
  });

  it('is told that the card is broken when it had its turn, and the card did not answer', async () => {
    await using desk = await openPkcs11Desk();
    const [record] = desk.bench.daemon.desk.cards;
    if (!record) throw new Error('no card');
    const { log, warnings } = keptLog();
    const slow = takeTurn({ desk: desk.bench.daemon.desk, log, timeoutMs: 50 }, record, turn, async (session) => {
      for (;;) {
        await session.application();
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await expect(slow).rejects.toMatchObject({ name: 'CkError', value: ck.CKR_DEVICE_ERROR });
    expect(warnings).toEqual([]);
  });

  it('waits for a lease to end, and is refused when it does not; the log has its purpose', async () => {
    await using desk = await openPkcs11Desk();
    const { bench } = desk;
    const api = await bench.socket();
    const [record] = bench.daemon.desk.cards;
    if (!record) throw new Error('no card');
    const client = await desk.program();
    const session = await client.session();
    await client.login(session, PIN);
    const key = await client.key(session, '9A');
    const { lease } = resultOf(await api.call('card.lease', { card: record.id, purpose: 'renewal', durationMs: 60_000 }));
    const { log, warnings } = keptLog();
    const refused = takeTurn({ desk: bench.daemon.desk, log, timeoutMs: 100 }, record, turn, () => Promise.resolve());
    await expect(refused).rejects.toMatchObject({ value: ck.CKR_FUNCTION_REJECTED });
    expect(warnings).toMatchObject([{ holder: expect.stringMatching(/^lease of program .* \(renewal\)$/) as string }]);
    const waiting = expectSigns(client, session, key, publicKeyOf('9A'));
    expect(outcomeOf(await api.call('card.read', { card: record.id, lease }))).toBe('ok');
    resultOf(await api.call('card.release', { lease }));
    await waiting;
  });
});

describe('a job of issuance', () => {
  it('that waits for a PIN, and one between two calls, keep no program from the card’s other keys', async () => {
    await using office = await openOffice({ reserve: heldCard({ days: 365, spareKeys: 'P-256' }) });
    const { api, bench, station } = office;
    await using program = await Program.open(bench);
    const slots = await program.slots();
    const labels = await Promise.all(slots.map(async (slot) => [slot, await program.tokenLabel(slot)] as const));
    const mine = labels.filter(([, label]) => label.includes('(authentication)')).map(([slot]) => slot);
    const slot = mine[2] ?? 0; // the holder's is the third card
    const session = await program.session(slot);
    await program.login(session, OFFICE_PINS.legitimering);
    const key = await program.key(session, '45');
    const publicKey = createPublicKey({
      key: Buffer.from(await program.attribute(session, key, 0x129)),
      format: 'der',
      type: 'spki',
    });
    const signs = (): Promise<void> => expectSigns(program, session, key, publicKey);
    await signs();
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    const enrol = api.call('issuance.enrol', { ceremony, step: 'download' });
    const prompt = await station.prompt();
    await signs(); // while the person thinks
    station.type(prompt.id, { pin: OFFICE_PINS.legitimering });
    resultOf(await enrol);
    await signs(); // between two calls
    const between = resultOf(await api.call('issuance.resume', { ceremony, ...OFFICE_GIVEN.underskrift }));
    expect(stepOf(between, 'download').job?.keys.filter(({ request }) => request !== undefined)).toHaveLength(2);
    await signs();
    // The new keys have no certificates yet, and are told of as any others without.
    const ids = async (objectClass: number): Promise<readonly string[]> => {
      const objects = await program.find(session, [[ck.CKA_CLASS, objectClass]]);
      const all = await Promise.all(objects.map((object) => program.attribute(session, object, ck.CKA_ID)));
      return all.map((id) => Buffer.from(id).toString('hex')).toSorted();
    };
    expect(await ids(ck.CKO_PRIVATE_KEY)).toEqual(['45', '55']);
    expect(await ids(ck.CKO_CERTIFICATE)).toContain('45');
    expect(await ids(ck.CKO_CERTIFICATE)).not.toContain('55');
  });
});
