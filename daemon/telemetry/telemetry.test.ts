import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import { Telemetry, type Observer, type Recovered, type Span } from './telemetry.ts';

const CALL = { kind: 'call', name: 'card.read', caller: 'program' } as const;
const TRANSACTION = { kind: 'transaction', card: () => 'piv' } as const;
const OPERATION = { kind: 'operation', name: 'sign', card: () => 'piv' } as const;

function watched(): {
  readonly telemetry: Telemetry;
  readonly began: Span[];
  readonly ended: Span[];
  readonly pass: (ms: number) => void;
} {
  let time = 1_000;
  const telemetry = new Telemetry(() => time);
  const [began, ended]: [Span[], Span[]] = [[], []];
  telemetry.observe({ began: (span) => began.push(span), ended: (span) => ended.push(span) });
  return { telemetry, began, ended, pass: (ms) => void (time += ms) };
}

describe('telemetry', () => {
  it('does the work as it is while nobody observes', () => {
    const telemetry = new Telemetry(() => {
      throw new Error('the time was asked for');
    });
    const work = Promise.resolve(7);
    expect(telemetry.isObserved).toBe(false);
    expect(telemetry.watch(CALL, () => work)).toBe(work);
    telemetry.begin({ kind: 'wait', name: 'turn' })();
    telemetry.exchanged(5, 2);
    telemetry.recovered('reader', 5);
  });

  it('tells what is a part of what, and counts exchanges for all of it', async () => {
    const { telemetry, ended, pass } = watched();
    const result = await telemetry.watch(CALL, async () => {
      pass(1);
      const waited = telemetry.begin({ kind: 'wait', name: 'turn' });
      pass(10);
      waited();
      waited();
      return await telemetry.watch(TRANSACTION, async () => {
        telemetry.exchanged(1, 1);
        return await telemetry.watch(OPERATION, async () => {
          await Promise.resolve();
          pass(100);
          telemetry.exchanged(5, 2);
          return 'signed';
        });
      });
    });
    expect(result).toBe('signed');
    expect(
      ended.map(({ what, durationMs, exchanges, sentBytes, receivedBytes }) => [
        what.kind,
        durationMs,
        exchanges,
        sentBytes,
        receivedBytes,
      ]),
    ).toEqual([
      ['wait', 10, 0, 0, 0],
      ['operation', 100, 1, 5, 2],
      ['transaction', 100, 2, 6, 3],
      ['call', 111, 2, 6, 3],
    ]);
    const [wait, operation, transaction, call] = ended;
    expect([wait?.parent, operation?.parent, transaction?.parent, call?.parent]).toEqual([call, transaction, call, undefined]);
  });

  it('keeps calls apart that are under way at the same time', async () => {
    const { telemetry, ended } = watched();
    const call = (bytes: number): Promise<void> =>
      telemetry.watch(CALL, async () => {
        await Promise.resolve();
        telemetry.exchanged(bytes, bytes);
      });
    await Promise.all([call(1), call(20), call(300)]);
    expect(ended.map(({ sentBytes }) => sentBytes).sort((one, other) => one - other)).toEqual([1, 20, 300]);
  });

  it('tells the code of what was thrown, and of a result that is a failure', async () => {
    const { telemetry, ended } = watched();
    const refused = new ApiError('no_card', 'looking');
    await expect(telemetry.watch(CALL, () => Promise.reject(refused))).rejects.toBe(refused);
    await telemetry.watch(
      CALL,
      () => Promise.resolve({ bad: true }),
      () => 'card_busy',
    );
    await expect(telemetry.watch(CALL, () => Promise.reject(new Error('a defect')))).rejects.toThrow();
    telemetry.begin({ kind: 'wait', name: 'turn' })(refused);
    expect(ended.map(({ code }) => code)).toEqual(['no_card', 'card_busy', 'internal_error', 'no_card']);
  });

  it('tells nobody who observes no more', () => {
    const telemetry = new Telemetry();
    const heard: Recovered[] = [];
    const observer: Observer = { ended: () => undefined, recovered: (what) => heard.push(what) };
    const first = telemetry.observe(observer);
    const second = telemetry.observe({ ended: () => undefined });
    telemetry.recovered('service', 1);
    first[Symbol.dispose]();
    telemetry.recovered('reader', 1);
    expect(telemetry.isObserved).toBe(true);
    second[Symbol.dispose]();
    expect([heard, telemetry.isObserved]).toEqual([['service'], false]);
  });
});
