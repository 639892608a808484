/** How a watched folder is configured. */
import Type, { type Static } from 'typebox';

export const FolderOptions = Type.Object(
  {
    /** Into which the vendor's software puts its files. Absolute. */
    folder: Type.String({ minLength: 1, maxLength: 4_096 }),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    /** How long a file must keep its size before it is taken: for software that does not rename when it is done. */
    stableMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 30_000 })),
    /** What becomes of files that were taken: deleted, or moved into the folder `done` beside them. They hold personal data. */
    afterwards: Type.Optional(Type.Enum(['delete', 'move'] as const)),
  },
  { additionalProperties: false },
);
export type FolderOptions = Static<typeof FolderOptions>;
