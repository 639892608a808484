/** Where programs and pages reach kortd: ports of this computer alone, and Unix sockets. */
import Type from 'typebox';
import { DEFAULT_PORT } from '../../../api-spec/wire.ts';
import { notes } from '../option.ts';

const bounds = { minimum: 0, maximum: 65_535 } as const;

export const ListenSection = Type.Object(
  {
    consolePort: Type.Optional(
      Type.Integer({
        ...bounds,
        ...notes({
          en: 'Port of the page that shows the desk and asks for PINs and consent. 0 takes any free one.',
          sv: 'Port för sidan som visar bordet och frågar efter PIN och samtycke. 0 tar en ledig.',
          reload: 'restart',
          flag: '--console-port <N>',
          otherwise: { en: 'the next one after `listen.port`', sv: 'nästa efter `listen.port`' },
        }),
      }),
    ),
    port: Type.Integer({
      ...bounds,
      default: DEFAULT_PORT,
      ...notes({
        en: 'Port of the API on 127.0.0.1 and [::1]. 0 takes any free one.',
        sv: 'Port för API:et på 127.0.0.1 och [::1]. 0 tar en ledig.',
        reload: 'restart',
        flag: '--port <N>',
      }),
    }),
    tlsPort: Type.Optional(
      Type.Integer({
        ...bounds,
        ...notes({
          en: 'Port of https, where `kortd tls enable` was run. 0 takes any free one.',
          sv: 'Port för https, där `kortd tls enable` har körts. 0 tar en ledig.',
          reload: 'restart',
          flag: '--tls-port <N>',
          otherwise: { en: 'the second after `listen.port`', sv: 'den andra efter `listen.port`' },
        }),
      }),
    ),
    userSockets: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'Folder with a folder for each user, which only that user can enter: a Unix socket is made in each.',
          sv: 'Mapp med en mapp för varje användare, som bara den användaren kommer in i: i var och en skapas en Unix-socket.',
          reload: 'restart',
          flag: '--user-sockets <DIR>',
          isPath: true,
          otherwise: { en: 'no further sockets', sv: 'inga fler socketar' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
