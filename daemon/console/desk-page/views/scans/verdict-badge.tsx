/** A verdict: its sign, its word, its colour. */
import type { JSX } from 'preact';
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import { useTexts } from '../../language.ts';
import { Badge } from '../../parts.tsx';
import { VERDICT_SIGNS, VERDICT_TONES } from './scan-model.ts';
import { SCAN_TEXTS } from './scan-texts.ts';

export function VerdictBadge({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  return (
    <Badge tone={VERDICT_TONES[verdict]}>
      <span aria-hidden="true">{VERDICT_SIGNS[verdict]} </span>
      {useTexts(SCAN_TEXTS).verdicts[verdict]}
    </Badge>
  );
}
