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
    socket: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        ...notes({
          en: 'Unix socket where programs come, instead of the one in the data folder. The members of its group may use it too: its folder says who gets there.',
          sv: 'Unix-socket dit program kommer, i stället för den i datamappen. Även gruppens medlemmar får använda den: dess mapp avgör vem som når dit.',
          reload: 'restart',
          flag: '--pkcs11-socket <PATH>',
          isPath: true,
          otherwise: { en: 'in the data folder, for its user alone', sv: 'i datamappen, bara för dess användare' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
