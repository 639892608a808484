/**
 * Everything that is known of one document, looked at: the findings that a set of rules then judges. What kortd read from the chip itself counts before what a scanner
 * says of it. Throws for no input.
 */
import type { MrzRepair } from '../../../apdu/icao9303/mrz-repair.ts';
import type { Mrz } from '../../../apdu/icao9303/mrz.ts';
import type { VerdictCheck } from '../../../api-spec/document.ts';
import type { Scan } from '../../../api-spec/scan/scan.ts';
import { comparisonChecks } from './comparisons.ts';
import { swedishDay } from './days.ts';
import { genuineReason, scanChecks, scannedChipChecks } from './device-checks.ts';
import { ageChecks, countryChecks, expiryChecks, listChecks } from './judgements.ts';
import type { ListMatch, ListedDocument } from './lists.ts';
import { electronicCheck } from './reasons.ts';
import type { RuleSet } from './rule-set.ts';
import { readZone, statementOfScan, statementOfZone, withoutEmpty, type Facts, type Statement, type Zone } from './statement.ts';
import { linesAsRead, vendorZoneChecks, zoneChecks } from './zone-checks.ts';
import type { Check } from '../check.ts';

/** A chip that kortd read. */
export interface ChipReading {
  readonly checks: readonly Check[];
  readonly mrz?: Mrz | undefined;
  /** Of DG11. */
  readonly person?: { readonly personalNumber?: string; readonly birthDate?: string } | undefined;
  /** Two letters; of the certificate that signed it. */
  readonly signerCountry?: string | undefined;
}

export interface DocumentInput {
  readonly typed?: Facts | undefined;
  /** Lines of a machine-readable zone, from a reader that gives nothing else. */
  readonly lines?: readonly string[] | undefined;
  readonly scan?: Scan | undefined;
  readonly chip?: ChipReading | undefined;
}

export interface ExamineOptions {
  readonly rules: RuleSet;
  readonly now: Date;
  readonly findOnLists: (documents: readonly ListedDocument[]) => readonly ListMatch[] | undefined;
}

export interface Examination {
  readonly checks: readonly VerdictCheck[];
  readonly statements: readonly Statement[];
  readonly corrections: readonly { readonly source: Zone['source']; readonly lineLength: number; readonly repair: MrzRepair }[];
  readonly isScanned: boolean;
  readonly isChipExpected: boolean;
}

export function examine(input: DocumentInput, { rules, now, findOnLists }: ExamineOptions): Examination {
  const { scan, chip } = input;
  const today = swedishDay(now);
  const zones = zonesOf(input);
  const statements = statementsOf(input, zones);
  const documents = statements.flatMap(({ facts: { documentNumber, issuer } }) =>
    documentNumber === undefined ? [] : [{ documentNumber, issuer }],
  );
  const signerCountry = chip ? chip.signerCountry : scan?.chip?.passive?.signer?.country;
  const checks = [
    ...zoneChecks(zones),
    ...(scan ? vendorZoneChecks(scan, zones) : []),
    ...comparisonChecks(statements, { today, typedFields: rules.typedFields }),
    ...expiryChecks(statements, today),
    ...ageChecks(statements, rules.minimumAge, today),
    ...listChecks(findOnLists(documents)),
    ...countryChecks(statements, signerCountry),
    ...(scan ? scanChecks(scan) : []),
    ...(chip ? chipChecks(chip) : scan ? scannedChipChecks(scan) : []),
  ];
  return {
    checks,
    statements,
    corrections: zones.flatMap(({ source, mrz, repairs }) =>
      repairs.map((repair) => ({ source, repair, lineLength: mrz?.lines[0]?.length ?? 1 })),
    ),
    isScanned: scan !== undefined,
    isChipExpected: chip !== undefined || scan?.document?.chipExpected === true || statements.some(isOfSweden),
  };
}

/** Swedish passports and national identity cards have had a chip since October 2005: all that are valid have one. */
function isOfSweden({ source, facts }: Statement): boolean {
  return source !== 'typed' && facts.issuer === 'SWE';
}

function zonesOf({ lines, scan, chip }: DocumentInput): readonly Zone[] {
  const scanned = scan?.mrz && scan.mrz.lines.length > 0 ? scan.mrz : undefined;
  const zones: Zone[] = [];
  if (scanned)
    zones.push(
      readZone(scanned.source === 'optical' ? 'mrz' : scanned.source === 'chip' ? 'chip' : 'zone', linesAsRead(scanned)),
    );
  if (lines && lines.length > 0) zones.push(readZone(zones.some(({ source }) => source === 'mrz') ? 'zone' : 'mrz', lines));
  if (chip?.mrz) {
    const own: Zone = { source: 'chip', mrz: chip.mrz, repairs: [] };
    return [...zones.filter(({ source }) => source !== 'chip'), own];
  }
  return zones.filter(({ source }, index) => zones.findIndex((zone) => zone.source === source) === index);
}

function statementsOf({ typed, scan, chip }: DocumentInput, zones: readonly Zone[]): readonly Statement[] {
  const ofZones = zones.flatMap(({ source, mrz }) => (mrz ? [statementOfZone(source, mrz)] : []));
  const known = typed ? withoutEmpty(typed) : {};
  const all = [
    ...(Object.keys(known).length > 0 ? [{ source: 'typed', facts: known } as const] : []),
    ...ofZones.map((statement) => (statement.source === 'chip' && chip ? withPerson(statement, chip) : statement)),
    ...(scan ? (['chip', 'viz', 'barcode'] as const).flatMap((source) => statementOfScan(source, scan) ?? []) : []),
  ];
  return all.filter(({ source }, index) => all.findIndex((other) => other.source === source) === index);
}

/** DG11 has what the zone has no room for. */
function withPerson(statement: Statement, { person }: ChipReading): Statement {
  const { personalNumber, birthDate } = person ?? {};
  return {
    ...statement,
    facts: {
      ...statement.facts,
      ...(personalNumber === undefined ? {} : { personalNumber: personalNumber.replaceAll('<', '') }),
      ...(birthDate === undefined || !statement.facts.birthDate?.includes('<') ? {} : { birthDate }),
    },
  };
}

const PROOFS = ['electronic.activeAuthentication', 'electronic.chipAuthentication', 'electronic.paceMapping'];

/** Check digits of the chip's zone are counted here with all others. */
function* chipChecks({ checks }: ChipReading): Generator<VerdictCheck> {
  for (const check of checks) if (!check.id.startsWith('mrz.')) yield { ...check, text: { ...check.text } };
  const proofs = checks.filter(({ id }) => PROOFS.includes(id)).map(({ verdict }) => verdict);
  yield electronicCheck('electronic.genuine', genuineReason(proofs));
}
