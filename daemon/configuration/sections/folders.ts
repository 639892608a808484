/** Where kortd keeps its data and finds its policy. */
import Type from 'typebox';
import { DEFAULT_POLICY_FOLDER } from '../../access/policy.ts';
import { notes } from '../option.ts';

export const FoldersSection = Type.Object(
  {
    data: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'Folder of the databases, the access token and the address of the daemon; its owner alone gets in.',
          sv: 'Mapp för databaserna, åtkomstnyckeln och tjänstens adress; bara ägaren kommer åt den.',
          reload: 'restart',
          flag: '--data-dir <DIR>',
          isPath: true,
          otherwise: {
            en: '`$XDG_STATE_HOME/kortd`, else `~/.local/state/kortd`',
            sv: '`$XDG_STATE_HOME/kortd`, annars `~/.local/state/kortd`',
          },
        }),
      }),
    ),
    policy: Type.String({
      minLength: 1,
      maxLength: 4_096,
      default: DEFAULT_POLICY_FOLDER,
      ...notes({
        en: 'Folder of the policy files (`*.json`), read in the order of their names.',
        sv: 'Mapp för policyfilerna (`*.json`), som läses i namnordning.',
        reload: 'restart',
        flag: '--policy-dir <DIR>',
        isPath: true,
      }),
    }),
  },
  { additionalProperties: false },
);
