/** Electronic travel documents on the wire: their files, the machine-readable zone, details, pictures. ICAO Doc 9303-3 and -10. */
import Type from 'typebox';
import { Closed } from './closed.ts';

/** That may be asked for: fingerprints and iris (DG3, DG4) are for terminals with a national certificate. */
export const DATA_GROUPS = [
  'DG1',
  'DG2',
  'DG5',
  'DG6',
  'DG7',
  'DG8',
  'DG9',
  'DG10',
  'DG11',
  'DG12',
  'DG13',
  'DG14',
  'DG15',
  'DG16',
] as const;
export const DOCUMENT_FILES = ['EF.CardAccess', 'EF.CardSecurity', 'EF.COM', 'EF.SOD', ...DATA_GROUPS] as const;

const Maybe = Type.Optional;
const day = (what: string) =>
  Maybe(Type.String({ description: `${what}: YYYY-MM-DD; parts that are not known are left out from the end.` }));

export const MachineReadableZone = Closed(
  {
    format: Type.Enum(['MRV-A', 'MRV-B', 'TD1', 'TD2', 'TD3'] as const),
    lines: Type.Array(Type.String()),
    documentCode: Type.String({ description: '"P", "ID": without fillers.' }),
    issuer: Type.String({ description: 'ICAO Doc 9303-3, section 5: "SWE".' }),
    surname: Type.String(),
    givenNames: Type.String(),
    nameMayBeTruncated: Type.Boolean(),
    documentNumber: Type.String(),
    nationality: Type.String(),
    birthDate: day('Of birth'),
    sex: Type.Enum(['F', 'M', 'unspecified'] as const),
    expiryDate: day('Of expiry'),
    optionalData: Type.Array(Type.String()),
    checkDigits: Type.Array(
      Closed({
        field: Type.Enum(['birthDate', 'composite', 'documentNumber', 'expiryDate', 'optionalData'] as const),
        found: Type.String({ description: 'As it stands there.' }),
        computed: Type.Integer(),
        isRight: Type.Boolean(),
      }),
    ),
    isConsistent: Type.Boolean({ description: 'Every check digit is right.' }),
  },
  'A machine-readable zone: every check digit computed here.',
);

export const PersonalDetails = Closed(
  {
    fullName: Maybe(Type.String()),
    personalNumber: Maybe(Type.String()),
    birthDate: Maybe(Type.String()),
    placeOfBirth: Maybe(Type.Array(Type.String())),
    address: Maybe(Type.Array(Type.String())),
    telephone: Maybe(Type.String()),
    profession: Maybe(Type.String()),
    title: Maybe(Type.String()),
  },
  'DG11: what is told of the person beyond the zone.',
);

export const DocumentDetails = Closed(
  {
    issuingAuthority: Maybe(Type.String()),
    issueDate: Maybe(Type.String()),
    endorsements: Maybe(Type.String()),
  },
  'DG12: what is told of the document.',
);

export const DocumentPicture = Closed({
  mediaType: Type.Enum(['image/jpeg', 'image/png'] as const, {
    description: 'JPEG as it is in the chip; what is JPEG 2000 there comes as PNG.',
  }),
  storedAs: Type.Enum(['image/jp2', 'image/jpeg', 'image/png'] as const),
  width: Type.Integer({ description: 'Pixels.' }),
  height: Type.Integer({ description: 'Pixels.' }),
  data: Type.String({ description: 'Base64.' }),
});

export const DocumentSigner = Closed(
  {
    subject: Type.String({ description: 'RFC 4514.' }),
    issuer: Type.String({ description: 'RFC 4514.' }),
    country: Type.String({ description: 'Two letters; empty when its certificate names none.' }),
    serialNumber: Type.String({ description: 'Hexadecimal.' }),
    notBefore: Type.String({ description: 'ISO 8601, UTC.' }),
    notAfter: Type.String({ description: 'ISO 8601, UTC.' }),
    fingerprint: Type.String({ description: 'SHA-256 of the DER, hexadecimal.' }),
  },
  'Who signed the document.',
);
