import Type from 'typebox';
import { DocumentCheck, Verdict } from '../document-check.ts';
import { CARD_ERRORS } from '../errors.ts';
import { defineMethod } from '../method.ts';
import { Closed, Id, cardParams } from '../schemas.ts';
import {
  DATA_GROUPS,
  DOCUMENT_FILES,
  DocumentDetails,
  DocumentPicture,
  DocumentSigner,
  MachineReadableZone,
  PersonalDetails,
} from '../travel-document.ts';

const Day = (what: string) =>
  Type.String({
    pattern: '^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|(?:[0-9]{2}|<<){3})$',
    description: `${what}: YYYY-MM-DD, or YYMMDD as it stands in the zone.`,
  });

const Access = Type.Union(
  [
    Closed({
      mrz: Type.String({
        minLength: 60,
        maxLength: 120,
        description: 'The lines of the machine-readable zone, one below the other or without anything between them.',
      }),
    }),
    Closed({
      documentNumber: Type.String({ pattern: '^[0-9A-Z<]{1,22}$' }),
      birthDate: Day('Of birth'),
      expiryDate: Day('Of expiry'),
    }),
    Closed({ can: Type.String({ pattern: '^[0-9]{6}$', description: 'Card access number: six digits on the front of cards.' }) }),
  ],
  {
    description:
      'What is printed on the document and opens it. It is used for this call, and kept nowhere. What a camera misread is put right only where the check digits prove it.',
  },
);

const MrzRepair = Closed({
  position: Type.Integer({ description: 'From 0, within all lines put after each other.' }),
  from: Type.String(),
  to: Type.String(),
});

export const passportMethods = {
  'passport.read': defineMethod({
    summary:
      'Read a passport or an identity card with a chip, and say of each thing whether it is genuine. passport.progress tells how far it has come.',
    attempt: { en: 'Reading the document', sv: 'Att läsa handlingen' },
    since: 1,
    scope: 'document.read',
    rest: { verb: 'POST', path: '/v1/passports/read' },
    timeoutMs: 120_000,
    params: Closed({
      ...cardParams,
      access: Access,
      dataGroups: Type.Optional(
        Type.Array(Type.Enum(DATA_GROUPS), {
          minItems: 1,
          maxItems: DATA_GROUPS.length,
          uniqueItems: true,
          description: 'To be read. Default: DG1, DG2, DG7, DG11 and DG12.',
        }),
      ),
      provesChip: Type.Optional(
        Type.Boolean({ description: 'Have the chip prove that it is no copy, which takes DG14 and DG15. Default: true.' }),
      ),
      requiresGenuineChip: Type.Optional(
        Type.Boolean({
          description: 'End with chip_not_genuine, and give nothing out, when the chip fails to prove itself. Default: false.',
        }),
      ),
      includesFiles: Type.Optional(Type.Boolean({ description: 'Give out the files as they were read, too. Default: false.' })),
    }),
    result: Closed({
      reading: Id('reading'),
      verdicts: Closed(
        {
          passive: Verdict,
          chip: Verdict,
        },
        'passive: what was read is what the issuing state signed. chip: it is no copy. Each is the worst of its checks.',
      ),
      checks: Type.Array(DocumentCheck, { description: 'Everything that was looked at, also what could not be.' }),
      access: Closed({
        protocol: Type.Enum(['BAC', 'PACE'] as const),
        repairs: Type.Array(MrzRepair, { description: 'Characters of the given zone that were taken for others.' }),
      }),
      mrz: Type.Optional(MachineReadableZone),
      person: Type.Optional(PersonalDetails),
      document: Type.Optional(DocumentDetails),
      portrait: Type.Optional(DocumentPicture),
      signature: Type.Optional(DocumentPicture),
      signer: Type.Optional(DocumentSigner),
      files: Type.Optional(
        Type.Array(Closed({ name: Type.Enum(DOCUMENT_FILES), data: Type.String({ description: 'The whole file, base64.' }) })),
      ),
      exchanges: Type.Integer({ description: 'Commands that were sent to the card.' }),
    }),
    errors: [...CARD_ERRORS, 'chip_not_genuine', 'document_access_refused', 'mrz_invalid'],
  }),
};
