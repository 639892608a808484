/**
 * The one source of what the configuration file may say. To add a section: a file in `sections/`, a row in SECTIONS; then `node daemon/configuration/generate.ts`.
 * An option with a fixed default is not optional in its section, so that code finds a value; in the file everything is optional.
 */
import Type, { type Static, type TObject, type TSchema } from 'typebox';
import { notesOf, type OptionNotes } from './option.ts';
import { AccessSection } from './sections/access.ts';
import { AuditSection } from './sections/audit.ts';
import { CardsSection } from './sections/cards.ts';
import { FoldersSection } from './sections/folders.ts';
import { ListenSection } from './sections/listen.ts';
import { LogSection } from './sections/log.ts';
import { Pkcs11SettingsSection } from './sections/pkcs11.ts';
import { SimulationSection } from './sections/simulation.ts';
import { TelemetrySection } from './sections/telemetry.ts';

/** Sorted by name. */
const SECTIONS = {
  access: AccessSection,
  audit: AuditSection,
  cards: CardsSection,
  folders: FoldersSection,
  listen: ListenSection,
  log: LogSection,
  pkcs11: Pkcs11SettingsSection,
  simulation: SimulationSection,
  telemetry: TelemetrySection,
};

/** Every option that has a value. */
export const SettingsSchema = Type.Object(SECTIONS, { additionalProperties: false });
export type Settings = Static<typeof SettingsSchema>;

export interface Option {
  readonly section: string;
  readonly name: string;
  /** "listen.port". */
  readonly path: string;
  readonly schema: TSchema;
  readonly notes: OptionNotes;
}

/** In the order of the sections and their options. */
export const OPTIONS: readonly Option[] = Object.entries<TObject>(SECTIONS).flatMap(([section, { properties }]) =>
  Object.entries(properties).map(([name, schema]) => ({
    ...{ section, name, schema },
    path: `${section}.${name}`,
    notes: notesOf(schema),
  })),
);

const asInFile = ({ properties }: TObject): TSchema =>
  Type.Optional(
    Type.Object(Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)])), {
      additionalProperties: false,
    }),
  );

/** The file: sections with any of their options. */
export const FileSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'Where an editor finds this schema.' })),
    comment: Type.Optional(Type.String({ description: 'For people.' })),
    ...Object.fromEntries(Object.entries<TObject>(SECTIONS).map(([name, section]) => [name, asInFile(section)])),
  },
  { additionalProperties: false, title: 'kortd.json', description: 'The configuration of one kortd.' },
);

/** JSON Schema 2020-12, for editors and configuration management. */
export function configurationJsonSchema(): object {
  const plain: unknown = JSON.parse(JSON.stringify(FileSchema));
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...withoutNotes(plain) };
}

/** The notes become keywords that others understand. */
function withoutNotes(value: unknown): object {
  return Object.fromEntries(
    Object.entries(value ?? {}).flatMap(([name, inner]: [string, unknown]): (readonly [string, unknown])[] => {
      if (name === 'x-kortd') return keywordsOf(inner as OptionNotes);
      const isPlain = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
      return [[name, isPlain ? withoutNotes(inner) : inner]];
    }),
  );
}

function keywordsOf({ sv, reload, flag, isSecret }: OptionNotes): (readonly [string, unknown])[] {
  return [
    ['x-description-sv', sv],
    ['x-reload', reload],
    ...(flag === undefined ? [] : [['x-flag', flag] as const]),
    ...(isSecret ? [['writeOnly', true] as const] : []),
  ];
}
