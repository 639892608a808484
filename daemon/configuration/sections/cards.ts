/** What is remembered of cards that were read. Whether anything is, a policy file says. */
import Type from 'typebox';
import { notes } from '../option.ts';

export const CardsSection = Type.Object(
  {
    rememberedCards: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 200,
      ...notes({
        en: 'Of how many cards the contents are remembered; the one that was not used for longest goes first.',
        sv: 'För hur många kort innehållet sparas; det som längst inte använts försvinner först.',
        reload: 'live',
      }),
    }),
    rememberedDays: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 90,
      ...notes({
        en: 'How many days after its last use the contents of a card are remembered.',
        sv: 'Hur många dagar efter senaste användning ett korts innehåll sparas.',
        reload: 'live',
      }),
    }),
  },
  { additionalProperties: false },
);
