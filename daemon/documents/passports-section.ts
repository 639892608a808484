/** Section `passports` of the policy files: whose travel documents are trusted. */
import Type, { type Static } from 'typebox';

const paths = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { maxItems: 32 }));

export const PassportsSection = Type.Object(
  {
    /** Folders. */
    countrySigners: paths,
    /** Files: certificates of those who sign master lists, or of the authorities that certify them for it. */
    masterListSigners: paths,
  },
  { additionalProperties: false },
);
export type PassportsSection = Static<typeof PassportsSection>;
