/** Which ceremonies are broken off, on which cards, and how they would end. */
import type { AuthorityProtocol } from './authority.ts';
import { cardKind, type CardKind } from './cards.ts';

export interface Scenario {
  readonly id: string;
  readonly card: CardKind;
  readonly routine: string;
  /** `nothing`: with its very first call. `ordered`: when the card is next. */
  readonly from: 'nothing' | 'ordered';
  /** `confirm`: the card is confirmed. `cancel`: it is cancelled when the certificates are on it. `late`: the receipt is not signed in time. */
  readonly ending: 'cancel' | 'confirm' | 'late';
  /** The certificates come from an authority that kortd asks itself; else the caller brings them. */
  readonly authority?: AuthorityProtocol;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
}

const RESERVE = 'reserve-card-loa3';
const onEid = { routine: RESERVE, from: 'ordered', card: cardKind('eid-plain') } as const;

/** RSA keys take long: fewer of those. */
export const SCENARIOS: readonly Scenario[] = [
  { id: 'eid-plain-confirm', ...onEid, ending: 'confirm', weight: 5 },
  { id: 'eid-plain-cancel', ...onEid, ending: 'cancel', weight: 3 },
  { id: 'eid-plain-late', ...onEid, ending: 'late', weight: 3 },
  { id: 'eid-plain-whole', ...onEid, from: 'nothing', ending: 'confirm', weight: 1 },
  { id: 'eid-plain-est', ...onEid, ending: 'confirm', authority: 'est', weight: 2 },
  { id: 'eid-plain-cmp', ...onEid, ending: 'confirm', authority: 'cmp', weight: 3 },
  { id: 'eid-plain-cmp-cancel', ...onEid, ending: 'cancel', authority: 'cmp', weight: 1 },
  { id: 'eid-myeid-confirm', ...onEid, card: cardKind('eid-myeid'), ending: 'confirm', weight: 3 },
  { id: 'eid-myeid-cancel', ...onEid, card: cardKind('eid-myeid'), ending: 'cancel', weight: 2 },
  { id: 'eid-nidel-confirm', ...onEid, card: cardKind('eid-nidel'), ending: 'confirm', weight: 1 },
  { id: 'piv-yubikey-confirm', ...onEid, card: cardKind('piv-yubikey'), ending: 'confirm', weight: 4 },
  { id: 'piv-yubikey-cancel', ...onEid, card: cardKind('piv-yubikey'), ending: 'cancel', weight: 2 },
  {
    id: 'piv-yubikey-renewal',
    ...{ card: cardKind('piv-yubikey'), routine: 'renewal', from: 'nothing', ending: 'confirm', weight: 3 },
  },
  { id: 'piv-old-confirm', ...onEid, card: cardKind('piv-old'), ending: 'confirm', weight: 2 },
  { id: 'piv-old-cancel', ...onEid, card: cardKind('piv-old'), ending: 'cancel', weight: 1 },
];

export function scenarioOf(id: string): Scenario {
  const scenario = SCENARIOS.find((one) => one.id === id);
  if (!scenario) throw new Error(`there is no scenario ${id}`);
  return scenario;
}
