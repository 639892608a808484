import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { METHOD_NAMES, type MethodName } from '../../api-spec/methods/index.ts';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import type { Call, Caller, Handlers } from '../api/call.ts';
import { Dispatcher } from '../api/dispatcher.ts';
import { DataFolderError } from '../data-folder.ts';
import { silentLog } from '../log.ts';
import { AUDIT_FILE, AUDIT_KEY_FILE, AuditLog, type AuditLogOptions } from './audit-log.ts';
import type { AuditAct } from './record.ts';

const synchronise = promisify(fdatasync);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function openLog(options: Partial<AuditLogOptions> = {}): AuditLog {
  return AuditLog.open({ folder, log: silentLog, ...options });
}

function act(changes: Partial<AuditAct> = {}): Omit<AuditAct, 'time'> {
  return { callerKind: 'native', caller: 'a program', method: 'sign.digest', outcome: 'ok', ...changes };
}

async function fill(log: AuditLog, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => log.append(act({ purpose: `act ${index + 1}` }))));
}

describe('the audit log', () => {
  it('numbers and chains what comes at the same time in the order in which it came', async () => {
    await using log = openLog();
    await fill(log, 700);
    const records = log.list({ since: 0, limit: 1_000 });
    expect(records.map(({ sequence, purpose }) => `${sequence} ${purpose}`)).toEqual(
      Array.from({ length: 700 }, (_, index) => `${index + 1} act ${index + 1}`),
    );
    expect(await log.verify()).toMatchObject({ ok: true, records: 700, head: { sequence: 700 } });
  });

  it('answers no act before its bytes are on the disk, and shares one synchronisation among those that wait', async () => {
    const disk = Promise.withResolvers<undefined>();
    let synchronised = 0;
    await using log = openLog({
      synchronise: async (descriptor) => {
        synchronised++;
        await disk.promise;
        await synchronise(descriptor);
      },
    });
    let answered = 0;
    const acts = Array.from({ length: 50 }, async () => {
      await log.append(act());
      answered++;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([answered, synchronised]).toEqual([0, 1]);
    disk.resolve(undefined);
    await Promise.all(acts);
    expect([answered, synchronised]).toEqual([50, 1]);
  });

  it('goes on from where it was, and shows each start and stop', async () => {
    for (const last of [3, 6, 9]) {
      await using log = openLog();
      await fill(log, 3);
      expect(log.head.sequence).toBe(last);
    }
    await using log = openLog();
    expect(await log.verify()).toMatchObject({ ok: true, records: 9, checkpoints: 7 });
  });

  it('keeps its database and its key from everybody else', async () => {
    await using log = openLog();
    await fill(log, 1);
    for (const file of [AUDIT_FILE, `${AUDIT_FILE}-wal`, `${AUDIT_FILE}-shm`, AUDIT_KEY_FILE])
      expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
  });

  it('fails the act when the disk fails, refuses the next before it is done, and recovers by itself', async () => {
    let isBroken = true;
    let done = 0;
    await using log = openLog({
      synchronise: async (descriptor) => {
        if (isBroken) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
        await synchronise(descriptor);
      },
    });
    const dispatcher = dispatcherThat(() => ++done, log);
    const request = { method: 'sign.digest', params: signParams, caller };
    expect(await dispatcher.call(request)).toMatchObject({ error: { code: 'audit_unavailable', retry: 'after_user_action' } });
    expect(done).toBe(1);
    expect(await dispatcher.call(request)).toMatchObject({ error: { code: 'audit_unavailable' } });
    expect(done).toBe(1);
    expect(await dispatcher.call({ ...request, method: 'card.list', params: {} })).toEqual({ result: 2 });
    isBroken = false;
    expect(await dispatcher.call(request)).toEqual({ result: 3 });
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  it('refuses to start with a key file that holds no such key, or a database that is none', () => {
    const database = new DatabaseSync(join(folder, AUDIT_FILE));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => openLog()).toThrow(/version 99/);
    rmSync(join(folder, AUDIT_FILE));
    writeFileSync(join(folder, AUDIT_FILE), 'no database, but long enough to be looked at as one'.repeat(100));
    expect(() => openLog()).toThrow(/not a database.*move audit.sqlite away/);
    rmSync(join(folder, AUDIT_FILE));
    writeFileSync(join(folder, AUDIT_KEY_FILE), 'no key');
    expect(() => openLog()).toThrow(DataFolderError);
  });

  it('takes no act when it is closed', async () => {
    const log = openLog();
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await expect(log.append(act())).rejects.toMatchObject({ code: 'audit_unavailable' });
  });

  it('writes what was on its way when it is closed', async () => {
    const log = openLog();
    const pending = fill(log, 20);
    await log[Symbol.asyncDispose]();
    await pending;
    await using again = openLog();
    expect(again.head.sequence).toBe(20);
  });
});

describe('texts in records', () => {
  it('that are odd, long or half characters are stored as they were hashed', async () => {
    await using log = openLog();
    for (const purpose of ['å'.repeat(500), 'a\u0000b\u0007\n', '\ud800 half', '"quoted" \\ \u2028', '😀'.repeat(100), ''])
      await log.append(act({ purpose, reader: 'Läsare\u0000 1' }));
    expect(await log.verify()).toMatchObject({ ok: true, records: 6 });
    expect(log.list({ since: 0, limit: 1 })[0]?.purpose).toBe('å'.repeat(240));
  });
});

describe('listing', () => {
  it('filters by method, origin and outcome, and goes on from a number', async () => {
    await using log = openLog();
    await log.append(act({ callerKind: 'web', origin: 'https://a.example' }));
    await log.append(act({ method: 'pin.verify', outcome: 'pin_rejected' }));
    await log.append(act());
    const found = (filter: object): readonly number[] =>
      log.list({ since: 0, limit: 10, ...filter }).map(({ sequence }) => sequence);
    expect(found({ method: 'sign.digest' })).toEqual([1, 3]);
    expect(found({ origin: 'https://a.example' })).toEqual([1]);
    expect(found({ outcome: 'pin_rejected' })).toEqual([2]);
    expect(found({ since: 1, method: 'sign.digest' })).toEqual([3]);
    expect(found({ limit: 2 })).toEqual([1, 2]);
  });
});

describe('pruning', () => {
  it('drops what is older, and the rest still verifies, also after a restart and when all is gone', async () => {
    let time = Date.UTC(2026, 0, 1);
    const now = (): Date => new Date((time += 1_000));
    {
      await using log = openLog({ now });
      for (let index = 0; index < 20; index++) await log.append(act());
      const border = log.list({ since: 11, limit: 1 })[0]?.time ?? '';
      expect(await log.prune(new Date(border))).toBe(11);
      expect(log.list({ since: 0, limit: 1 })[0]?.sequence).toBe(12);
      expect(await log.prune(new Date(border))).toBe(0);
      expect(await log.verify()).toMatchObject({ ok: true, records: 9, head: { sequence: 20 } });
    }
    await using log = openLog({ now });
    expect(await log.verify()).toMatchObject({ ok: true, records: 9 });
    expect(await log.prune(new Date(time + 1e9))).toBe(9);
    expect(await log.verify()).toMatchObject({ ok: true, records: 0, head: { sequence: 20 } });
    await log.append(act());
    expect(await log.verify()).toMatchObject({ ok: true, records: 1, head: { sequence: 21 } });
  });

  it('leaves nothing of what it dropped in the file', async () => {
    await using log = openLog();
    await log.append(act({ caller: 'somebody long gone' }));
    await log.prune(new Date(Date.now() + 60_000));
    await log[Symbol.asyncDispose]();
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(join(folder, AUDIT_FILE)).includes('somebody long gone')).toBe(false);
  });
});

const caller: Caller = { id: 'c', user: '1000', name: 'a program', scopes: new Set(Object.keys(SCOPES) as Scope[]) };
const signParams = { card: 'c', keyReference: '9A', algorithm: 'ES256', digest: Buffer.alloc(32).toString('base64') };

function dispatcherThat(work: (params: unknown, call: Call) => unknown, audit: AuditLog): Dispatcher {
  const handlers = Object.fromEntries(METHOD_NAMES.map((name: MethodName) => [name, work])) as unknown as Handlers;
  return new Dispatcher(handlers, silentLog, { audit });
}

describe('an act', () => {
  it('leaves who, which card, and what came of it; what is no act leaves nothing', async () => {
    await using log = openLog();
    const dispatcher = dispatcherThat((_, call) => {
      call.subject = {
        card: { serialNumber: '42', kind: { id: 'piv' }, reader: { name: 'Reader 1' } },
        purpose: 'renewing',
      };
      return 'done';
    }, log);
    await dispatcher.call({ method: 'card.list', params: {}, caller });
    await dispatcher.call({ method: 'sign.digest', params: signParams, caller: { ...caller, origin: 'https://a.example' } });
    expect(log.list({ since: 0, limit: 10 })).toMatchObject([
      {
        callerKind: 'web',
        caller: 'a program',
        origin: 'https://a.example',
        method: 'sign.digest',
        cardSerial: '42',
        cardApplication: 'piv',
        reader: 'Reader 1',
        outcome: 'ok',
        purpose: 'renewing',
      },
    ]);
  });

  it('that is repeated with its idempotency key is done and recorded once', async () => {
    await using log = openLog();
    const dispatcher = dispatcherThat(() => 'done', log);
    const request = { method: 'sign.digest', params: signParams, caller, idempotencyKey: 'one' };
    await Promise.all([dispatcher.call(request), dispatcher.call(request)]);
    await dispatcher.call(request);
    expect(log.head.sequence).toBe(1);
  });

  it('that goes on after the deadline and is done leaves that too', async () => {
    await using log = openLog();
    const work = Promise.withResolvers<string>();
    const dispatcher = dispatcherThat(() => work.promise, log);
    const outcome = await dispatcher.call({ method: 'sign.digest', params: signParams, caller, timeoutMs: 5 });
    expect(outcome).toMatchObject({ error: { code: 'deadline_exceeded' } });
    work.resolve('signed after all');
    await work.promise;
    await new Promise(setImmediate);
    await log.append(act({ method: 'pin.verify' }));
    expect(log.list({ since: 0, limit: 10 }).map(({ method, outcome: end }) => `${method} ${end}`)).toEqual([
      'sign.digest deadline_exceeded',
      'sign.digest ok',
      'pin.verify ok',
    ]);
  });
});
