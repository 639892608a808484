/** The place where programs use cards through PKCS #11. Whether they may change cards, a policy file says. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const Pkcs11SettingsSection = Type.Object(
  {
    lingerMs: Type.Integer({
      minimum: 1,
      maximum: 9_999_999,
      default: 30_000,
      ...notes({
        en: 'How many milliseconds the process that holds the connections of PKCS #11 programs stays without programs and without a daemon. One that runs already keeps its own.',
        sv: 'Hur många millisekunder processen som håller PKCS #11-programs anslutningar stannar kvar utan program och utan tjänst. En som redan körs behåller sitt värde.',
        reload: 'live',
        flag: '--pkcs11-linger <MS>',
      }),
    }),
  },
  { additionalProperties: false },
);
