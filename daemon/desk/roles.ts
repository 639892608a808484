/**
 * Roles of readers: who says which reader is for what, policy before what was assigned before what a simulated desk suggests; and the rules on the cards
 * that act in them. Which reader is there is the desk's affair.
 */
import type { ReaderSelector } from '../../api-spec/schemas.ts';
import type { TokenCertificate } from '../../apdu/token.ts';
import { parseReaderName } from '../../drivers/reader-name.ts';
import type { RolePolicy } from '../access/role-policy.ts';
import { ApiError } from '../errors.ts';
import type { CardIdentity } from '../identity/identity.ts';
import { findReaders, hasSelector, selectorOf, type KnownReader, type RoleBinding, type RoleReader } from './reader-selector.ts';
import type { RoleStore } from './role-store.ts';

export interface RolePolicies {
  readonly roles: ReadonlyMap<string, RolePolicy>;
  /** Present when a file was refused that may hold rules: nobody knows them. */
  readonly refused?: string;
}

export interface RolesOptions {
  readonly store: RoleStore;
  readonly policy: () => RolePolicies;
  /** What a simulated desk means its readers for; gone when they are taken back, until the next start. */
  readonly scenario?: ReadonlyMap<string, ReaderSelector>;
  /** Whose card it is, by its certificates; undefined when they do not tell, or do not count. */
  readonly holderOf: (certificates: readonly TokenCertificate[]) => CardIdentity | undefined;
}

export class Roles implements Disposable {
  readonly holderOf: RolesOptions['holderOf'];
  readonly #store: RoleStore;
  readonly #policy: () => RolePolicies;
  readonly #scenario: Map<string, ReaderSelector>;

  constructor({ store, policy, scenario = new Map(), holderOf }: RolesOptions) {
    this.#store = store;
    this.#policy = policy;
    this.#scenario = new Map(scenario);
    this.holderOf = holderOf;
  }

  /** Of every role that is bound or has rules, sorted. */
  get names(): readonly string[] {
    const { roles } = this.#policy();
    return [...new Set([...roles.keys(), ...this.#store.selectors.keys(), ...this.#scenario.keys()])].sort();
  }

  ruleOf(role: string): RolePolicy {
    return this.#policy().roles.get(role) ?? {};
  }

  /** Throws role_policy_refused while the rules are not known. */
  requireRules(): void {
    const { refused } = this.#policy();
    if (refused !== undefined)
      throw new ApiError('role_policy_refused', `looking up the rules of a role: ${refused} was refused`);
  }

  /** Throws role_by_policy when only the administrator can say which reader it is. */
  requireUnfixed(role: string): void {
    if (this.ruleOf(role).reader)
      throw new ApiError('role_by_policy', `choosing the reader of ${role}: a policy file says which it is`, { role });
  }

  find<R extends KnownReader>(readers: readonly R[]): ReadonlyMap<string, RoleReader<R>> {
    this.#noteShared(readers);
    return findReaders(this.#bindings(), readers, (serialNumber, stem) => this.#store.isShared(serialNumber, stem));
  }

  /** Binds the reader, for good. Throws role_by_policy, reader_has_role and reader_ambiguous; nothing is changed then. */
  assign<R extends KnownReader>(role: string, reader: R, readers: readonly R[]): void {
    const attempt = `binding ${reader.name} to ${role}`;
    this.requireUnfixed(role);
    const rival = this.#bindings().find((binding) => binding.role !== role && hasSelector(reader, binding.selector));
    if (rival) throw new ApiError('reader_has_role', `${attempt}: it is that of ${rival.role}`, { role: rival.role });
    const others = readers.filter((other) => other !== reader);
    const selector = selectorOf(reader, others, (serialNumber, stem) => this.#store.isShared(serialNumber, stem));
    if (!selector) throw new ApiError('reader_ambiguous', `${attempt}: another reader is just like it`, { reader: reader.name });
    this.#store.assign(role, selector);
  }

  /** Throws role_by_policy, and not_found when no reader is bound to the role. */
  remove(role: string): void {
    this.requireUnfixed(role);
    const wasSuggested = this.#scenario.delete(role);
    if (!this.#store.remove(role) && !wasSuggested)
      throw new ApiError('not_found', `taking the reader from ${role}: none is bound to it`, { what: 'role' });
  }

  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }

  #bindings(): readonly RoleBinding[] {
    return this.names.flatMap((role): readonly RoleBinding[] => {
      const bound = this.ruleOf(role).reader;
      if (bound) return [{ role, source: 'policy', selector: bound }];
      const assigned = this.#store.selectors.get(role);
      if (assigned) return [{ role, source: 'assigned', selector: assigned }];
      const suggested = this.#scenario.get(role);
      return suggested ? [{ role, source: 'scenario', selector: suggested }] : [];
    });
  }

  /** Two readers of one name and slot with the same serial number: one of them alone would be taken for either. */
  #noteShared(readers: readonly KnownReader[]): void {
    const seen = new Set<string>();
    for (const { name, serialNumber } of readers) {
      if (serialNumber === undefined) continue;
      const { stem, slot } = parseReaderName(name);
      const key = JSON.stringify([serialNumber, stem, slot]);
      if (seen.has(key)) this.#store.noteShared(serialNumber, stem);
      seen.add(key);
    }
  }
}
