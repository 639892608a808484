/** A simulated desk in place of real readers: for test benches. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const SimulationSection = Type.Object(
  {
    authorityPort: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        ...notes({
          en: "Port of 127.0.0.1 where the scenario's test certification authority is served. 0 takes any free one.",
          sv: 'Port på 127.0.0.1 där scenariots testutfärdare finns. 0 tar en ledig.',
          reload: 'restart',
          flag: '--authority-port <N>',
          otherwise: { en: 'it is not served', sv: 'den finns inte' },
        }),
      }),
    ),
    authorityState: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'File that keeps what the test certification authority issued and revoked.',
          sv: 'Fil som sparar vad testutfärdaren har utfärdat och spärrat.',
          reload: 'restart',
          flag: '--authority-state <FILE>',
          isPath: true,
          otherwise: { en: 'it is forgotten', sv: 'det glöms' },
        }),
      }),
    ),
    scenario: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        ...notes({
          en: 'What is on the simulated desk: `office`, or the path of a scenario file.',
          sv: 'Vad som finns på det simulerade bordet: `office`, eller sökvägen till en scenariofil.',
          reload: 'restart',
          flag: '--simulate <SCENARIO>',
          otherwise: { en: 'real readers', sv: 'riktiga läsare' },
        }),
      }),
    ),
  },
  { additionalProperties: false },
);
