/** The cards on which ceremonies are broken off: each in a file of its own, on the disk before it answers, so that it outlives whoever used it. */
import { X509Certificate, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { CardProfile } from '../../../apdu/card-profile.ts';
import { createEidProfile } from '../../../apdu/cards/eid.ts';
import { createPivProfile } from '../../../apdu/cards/piv.ts';
import type { KeyUsage } from '../../../apdu/token.ts';
import type { SimulatedCard } from '../../../drivers/simulated/card.ts';
import { openEidCardFile } from '../../../drivers/simulated/cards/eid.ts';
import type { EidProfile } from '../../../drivers/simulated/cards/eid/profile.ts';
import { openPivCardFile } from '../../../drivers/simulated/cards/piv/state-file.ts';
import { RESERVE_NUMBER, issueTo } from '../authority.ts';

/** Of the card that is issued; those of the administrators' cards are the same. */
export const PINS = { legitimering: '471100', underskrift: '471101', puk: '47114711' };
/** Of a card that comes in between: none of the above may ever be tried on it. */
const OTHER_PINS = { legitimering: '228800', underskrift: '228801', puk: '22882288' };
const OTHER_NUMBER = '9752000000000000999';

export interface CardKind {
  readonly id: CardKindId;
  readonly profile: () => CardProfile;
  /** Where its two keys go. */
  readonly places: readonly { readonly keyReference: string; readonly usage: KeyUsage }[];
  /** The PIN of each use, and its reference. */
  readonly pins: Readonly<Record<'authentication' | 'signature', { readonly reference: string; readonly pin: string }>>;
  readonly managementKey?: 'default';
  /** What was made there leaves no trace; else one stays for which nobody has a request. */
  readonly forgetsKeys: boolean;
  /** Opens the card in the file, or makes it there. */
  readonly open: (path: string, which: 'other' | 'reserve') => Promise<SimulatedCard>;
}

export type CardKindId = 'eid-myeid' | 'eid-nidel' | 'eid-plain' | 'piv-old' | 'piv-yubikey';

function eid(id: CardKindId, profile: EidProfile, algorithm: 'P-256' | 'RSA-2048', isLocal: boolean): CardKind {
  return {
    id,
    profile: createEidProfile,
    places: [
      { keyReference: '45', usage: 'authentication' },
      { keyReference: '46', usage: 'signature' },
    ],
    pins: {
      authentication: { reference: isLocal ? '81' : '01', pin: PINS.legitimering },
      signature: { reference: isLocal ? '82' : '02', pin: PINS.underskrift },
    },
    forgetsKeys: true,
    open: (path, which) =>
      openEidCardFile(path, {
        ...{ profile, preparedKeys: algorithm },
        cardNumber: which === 'reserve' ? RESERVE_NUMBER : OTHER_NUMBER,
        pins: which === 'reserve' ? PINS : OTHER_PINS,
      }),
  };
}

/** Has no number of its own of the kind that is ordered by: the certificate of a third key tells it. */
function piv(id: CardKindId, firmware: string, forgetsKeys: boolean): CardKind {
  const pin = { reference: '80', pin: PINS.legitimering };
  return {
    id,
    profile: createPivProfile,
    places: [
      { keyReference: '9A', usage: 'authentication' },
      { keyReference: '9C', usage: 'signature' },
    ],
    pins: { authentication: pin, signature: pin },
    managementKey: 'default',
    forgetsKeys,
    open: (path, which) =>
      openPivCardFile(path, {
        firmware,
        serialNumber: which === 'reserve' ? 4_711 : 2_288,
        pin: (which === 'reserve' ? PINS : OTHER_PINS).legitimering,
        puk: (which === 'reserve' ? PINS : OTHER_PINS).puk,
        keys: { '9D': thirdKey(which === 'reserve' ? RESERVE_NUMBER : OTHER_NUMBER) },
      }),
  };
}

function thirdKey(cardNumber: string): { readonly privateKey: string; readonly certificate: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { raw } = new X509Certificate(issueTo(createPublicKey(privateKey), 'authentication', { cardNumber }));
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    certificate: raw.toString('base64'),
  };
}

const KINDS: readonly CardKind[] = [
  eid('eid-plain', 'plain', 'P-256', true),
  eid('eid-myeid', 'myeid', 'P-256', false),
  eid('eid-nidel', 'nidel', 'RSA-2048', false),
  piv('piv-yubikey', '5.7.1', true),
  piv('piv-old', '5.4.3', false),
];

export function cardKind(id: CardKindId): CardKind {
  const kind = KINDS.find((one) => one.id === id);
  if (!kind) throw new Error(`there is no card ${id}`);
  return kind;
}

/** "anna" and "bjorn", who administer. */
export async function openPersonaFile(path: string, persona: string): Promise<SimulatedCard> {
  return await openEidCardFile(path, { persona, pins: PINS, ...(persona === 'anna' ? { profile: 'myeid' } : {}) });
}
