/**
 * What a scanner, or the service behind it, says of a document, as checks: each light by itself, the chip, the face. It is taken for what it is: somebody else's
 * finding. That a check failed which a genuine document may fail does not fail the document, and cannot pass it.
 */
import type { VerdictCheck } from '../../../api-spec/document.ts';
import type { Scan } from '../../../api-spec/scan/scan.ts';
import { worstVerdict, type Verdict } from '../check.ts';
import { electronicCheck, opticalCheck, portraitCheck, qualityCheck, serviceCheck } from './reasons.ts';

type Light = 'axial' | 'ir' | 'other' | 'uv' | 'white';

const LIGHTS: Readonly<Record<string, Light>> = {
  axial: 'axial',
  ir: 'ir',
  uv: 'uv',
  white: 'white',
  whiteSide: 'white',
  whiteTop: 'white',
};
const OUTCOMES = { aborted: 'scan_aborted', complete: 'scan_complete', partial: 'scan_partial' } as const;

export function* scanChecks(scan: Scan): Generator<VerdictCheck> {
  yield { ...serviceCheck('service.scan', OUTCOMES[scan.outcome]), by: 'scan' };
  for (const [index, check] of scan.checks.entries()) {
    const { group, verdict, critical = true } = check;
    const reason = verdict === 'failed' && !critical ? 'told_failed_lightly' : (`told_${verdict}` as const);
    const name = `${idPart(check.id)}-${index}`;
    if (group === 'optical') yield { ...opticalCheck(`optical.${lightOf(check)}.${name}`, reason), by: 'scan' };
    if (group === 'quality') yield { ...qualityCheck(`quality.${name}`, reason), by: 'scan' };
    if (group === 'service' || group === 'combined') yield { ...serviceCheck(`service.${group}.${name}`, reason), by: 'scan' };
    if (group === 'electronic') yield { ...electronicCheck(`electronic.told.${name}`, reason), by: 'scan' };
  }
  yield* portraitChecks(scan);
}

function lightOf({ light, tr03135 }: Scan['checks'][number]): Light {
  // The first of the triple is the light: IR, UV, VI (ICAO Doc 9303-2, appendix C).
  const named = light ?? { IR: 'ir', UV: 'uv', VI: 'white' }[tr03135?.[0] ?? ''] ?? '';
  return (Object.hasOwn(LIGHTS, named) ? LIGHTS[named] : undefined) ?? 'other';
}

/** Of the ids of drivers only what may stand in ours. */
function idPart(id: string): string {
  return id
    .replace(/^[a-z]+\./, '')
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 60);
}

/** The face on the page, or of the person, against the one in the chip. */
function* portraitChecks({ comparisons }: Scan): Generator<VerdictCheck> {
  for (const [index, { a, b, verdict }] of comparisons.entries())
    if ([a, b].some((side) => side.startsWith('portrait')))
      yield { ...portraitCheck(`combined.portrait.${index}`, `told_${verdict}`), by: 'scan' };
}

/** The chip as a scanner read it. Where kortd read it itself, that counts and this is not asked. */
export function* scannedChipChecks({ chip }: Scan): Generator<VerdictCheck> {
  if (!chip) return;
  const told = function* (id: string, verdict: Verdict | undefined): Generator<VerdictCheck> {
    if (verdict !== undefined) yield { ...electronicCheck(id, `told_${verdict}`), by: 'scan' };
  };
  yield* told(
    'electronic.read.dg1',
    worstVerdict([chip.present, ...(chip.dataGroups ?? []).filter(({ dg }) => dg === 1).flatMap(({ read = [] }) => read)]),
  );
  yield* told('electronic.access', worstAccess(chip.access));
  const { passive } = chip;
  if (passive) {
    yield* told('electronic.passive.verdict', passive.verdict);
    yield* told('electronic.passive.signature', passive.sodSignature);
    yield* told('electronic.passive.chain', passive.chain);
    yield* told('electronic.passive.validity', passive.certificateValidity);
    yield* told('electronic.passive.revocation', passive.revocation);
    yield* told('electronic.passive.country', passive.countryMatch);
  }
  for (const { dg, hash } of chip.dataGroups ?? []) yield* told(`electronic.passive.hash.dg${dg}`, hash);
  yield* told('electronic.activeAuthentication', chip.active);
  yield* told('electronic.chipAuthentication', chip.chipAuthentication);
  yield { ...electronicCheck('electronic.genuine', genuineReason([chip.active, chip.chipAuthentication])), by: 'scan' };
}

function worstAccess(access: NonNullable<Scan['chip']>['access']): Verdict | undefined {
  const told = [access?.pace, access?.bac].filter((verdict) => verdict !== undefined);
  return told.find((verdict) => verdict === 'passed') ?? told[0];
}

/** Chip authentication or active authentication: one of them is enough, and none may have failed. */
export function genuineReason(
  verdicts: readonly (Verdict | undefined)[],
): 'chip_genuine_told' | 'chip_not_genuine_told' | 'chip_proof_untold' | 'told_aborted' | 'told_undetermined' {
  if (verdicts.includes('failed')) return 'chip_not_genuine_told';
  if (verdicts.includes('passed')) return 'chip_genuine_told';
  if (verdicts.includes('aborted')) return 'told_aborted';
  return verdicts.includes('undetermined') ? 'told_undetermined' : 'chip_proof_untold';
}
