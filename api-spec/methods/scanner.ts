/** scanner.*: identity documents before a camera. */
import Type, { type Static } from 'typebox';
import { DocumentVerdict } from '../document.ts';
import { defineMethod, PERSON_TIMEOUT_MS } from '../method.ts';
import { ByteSource, Closed, Id, Time } from '../schemas.ts';
import { ImageId, ImageKind, ScanLight, ScanOutcome } from '../scan/report.ts';
import { Scan } from '../scan/scan.ts';
import { VERDICTS, Verdict } from '../scan/verdict.ts';
import { SCAN_ERRORS } from '../scanner-errors.ts';

export const Scanner = Closed(
  {
    id: Id('scanner'),
    driver: Type.String({ maxLength: 64, description: 'How kortd reaches it: serial-mrz, folder, helper, a vendor’s service.' }),
    model: Type.String({ maxLength: 200 }),
    serialNumber: Type.Optional(Type.String({ maxLength: 100 })),
    firmware: Type.Optional(Type.String({ maxLength: 100 })),
    status: Type.Enum(['ready', 'busy', 'gone', 'failed', 'unlicensed'] as const, {
      description: 'busy: a scan is under way. gone: it is not connected, and is looked for.',
    }),
    problem: Type.Optional(Type.String({ maxLength: 300, description: 'Why it is not ready.' })),
    abilities: Closed({
      mrz: Type.Boolean({ description: 'Reads machine-readable zones.' }),
      lights: Type.Array(ScanLight, { maxItems: 8, description: 'In which it takes pictures.' }),
      chip: Type.Boolean({ description: 'Reads the chip of the document.' }),
      takesImages: Type.Boolean({ description: 'Judges pictures that are given to it.' }),
      verdicts: Type.Boolean({ description: 'Judges whether the document is genuine, by its own means.' }),
    }),
  },
  'A scanner of identity documents.',
);
export type Scanner = Static<typeof Scanner>;

const ScanSummary = Closed(
  {
    scan: Id('scan'),
    scanner: Id('scanner'),
    startedAt: Time(),
    endedAt: Time(),
    outcome: ScanOutcome,
    verdict: Verdict,
    pictures: Type.Integer({ minimum: 0, description: 'How many were taken.' }),
    asker: Type.String({ maxLength: 300, description: 'Origin of the page, or the program, that had it scanned.' }),
    judged: Type.Optional(Type.Enum(VERDICTS, { description: 'What document.verify came to, the latest time.' })),
  },
  'A scan in a list: nothing of whose document it was.',
);

export const scannerMethods = {
  'scanner.cancel': defineMethod({
    summary: 'End the scan that the caller has under way at a scanner. The call that started it fails with scan_cancelled.',
    attempt: { en: 'Cancelling the scan', sv: 'Att avbryta inläsningen' },
    since: 1,
    scope: 'scanner',
    rest: { verb: 'POST', path: '/v1/scanners/cancel' },
    params: Closed({ scanner: Id('scanner') }),
    result: Closed({ cancelled: Type.Boolean({ description: 'False: the caller had none under way there.' }) }),
    errors: ['scanner_not_found'],
  }),
  'scanner.get': defineMethod({
    summary: 'A scan that the caller made, as long as it is kept.',
    attempt: { en: 'Looking the scan up', sv: 'Att slå upp inläsningen' },
    since: 1,
    scope: 'scanner',
    rest: { verb: 'POST', path: '/v1/scanners/get' },
    params: Closed({ scan: Id('scan') }),
    result: Closed({ scan: Scan }),
    errors: ['scan_not_found'],
  }),
  'scanner.list': defineMethod({
    summary: 'Every scanner of identity documents, as the file scanners.json in the data folder names them.',
    attempt: { en: 'Listing the scanners', sv: 'Att lista skannrarna' },
    since: 1,
    scope: 'scanner',
    rest: { verb: 'GET', path: '/v1/scanners' },
    params: Closed({}),
    result: Closed({
      scanners: Type.Array(Scanner),
      problems: Type.Array(Type.String(), { description: 'What is wrong with the file.' }),
    }),
    errors: [],
  }),
  'scanner.listScans': defineMethod({
    summary:
      'The scans that are kept, of all pages and programs of the caller’s user, the latest first. Whose documents they were is not told.',
    attempt: { en: 'Listing the scans', sv: 'Att lista inläsningarna' },
    since: 1,
    scope: 'scanner.review',
    rest: { verb: 'GET', path: '/v1/scanners/scans' },
    params: Closed({}),
    result: Closed({ scans: Type.Array(ScanSummary) }),
    errors: [],
  }),
  'scanner.picture': defineMethod({
    summary:
      'A picture of a scan that the caller’s user is reviewing, as a browser can show it: after scanner.review, and as long as the scan is kept.',
    attempt: { en: 'Showing the picture', sv: 'Att visa bilden' },
    since: 1,
    scope: 'scanner.review',
    rest: { verb: 'POST', path: '/v1/scanners/picture' },
    params: Closed({ scan: Id('scan'), image: ImageId }),
    result: Closed({
      mediaType: Type.Enum(['image/jpeg', 'image/png'] as const),
      data: Type.String({ description: 'Base64 of at most 8 MB; what is longer, or JPEG 2000, is made a JPEG.' }),
    }),
    errors: ['picture_invalid', 'scan_not_found'],
  }),
  'scanner.review': defineMethod({
    summary:
      'Look at a scan of any page or program of the caller’s user: all that was found, and what document.verify made of it. Leaves a record in the audit log; its pictures come by scanner.picture.',
    attempt: { en: 'Reviewing the scan', sv: 'Att granska inläsningen' },
    since: 1,
    scope: 'scanner.review',
    rest: { verb: 'POST', path: '/v1/scanners/review' },
    params: Closed({ scan: Id('scan') }),
    result: Closed({
      scan: Scan,
      asker: Type.String({ maxLength: 300 }),
      verdicts: Type.Array(DocumentVerdict, { description: 'The latest first. Those that are kept.' }),
    }),
    errors: ['scan_not_found'],
  }),
  'scanner.scan': defineMethod({
    summary:
      'Scan one identity document. The result is kept for a while under its id, for document.verify. Its pictures are fetched as contents, and go after ten minutes.',
    attempt: { en: 'Scanning the document', sv: 'Att läsa in handlingen' },
    since: 1,
    scope: 'scanner',
    rest: { verb: 'POST', path: '/v1/scanners/scan' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({
      scanner: Type.Optional(
        Type.String({ minLength: 1, maxLength: 64, description: 'Id of the scanner. Left out: the only one that is there.' }),
      ),
      lights: Type.Optional(Type.Array(ScanLight, { minItems: 1, maxItems: 8, description: 'Default: all that it has.' })),
      readsChip: Type.Optional(Type.Boolean({ description: 'Read the chip, where the scanner can. Default: true.' })),
      images: Type.Optional(
        Type.Array(
          Closed({
            image: ByteSource('A JPEG, PNG or JPEG 2000'),
            kind: Type.Optional(ImageKind),
            light: Type.Optional(ScanLight),
            page: Type.Optional(Type.Integer({ minimum: 0, maximum: 99 })),
          }),
          { maxItems: 16, description: 'For scanners that judge pictures: taken elsewhere.' },
        ),
      ),
    }),
    result: Closed({ scan: Scan }),
    errors: [...SCAN_ERRORS],
  }),
};
