/** A scan of the simulated desk `office`, for the documents. The person is invented; the issuing state is none. */
import type { Result } from '../methods/index.ts';
import type { Scanner } from '../methods/scanner.ts';
import { SCAN_SCHEMA, type Scan } from '../scan/scan.ts';

export const EXAMPLE_SCANNER: Scanner = {
  id: 'desk.main',
  driver: 'simulated',
  model: 'Simulated Full Page',
  serialNumber: 'SCAN0000000001',
  status: 'ready',
  abilities: { mrz: true, lights: ['white', 'ir', 'uv'], chip: false, takesImages: false, verdicts: true },
};

export const EXAMPLE_SCAN_ID = 'b0c7a1de-5a0c-4f0a-8a35-1f2d7c6f9e11';

export const EXAMPLE_SCAN: Scan = {
  schema: SCAN_SCHEMA,
  id: EXAMPLE_SCAN_ID,
  startedAt: '2026-03-02T08:14:58.100Z',
  endedAt: '2026-03-02T08:15:00.000Z',
  origin: {
    scanner: EXAMPLE_SCANNER.id,
    driver: 'simulated',
    driverVersion: '1.0',
    device: { model: 'Simulated Full Page', serial: 'SCAN0000000001', firmware: '1.0' },
    simulated: true,
  },
  outcome: 'complete',
  document: { type: 'passport', size: 'ID-3', issuingState: 'UTO', model: { state: 'UTO', type: 'P', probability: 0.98 } },
  mrz: {
    format: 'TD3',
    lines: ['P<UTOTESTSSON<<EVA<LINNEA<<<<<<<<<<<<<<<<<<<', 'T123456787UTO8002147F3001019198002141234<<14'],
    source: 'optical',
    fields: {
      documentCode: 'P',
      issuer: 'UTO',
      surname: 'TESTSSON',
      givenNames: 'EVA LINNEA',
      nameMayBeTruncated: false,
      number: 'T12345678',
      nationality: 'UTO',
      birthDate: '800214',
      sex: 'F',
      expiry: '300101',
      optional: ['198002141234'],
    },
    checkDigits: [
      { field: 'documentNumber', read: '7', expected: '7', verdict: 'passed' },
      { field: 'birthDate', read: '7', expected: '7', verdict: 'passed' },
      { field: 'expiryDate', read: '9', expected: '9', verdict: 'passed' },
      { field: 'optionalData', read: '1', expected: '1', verdict: 'passed' },
      { field: 'composite', read: '4', expected: '4', verdict: 'passed' },
    ],
    corrections: [{ line: 2, position: 2, read: 'I', used: '1' }],
    verdict: 'passed',
  },
  fields: [{ name: 'surname', value: 'Testsson', values: [{ source: 'viz', value: 'Testsson', confidence: 0.97 }] }],
  images: [
    {
      id: 'page-uv',
      kind: 'page',
      page: 0,
      light: 'uv',
      dpi: 400,
      mediaType: 'image/png',
      width: 1970,
      height: 1380,
      size: 412_118,
      sha256: 'a3f5c1d9e8b7460f2c1d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7',
      content: '6b1c0a52-2f6b-4b0e-9d0e-3a5d4c1f7e90',
    },
  ],
  checks: [
    {
      ...{ id: 'optical.uv-dull', group: 'optical', verdict: 'passed', tr03135: ['UV', 'BR', 'FU'] },
      ...{ light: 'uv', image: 'page-uv', by: 'device' },
    },
  ],
  comparisons: [{ a: 'mrz', b: 'viz', verdict: 'passed' }],
  defects: [],
  verdict: {
    ...{ overall: 'passed', mrz: 'passed', optical: 'passed', electronic: 'notPerformed', combined: 'passed' },
    reasons: [],
  },
  warnings: [],
};

export const EXAMPLE_SCAN_SUMMARY: Result<'scanner.listScans'>['scans'][number] = {
  scan: EXAMPLE_SCAN_ID,
  scanner: EXAMPLE_SCANNER.id,
  startedAt: EXAMPLE_SCAN.startedAt,
  endedAt: EXAMPLE_SCAN.endedAt,
  outcome: 'complete',
  verdict: 'passed',
  pictures: 3,
  asker: 'https://portal.example',
};
