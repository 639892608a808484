/** The suite of tokens over every card that kortd knows, in simulated readers. */
import { CARDS_UNDER_TEST, openInMemory } from './token-benches.ts';
import { describeToken } from './token-suite.ts';

for (const card of CARDS_UNDER_TEST) describeToken(card.name, { facts: card.facts, open: () => openInMemory(card) });
