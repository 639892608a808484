/** The `roles` and `ignoredReaders` of a policy file: which reader is for what, and which card may act there. */
import Type, { type Static } from 'typebox';
import { ROLE_PATTERN } from '../../api-spec/schemas.ts';

const strict = { additionalProperties: false } as const;
const text = Type.String({ minLength: 1, maxLength: 128 });
const roleName = Type.String({ pattern: ROLE_PATTERN });

const ReaderRule = Type.Object(
  {
    serialNumber: Type.Optional(text),
    usbPath: Type.Optional(Type.String({ pattern: '^\\d{1,3}-\\d{1,3}(?:\\.\\d{1,3}){0,6}$' })),
    name: Type.Optional(text),
    slot: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
  },
  strict,
);

/** A card has a rule when it has all that the rule names. */
const CardRule = Type.Object(
  {
    cardNumber: Type.Optional(Type.String({ pattern: '^\\d{1,32}$' })),
    hsaId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,31}$' })),
    policy: Type.Optional(Type.String({ pattern: '^[0-2](?:\\.\\d{1,39}){1,40}$' })),
  },
  { ...strict, minProperties: 1 },
);
export type CardRule = Static<typeof CardRule>;

const RolePolicyFile = Type.Object(
  {
    reader: Type.Optional(ReaderRule),
    /** The card must have one of them. */
    cards: Type.Optional(Type.Array(CardRule, { minItems: 1, maxItems: 1_000 })),
    notSamePersonAs: Type.Optional(Type.Array(roleName, { maxItems: 16 })),
  },
  strict,
);
export type RolePolicy = Static<typeof RolePolicyFile>;

export const RolesSection = Type.Optional(Type.Record(Type.String(), RolePolicyFile));
export const IgnoredReadersSection = Type.Optional(Type.Array(text, { maxItems: 100 }));

interface RoleSections {
  readonly roles?: Readonly<Record<string, RolePolicy>>;
}

/** Throws for what the schema cannot say. */
export function checkRoles({ roles = {} }: RoleSections): void {
  for (const [role, { reader, notSamePersonAs = [] }] of Object.entries(roles)) {
    if (!new RegExp(ROLE_PATTERN).test(role)) throw new Error(`roles: ${role} is no name of a role`);
    if (reader && reader.serialNumber === undefined && reader.usbPath === undefined && reader.name === undefined)
      throw new Error(`roles: ${role}.reader names neither serialNumber nor usbPath nor name`);
    if (notSamePersonAs.includes(role)) throw new Error(`roles: ${role} cannot be somebody else than itself`);
  }
}

/** Of several files the last one that says a member of a role counts. */
export function mergeRoles(contents: readonly RoleSections[]): ReadonlyMap<string, RolePolicy> {
  const merged = new Map<string, RolePolicy>();
  for (const { roles = {} } of contents)
    for (const [role, policy] of Object.entries(roles)) merged.set(role, { ...merged.get(role), ...policy });
  return merged;
}

/** A file that was refused may hold rules, or say whose certificates count in them, unless its content can be read and does not. */
export function mayHoldRoles(content: unknown): boolean {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return true;
  return 'roles' in content || 'identity' in content;
}
