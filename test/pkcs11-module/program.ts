/** A program that uses PKCS #11 as programs do: opens a session, logs in, finds a key, signs. */
import { join } from 'node:path';
import { expect } from 'vitest';
import * as ck from '../../pkcs11-module/constants.ts';
import type { Dialect } from '../../pkcs11-module/rpc/calls.ts';
import type { Bench } from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { CkAnswer, RpcClient, type Got, type Room, type Sized, type Template, type TestMechanism } from './rpc-client.ts';

export { ck };
export const SERIAL = ck.CKF_SERIAL_SESSION;
const MANY = 128;

export class Program implements AsyncDisposable {
  readonly client: RpcClient;

  private constructor(client: RpcClient) {
    this.client = client;
  }

  static async open({ dataFolder }: Pick<Bench, 'dataFolder'>, dialect: Dialect = 2): Promise<Program> {
    return new Program(await RpcClient.open(join(dataFolder, 'pkcs11'), dialect));
  }

  async slots(tokenPresent = true): Promise<readonly number[]> {
    const [list] = await this.client.call('C_GetSlotList', tokenPresent ? 1 : 0, MANY);
    return numbersOf(list);
  }

  /** With the first token that there is, unless told another. */
  async session(slot?: number, flags = SERIAL): Promise<number> {
    const [first] = slot === undefined ? await this.slots() : [slot];
    if (first === undefined) throw new Error('no slot has a token');
    const [handle] = await this.client.call('C_OpenSession', first, flags);
    return Number(handle);
  }

  /** Undefined: the PIN is typed elsewhere. */
  async login(session: number, pin: string | undefined, user = ck.CKU_USER): Promise<void> {
    if (pin !== undefined) noteTyped(pin);
    await this.client.call('C_Login', session, user, pin === undefined ? undefined : new TextEncoder().encode(pin));
  }

  async find(session: number, template: Template): Promise<readonly number[]> {
    await this.client.call('C_FindObjectsInit', session, template);
    const [found] = await this.client.call('C_FindObjects', session, MANY);
    await this.client.call('C_FindObjectsFinal', session);
    return numbersOf(found);
  }

  async key(session: number, id: string, keyClass = ck.CKO_PRIVATE_KEY): Promise<number> {
    const [key] = await this.find(session, [
      [ck.CKA_CLASS, keyClass],
      [ck.CKA_ID, new Uint8Array(Buffer.from(id, 'hex'))],
    ]);
    if (key === undefined) throw new Error(`there is no key ${id}`);
    return key;
  }

  async attribute(session: number, object: number, type: number): Promise<Uint8Array> {
    const { value } = await this.attributes(session, object, [[type, 8_192]]);
    const [first] = value;
    if (!first?.value) throw new Error(`object ${object} has no attribute ${type}`);
    return first.value;
  }

  async attributes(
    session: number,
    object: number,
    queries: readonly (readonly [number, number])[],
  ): Promise<{ readonly value: readonly Got[]; readonly result: number }> {
    const [value, result] = await this.client.call('C_GetAttributeValue', session, object, queries);
    return { value: value as readonly Got[], result: Number(result) };
  }

  async sign(
    session: number,
    key: number,
    { mechanism, data }: { readonly mechanism: TestMechanism; readonly data: Uint8Array },
  ): Promise<Uint8Array> {
    await this.client.call('C_SignInit', session, mechanism, key);
    return await this.bytes('C_Sign', session, data, 1_024);
  }

  /** Of a call that answers bytes. */
  async bytes(...[name, ...args]: Parameters<RpcClient['call']>): Promise<Uint8Array> {
    const [answer] = await this.client.call(name, ...args);
    const sized = answer as Sized<Uint8Array>;
    if ('value' in sized) return sized.value;
    throw new Error(`${name} wants room for ${sized.length} bytes`);
  }

  async length(...[name, ...args]: Parameters<RpcClient['call']>): Promise<number> {
    const [answer] = await this.client.call(name, ...args);
    const sized = answer as Sized<Uint8Array>;
    if ('length' in sized && !('value' in sized)) return sized.length;
    throw new Error(`${name} gave bytes, not their number`);
  }

  async tokenFlags(slot: number): Promise<number> {
    const answer = await this.client.call('C_GetTokenInfo', slot);
    return Number(answer[4]);
  }

  async tokenLabel(slot: number): Promise<string> {
    const [label] = await this.client.call('C_GetTokenInfo', slot);
    return typeof label === 'string' ? label.trim() : '';
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client[Symbol.asyncDispose]();
  }
}

function numbersOf(answer: unknown): readonly number[] {
  const sized = answer as Sized<readonly number[]>;
  if ('value' in sized) return sized.value;
  throw new Error(`there are ${sized.length}, more than there was room for`);
}

/** What a function returned that did not return CKR_OK. */
export async function valueOf(work: Promise<unknown>): Promise<number> {
  try {
    await work;
  } catch (error) {
    if (error instanceof CkAnswer) return error.value;
    throw error;
  }
  return ck.CKR_OK;
}

export async function expectValue(work: Promise<unknown>, value: number): Promise<void> {
  const got = await valueOf(work);
  expect(`0x${got.toString(16)}`).toBe(`0x${value.toString(16)}`);
}

export type { Room };
