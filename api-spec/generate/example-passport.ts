/** Taken from a simulated desk: Anna Lindqvist's passport, its zone and details alone. */
import type { Params, Result } from '../methods/index.ts';

const result: Result<'passport.read'> = {
  reading: 'reading-3f6c1f0e-6d0b-4c3c-9a53-1f2b7f0d9c11',
  verdicts: {
    passive: 'passed',
    chip: 'passed',
  },
  checks: [
    {
      id: 'electronic.access',
      group: 'electronic',
      verdict: 'passed',
      reason: 'access_granted',
      text: {
        en: 'The chip opened by PACE.',
        sv: 'Chippet öppnades med PACE.',
      },
    },
    {
      id: 'electronic.read.com',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'EF.COM was read.',
        sv: 'EF.COM lästes.',
      },
    },
    {
      id: 'electronic.read.sod',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'EF.SOD was read.',
        sv: 'EF.SOD lästes.',
      },
    },
    {
      id: 'electronic.read.dg1',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'DG1 was read.',
        sv: 'DG1 lästes.',
      },
    },
    {
      id: 'electronic.read.dg11',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'DG11 was read.',
        sv: 'DG11 lästes.',
      },
    },
    {
      id: 'electronic.read.dg12',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'DG12 was read.',
        sv: 'DG12 lästes.',
      },
    },
    {
      id: 'electronic.read.dg14',
      group: 'electronic',
      verdict: 'passed',
      reason: 'file_read',
      text: {
        en: 'DG14 was read.',
        sv: 'DG14 lästes.',
      },
    },
    {
      id: 'electronic.passive.signature',
      group: 'electronic',
      verdict: 'passed',
      reason: 'signature_good',
      text: {
        en: 'The signature is by the key of the document signer.',
        sv: 'Underskriften är gjord med undertecknarens nyckel.',
      },
    },
    {
      id: 'electronic.passive.chain',
      group: 'electronic',
      verdict: 'passed',
      reason: 'chain_trusted',
      text: {
        en: 'The document signer was certified by a trusted country signing authority.',
        sv: 'Undertecknaren är certifierad av en betrodd landsutfärdare.',
      },
    },
    {
      id: 'electronic.passive.validity',
      group: 'electronic',
      verdict: 'passed',
      reason: 'signer_valid',
      text: {
        en: 'The certificate of the document signer was valid when the document was signed.',
        sv: 'Undertecknarens certifikat gällde när handlingen undertecknades.',
      },
    },
    {
      id: 'electronic.passive.revocation',
      group: 'electronic',
      verdict: 'passed',
      reason: 'signer_not_revoked',
      text: {
        en: 'The document signer is not on the revocation list.',
        sv: 'Undertecknaren finns inte på spärrlistan.',
      },
    },
    {
      id: 'electronic.passive.country',
      group: 'electronic',
      verdict: 'passed',
      reason: 'country_matches',
      text: {
        en: 'The state that issued the document is the country of its signer.',
        sv: 'Staten som utfärdat handlingen är undertecknarens land.',
      },
    },
    {
      id: 'electronic.passive.list',
      group: 'electronic',
      verdict: 'passed',
      reason: 'list_matches',
      text: {
        en: 'EF.COM lists what EF.SOD says was signed.',
        sv: 'EF.COM anger det som enligt EF.SOD undertecknades.',
      },
    },
    {
      id: 'electronic.passive.hash.dg1',
      group: 'electronic',
      verdict: 'passed',
      reason: 'hash_matches',
      text: {
        en: 'DG1 is what was signed.',
        sv: 'DG1 är det som undertecknades.',
      },
    },
    {
      id: 'electronic.passive.hash.dg2',
      group: 'electronic',
      verdict: 'notPerformed',
      reason: 'file_not_read',
      text: {
        en: 'DG2 was not asked for.',
        sv: 'DG2 efterfrågades inte.',
      },
    },
    {
      id: 'electronic.passive.hash.dg7',
      group: 'electronic',
      verdict: 'notPerformed',
      reason: 'file_not_read',
      text: {
        en: 'DG7 was not asked for.',
        sv: 'DG7 efterfrågades inte.',
      },
    },
    {
      id: 'electronic.passive.hash.dg11',
      group: 'electronic',
      verdict: 'passed',
      reason: 'hash_matches',
      text: {
        en: 'DG11 is what was signed.',
        sv: 'DG11 är det som undertecknades.',
      },
    },
    {
      id: 'electronic.passive.hash.dg12',
      group: 'electronic',
      verdict: 'passed',
      reason: 'hash_matches',
      text: {
        en: 'DG12 is what was signed.',
        sv: 'DG12 är det som undertecknades.',
      },
    },
    {
      id: 'electronic.passive.hash.dg14',
      group: 'electronic',
      verdict: 'passed',
      reason: 'hash_matches',
      text: {
        en: 'DG14 is what was signed.',
        sv: 'DG14 är det som undertecknades.',
      },
    },
    {
      id: 'electronic.chipAuthentication',
      group: 'electronic',
      verdict: 'passed',
      reason: 'chip_genuine',
      text: {
        en: 'The chip has the key that the issuer signed: it is no copy.',
        sv: 'Chippet har den nyckel som utfärdaren undertecknat: det är ingen kopia.',
      },
    },
    {
      id: 'electronic.activeAuthentication',
      group: 'electronic',
      verdict: 'notSupported',
      reason: 'chip_absent_key',
      text: {
        en: 'The document names no key by which its chip could prove itself in this way.',
        sv: 'Handlingen anger ingen nyckel som chippet kan visa sin äkthet med på detta sätt.',
      },
    },
    {
      id: 'electronic.paceMapping',
      group: 'electronic',
      verdict: 'notSupported',
      reason: 'chip_absent_key',
      text: {
        en: 'The document names no key by which its chip could prove itself in this way.',
        sv: 'Handlingen anger ingen nyckel som chippet kan visa sin äkthet med på detta sätt.',
      },
    },
    {
      id: 'electronic.terminalAuthentication',
      group: 'electronic',
      verdict: 'notPerformed',
      reason: 'terminal_not_known',
      text: {
        en: 'Fingerprints are for terminals with a national certificate; kortd has none.',
        sv: 'Fingeravtryck är för terminaler med nationellt certifikat; kortd har inget.',
      },
    },
    {
      id: 'mrz.chip.documentNumber',
      group: 'mrz',
      verdict: 'passed',
      reason: 'check_digit_right',
      text: {
        en: 'The check digit is right.',
        sv: 'Kontrollsiffran stämmer.',
      },
    },
    {
      id: 'mrz.chip.birthDate',
      group: 'mrz',
      verdict: 'passed',
      reason: 'check_digit_right',
      text: {
        en: 'The check digit is right.',
        sv: 'Kontrollsiffran stämmer.',
      },
    },
    {
      id: 'mrz.chip.expiryDate',
      group: 'mrz',
      verdict: 'passed',
      reason: 'check_digit_right',
      text: {
        en: 'The check digit is right.',
        sv: 'Kontrollsiffran stämmer.',
      },
    },
    {
      id: 'mrz.chip.optionalData',
      group: 'mrz',
      verdict: 'passed',
      reason: 'check_digit_right',
      text: {
        en: 'The check digit is right.',
        sv: 'Kontrollsiffran stämmer.',
      },
    },
    {
      id: 'mrz.chip.composite',
      group: 'mrz',
      verdict: 'passed',
      reason: 'check_digit_right',
      text: {
        en: 'The check digit is right.',
        sv: 'Kontrollsiffran stämmer.',
      },
    },
  ],
  person: {
    fullName: 'Lindqvist, Anna Maria',
    personalNumber: '198502149801',
    birthDate: '1985-02-14',
    placeOfBirth: ['Uppsala'],
  },
  document: {
    issuingAuthority: 'BENCH POLICE UTOPIA',
    issueDate: '2024-03-01',
  },
  access: {
    protocol: 'PACE',
    repairs: [],
  },
  mrz: {
    format: 'TD3',
    documentCode: 'P',
    issuer: 'UTO',
    documentNumber: 'XA1200011',
    nationality: 'UTO',
    sex: 'F',
    isConsistent: true,
    lines: ['P<UTOLINDQVIST<<ANNA<MARIA<<<<<<<<<<<<<<<<<<', 'XA12000110UTO8502142F3403015198502149801<<40'],
    surname: 'LINDQVIST',
    givenNames: 'ANNA MARIA',
    nameMayBeTruncated: false,
    birthDate: '1985-02-14',
    expiryDate: '2034-03-01',
    optionalData: ['198502149801'],
    checkDigits: [
      {
        field: 'documentNumber',
        found: '0',
        computed: 0,
        isRight: true,
      },
      {
        field: 'birthDate',
        found: '2',
        computed: 2,
        isRight: true,
      },
      {
        field: 'expiryDate',
        found: '5',
        computed: 5,
        isRight: true,
      },
      {
        field: 'optionalData',
        found: '4',
        computed: 4,
        isRight: true,
      },
      {
        field: 'composite',
        found: '0',
        computed: 0,
        isRight: true,
      },
    ],
  },
  signer: {
    subject: 'CN=BENCH DS ECDSA,O=BENCH kortd,C=UT',
    issuer: 'CN=BENCH CSCA-UTO 01,O=BENCH kortd,C=UT',
    country: 'UT',
    fingerprint: 'DF845205515023AAF2356B64A42C9257AAAC1ADD06EC006E7B53CFA70626C25E',
    serialNumber: '05',
    notBefore: '2006-01-01T00:00:00.000Z',
    notAfter: '2045-12-31T23:59:59.000Z',
  },
  exchanges: 26,
};

export const EXAMPLE_PASSPORT: { readonly params: Params<'passport.read'>; readonly result: Result<'passport.read'> } = {
  params: {
    card: { role: 'holder' },
    access: { documentNumber: 'XA1200011', birthDate: '1985-02-14', expiryDate: '2034-03-01' },
    dataGroups: ['DG1', 'DG11', 'DG12'],
  },
  result,
};
