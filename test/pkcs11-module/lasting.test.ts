/** What the front answers by itself: the same that the core answered, until the core says otherwise, or is gone. */
import { describe, expect, it } from 'vitest';
import { HANDSHAKE, type CallName } from '../../pkcs11-module/rpc/calls.ts';
import { serveRpcClient, type RpcApplication, type RpcClient as ServedClient } from '../../pkcs11-module/rpc/connection.ts';
import { PIN } from '../api/support.ts';
import { openFrontDesk, RawCore, type FrontDesk } from './front-desk.ts';
import { ck, expectValue, type Program } from './program.ts';
import { RpcClient } from './rpc-client.ts';

const SOON = { timeout: 20_000, interval: 10 };

async function stateOf(program: Program, session: number): Promise<number> {
  const [, state] = await program.client.call('C_GetSessionInfo', session);
  return Number(state);
}

interface CountedCore extends Disposable {
  readonly client: RpcClient;
  readonly calls: CallName[];
  /** C_GetSessionInfo answers with it. */
  state: number;
  otherwise(): void;
}

/** A core that counts what it is asked, and knows one session. */
async function openCountedCore(desk: FrontDesk, remembers = true): Promise<CountedCore> {
  const link = await RawCore.attach(desk.ownPath);
  const client = await RpcClient.connect(desk.path);
  const initialized = client.begin('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined);
  const way = await link.claim(desk.ownPath);
  let served: ServedClient | undefined;
  const core: CountedCore = {
    client,
    calls: [],
    state: ck.CKS_RO_PUBLIC_SESSION,
    otherwise: () => served?.onOtherwise(),
    [Symbol.dispose]: () => {
      client.socket.destroy();
      way.destroy();
      link[Symbol.dispose]();
    },
  };
  const open = (told: ServedClient): RpcApplication => {
    served = told;
    return {
      call: ({ name }) => {
        core.calls.push(name);
        return name === 'C_GetSessionInfo' ? [1, core.state, ck.CKF_SERIAL_SESSION, 0] : [];
      },
      [Symbol.dispose]: () => undefined,
    };
  };
  void serveRpcClient(way, { open, remembers, onProblem: () => undefined });
  await initialized;
  core.calls.length = 0;
  return core;
}

describe('an answer that holds', () => {
  it('is given again without the core, each call with its own code, and by the core once it said otherwise', async () => {
    await using desk = await openFrontDesk();
    using core = await openCountedCore(desk);
    const asked = await Promise.all(Array.from({ length: 3 }, () => core.client.call('C_GetSessionInfo', 7)));
    for (let count = 0; count < 5; count++) asked.push(await core.client.call('C_GetSessionInfo', 7));
    expect(new Set(asked.map(([, state]) => state))).toEqual(new Set([ck.CKS_RO_PUBLIC_SESSION]));
    expect(core.calls.length).toBeLessThanOrEqual(3);
    core.state = ck.CKS_RO_USER_FUNCTIONS;
    core.otherwise();
    await expect.poll(async () => (await core.client.call('C_GetSessionInfo', 7))[1], SOON).toBe(ck.CKS_RO_USER_FUNCTIONS);
    const before = core.calls.length;
    await core.client.call('C_GetSessionInfo', 7);
    expect(core.calls.length).toBe(before);
    await core.client.call('C_GetSessionInfo', 8); // of another session nothing is known
    expect(core.calls.length).toBe(before + 1);
  });

  it('is none when the core does not say so, and none when what came was another call', async () => {
    await using desk = await openFrontDesk();
    using core = await openCountedCore(desk, false);
    for (let count = 0; count < 3; count++) await core.client.call('C_GetSessionInfo', 7);
    for (let count = 0; count < 3; count++) await core.client.call('C_SeedRandom', 7, new Uint8Array(1));
    expect(core.calls).toEqual([...Array<CallName>(3).fill('C_GetSessionInfo'), ...Array<CallName>(3).fill('C_SeedRandom')]);
  });

  it('of hundreds of sessions is right for each', async () => {
    await using desk = await openFrontDesk();
    using core = await openCountedCore(desk);
    for (const round of [0, 1])
      for (let session = 1; session <= 300; session++)
        expect((await core.client.call('C_GetSessionInfo', session)).length, `round ${round}`).toBe(4);
    expect(new Set(core.calls)).toEqual(new Set(['C_GetSessionInfo']));
  });
});

describe('a session', () => {
  it('is what it is after each login, logout and close, by any of the program’s threads', async () => {
    await using desk = await openFrontDesk();
    await using core = await desk.core();
    const program = await desk.program();
    const [session, other] = [await program.session(), await program.session()];
    for (let round = 0; round < 3; round++) {
      expect([await stateOf(program, session), await stateOf(program, other)]).toEqual(Array(2).fill(ck.CKS_RO_PUBLIC_SESSION));
      await program.login(other, PIN);
      expect([await stateOf(program, session), await stateOf(program, other)]).toEqual(Array(2).fill(ck.CKS_RO_USER_FUNCTIONS));
      await program.client.call('C_Logout', session);
    }
    await program.client.call('C_CloseSession', other);
    await expectValue(program.client.call('C_GetSessionInfo', other), ck.CKR_SESSION_HANDLE_INVALID);
    expect(await stateOf(program, session)).toBe(ck.CKS_RO_PUBLIC_SESSION);
    expect(core.card).toBeDefined();
  });

  it('is none any more once the program has ended PKCS #11, and neither is what it was told of it', async () => {
    await using desk = await openFrontDesk();
    await using core = await desk.core();
    const program = await desk.program();
    const session = await program.session();
    for (let count = 0; count < 2; count++) {
      expect(await stateOf(program, session)).toBe(ck.CKS_RO_PUBLIC_SESSION);
      await program.client.call('C_GetInfo');
    }
    await program.client.call('C_Finalize');
    await expectValue(program.client.call('C_GetSessionInfo', session), ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    await expectValue(program.client.call('C_GetInfo'), ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    expect(core.card).toBeDefined();
  });

  it('of one program is nothing to another, and ends with its card and with its core', async () => {
    await using desk = await openFrontDesk();
    const core = await desk.core();
    const [program, other] = [await desk.program(), await desk.program()];
    const [session, foreign] = [await program.session(), await other.session()];
    await program.login(session, PIN);
    expect([await stateOf(program, session), await stateOf(other, foreign)]).toEqual([
      ck.CKS_RO_USER_FUNCTIONS,
      ck.CKS_RO_PUBLIC_SESSION,
    ]);
    core.bench.reader().remove();
    await expect.poll(() => program.slots(), SOON).toEqual([]);
    await expectValue(program.client.call('C_GetSessionInfo', session), ck.CKR_DEVICE_REMOVED);
    await core.bench.insert(core.card);
    const next = await program.session();
    expect(await stateOf(program, next)).toBe(ck.CKS_RO_PUBLIC_SESSION);
    await core[Symbol.asyncDispose]();
    await expect.poll(() => program.slots(), SOON).toEqual([]);
    await expectValue(program.client.call('C_GetSessionInfo', next), ck.CKR_SESSION_HANDLE_INVALID);
  });
});
