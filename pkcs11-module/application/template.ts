/** The template of an object that a program wants made (PKCS #11 v3.0, section 4.1): what it says, and whether it can be so. */
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import { decodeUlong, isBoolean, type Attribute } from '../rpc/attributes.ts';

export class Template {
  readonly #values = new Map<number, Uint8Array>();
  readonly #what: string;

  /** `known`: what may be in it. Throws CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT. */
  constructor(what: string, attributes: readonly Attribute[], known: ReadonlySet<number>) {
    this.#what = what;
    for (const { type, value } of attributes) {
      if (!known.has(type)) throw new CkError(ck.CKR_ATTRIBUTE_TYPE_INVALID, `${what}: attribute ${type} is not known here`);
      if (!(value instanceof Uint8Array) || (isBoolean(type) && value.length !== 1))
        throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `${what}: attribute ${type} has no value that it can have`);
      if (this.#values.has(type) && !equal(this.#values.get(type), value))
        throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `${what}: attribute ${type} is there twice`);
      this.#values.set(type, value);
    }
  }

  /** Undefined where it says nothing. */
  flag(type: number): boolean | undefined {
    const value = this.#values.get(type);
    return value && value[0] !== 0;
  }

  ulong(type: number): number | undefined {
    const value = this.#values.get(type);
    if (!value) return undefined;
    const number = decodeUlong(value);
    if (number !== undefined) return number;
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `${this.#what}: attribute ${type} is no number`);
  }

  /** Undefined also for an empty one: an object has none then. */
  bytes(type: number): Uint8Array | undefined {
    const value = this.#values.get(type);
    return value && value.length > 0 ? value : undefined;
  }

  /** Throws CKR_TEMPLATE_INCOMPLETE. */
  require<V>(value: V | undefined, name: string): V {
    if (value !== undefined) return value;
    throw new CkError(ck.CKR_TEMPLATE_INCOMPLETE, `${this.#what}: it has no ${name}`);
  }

  /** Throws CKR_TEMPLATE_INCONSISTENT for a number that is there and is another. */
  expectUlong(type: number, wanted: number): void {
    const value = this.ulong(type);
    if (value !== undefined && value !== wanted)
      throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `${this.#what}: attribute ${type} is ${value} where ${wanted} belongs`);
  }

  expectBytes(type: number, wanted: Uint8Array): void {
    const value = this.bytes(type);
    if (value && !equal(value, wanted))
      throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `${this.#what}: attribute ${type} contradicts the rest`);
  }

  /** Throws CKR_TEMPLATE_INCONSISTENT for a flag that no object here can have. */
  refuseFlag(type: number, unwanted: boolean): void {
    if (this.flag(type) === unwanted)
      throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `${this.#what}: attribute ${type} cannot be ${unwanted}`);
  }

  /** Objects that end with a session are not made. */
  requireToken(): void {
    if (this.flag(ck.CKA_TOKEN) !== true)
      throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `${this.#what}: it is not to be on the token, and nothing else is made`);
  }
}

function equal(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}
