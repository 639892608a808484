import { describe, expect, it } from 'vitest';
import { METHOD_NAMES, type MethodName } from '../../api-spec/methods/index.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { silentLog } from '../log.ts';
import type { Call, Caller, Handlers } from './call.ts';
import { Dispatcher, type CallRequest } from './dispatcher.ts';

type Work = (params: unknown, call: Call) => unknown;

/** Every method does the same. */
function dispatcherThat(work: Work): Dispatcher {
  return new Dispatcher(Object.fromEntries(METHOD_NAMES.map((name) => [name, work])) as unknown as Handlers, silentLog);
}

function callerWith(...scopes: readonly Scope[]): Caller {
  return { id: 'caller', user: '1000', name: 'a caller', scopes: new Set(scopes) };
}

const verify: CallRequest = {
  method: 'pin.verify',
  params: { card: 'c', pin: '123456' },
  caller: callerWith('pin.manage', 'pin.direct'),
};

async function codeOf(dispatcher: Dispatcher, request: CallRequest): Promise<string> {
  const outcome = await dispatcher.call(request);
  return 'error' in outcome ? outcome.error.code : 'ok';
}

describe('the dispatcher', () => {
  it('wants the scope of the method before it looks at the parameters', async () => {
    const dispatcher = dispatcherThat(() => 'done');
    const outcome = await dispatcher.call({ ...verify, params: { nonsense: 1 }, caller: callerWith('card.read') });
    expect(outcome).toMatchObject({ error: { code: 'scope_missing', details: { scope: 'pin.manage' } } });
    expect('error' in outcome && outcome.error.en).toContain('pin.manage');
  });

  it('wants the scope pin.direct for every secret in a call, and none for a call without', async () => {
    const dispatcher = dispatcherThat(() => 'done');
    const caller = callerWith('pin.manage', 'card.manage', 'sign');
    for (const [method, params] of [
      ['pin.verify', { card: 'c', pin: '123456' }],
      ['pin.unblock', { card: 'c', puk: '12345678' }],
      ['pin.change', { card: 'c', newPin: '123456' }],
      ['key.delete', { card: 'c', keyReference: '9A', managementKey: 'default' }],
    ] as const)
      expect(await dispatcher.call({ method, params, caller })).toMatchObject({
        error: { code: 'scope_missing', details: { scope: 'pin.direct' } },
      });
    expect(await codeOf(dispatcher, { method: 'pin.verify', params: { card: 'c' }, caller })).toBe('ok');
  });

  it('gives a handler no secret but as a Secret, which is wiped when the call is over', async () => {
    let seen: { params: unknown; call: Call } | undefined;
    let text = '';
    const dispatcher = dispatcherThat((params, call) => {
      seen = { params, call };
      text = call.secret('pin')?.use((bytes) => Buffer.from(bytes).toString()) ?? '';
      return 'done';
    });
    expect(await codeOf(dispatcher, verify)).toBe('ok');
    expect(seen?.params).toEqual({ card: 'c' });
    expect(text).toBe('123456');
    expect(() => seen?.call.secret('pin')?.lengthBytes).toThrow('wiped');
  });

  it('wipes the secrets of a repetition too', async () => {
    const dispatcher = dispatcherThat(() => 'done');
    const calls: Call[] = [];
    for (let count = 0; count < 2; count++)
      await dispatcher.call({ ...verify, idempotencyKey: 'one', onStart: (call) => calls.push(call) });
    expect(calls).toHaveLength(2);
    for (const call of calls) expect(() => call.secret('pin')?.lengthBytes).toThrow('wiped');
  });

  it('does a repeated call once, and lets the repetition be cancelled by itself', async () => {
    let done = 0;
    const work = Promise.withResolvers<string>();
    const dispatcher = dispatcherThat(() => (done++, work.promise));
    const first = dispatcher.call({ ...verify, idempotencyKey: 'one' });
    const second = await dispatcher.call({
      ...verify,
      idempotencyKey: 'one',
      onStart: (call) => setImmediate(() => call.abort('call_cancelled', 'given up')),
    });
    expect(second).toMatchObject({ error: { code: 'call_cancelled' } });
    work.resolve('made');
    expect(await first).toEqual({ result: 'made' });
    expect(await dispatcher.call({ ...verify, idempotencyKey: 'one' })).toEqual({ result: 'made' });
    expect(done).toBe(1);
  });

  it('answers at the deadline, whatever the handler does', async () => {
    const dispatcher = dispatcherThat(() => new Promise(() => undefined));
    expect(await dispatcher.call({ ...verify, timeoutMs: 5 })).toMatchObject({
      error: { code: 'deadline_exceeded', details: { timeoutMs: 5 } },
    });
    expect(dispatcher.callsUnderWay).toBe(0);
  });

  it('leaves a handler that ends because of the deadline the last word on why', async () => {
    const dispatcher = dispatcherThat(async (_, call) => {
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      await Promise.resolve();
      return 'just in time';
    });
    expect(await dispatcher.call({ ...verify, timeoutMs: 5 })).toEqual({ result: 'just in time' });
  });

  it('hides a defect behind an incident', async () => {
    const dispatcher = dispatcherThat(() => {
      throw new TypeError('a secret of the inside');
    });
    const outcome = await dispatcher.call(verify);
    expect(outcome).toMatchObject({ error: { code: 'internal_error' } });
    expect(JSON.stringify(outcome)).not.toContain('inside');
  });

  it.each<MethodName>(['event.subscribe', 'call.cancel'])('lets %s through on a connection alone', async (method) => {
    const dispatcher = dispatcherThat(() => 'done');
    const request = { method, params: method === 'call.cancel' ? { id: 1 } : {}, caller: callerWith('card.read', 'system') };
    expect(await codeOf(dispatcher, request)).toBe('method_not_found');
  });
});
