/** Check digits of a machine-readable zone (ICAO Doc 9303-3, section 4.9), each an entry: computed here, whoever read the zone. */
import type { Mrz, MrzCheck } from '../../apdu/icao9303/mrz.ts';
import { makeChecks, type Check } from './check.ts';

const mrzCheck = makeChecks('mrz', {
  check_digit_right: { verdict: 'passed', en: 'The check digit is right.', sv: 'Kontrollsiffran stämmer.' },
  check_digit_wrong: {
    verdict: 'failed',
    en: 'The check digit is not what the characters before it give.',
    sv: 'Kontrollsiffran stämmer inte med tecknen som den gäller.',
  },
});

/** `id` begins with it: "mrz.chip" gives "mrz.chip.birthDate". */
export function checkDigits({ checks }: Mrz, prefix: string): readonly Check[] {
  return checks.map(({ field, isRight }: MrzCheck) =>
    mrzCheck(`${prefix}.${field}`, isRight ? 'check_digit_right' : 'check_digit_wrong'),
  );
}
