/** What a passport's chip keeps, what it remembers of the reader before it, and the form of its instructions. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import type { CardAnswer } from '../../transport.ts';
import type { ActiveAuthenticationKey } from './active-authentication.ts';
import type { SuiteName } from './cipher.ts';
import type { ElementaryFile } from './files.ts';
import type { PaceRun } from './pace.ts';
import type { SecureChannel } from './secure-channel.ts';

export const PACE_MAPPINGS = ['generic', 'integrated', 'chip authentication'] as const;
export type PaceMapping = (typeof PACE_MAPPINGS)[number];

/** One way to PACE that EF.CardAccess offers. */
export interface PaceVariant {
  readonly mapping: PaceMapping;
  readonly suite: SuiteName;
  /** Number of the standardized domain parameters. */
  readonly parameters: number;
}

export interface ChipAuthenticationKey {
  readonly suite: SuiteName;
  readonly parameters: number;
  readonly scalar: bigint;
}

export interface Chip {
  readonly files: readonly ElementaryFile[];
  /** MRZ information (9303-11, section 9.7.2), and the six digits on the card. */
  readonly passwords: { readonly mrz: string; readonly can?: string };
  readonly allowsBac: boolean;
  readonly pace: readonly PaceVariant[];
  readonly chipAuthentication?: ChipAuthenticationKey;
  readonly activeAuthentication?: ActiveAuthenticationKey;
  /** The chip holds none of the keys that its files tell of. */
  readonly isCloned: boolean;
  readonly random: (lengthBytes: number) => Uint8Array;
  /** Tries that the card number has in a row; undefined for as many as one likes. Kept through resets. */
  readonly canTries: { readonly total: number | undefined; remaining: number };
  session: Session;
}

export interface Session {
  /** The eMRTD application is selected, not the master file. */
  isApplicationSelected: boolean;
  currentFile?: ElementaryFile | undefined;
  access: 'BAC' | 'none' | 'PACE';
  channel?: SecureChannel | undefined;
  /** Takes over once the command under way is answered. */
  nextChannel?: SecureChannel | undefined;
  challenge?: Uint8Array | undefined;
  pace?: PaceRun | undefined;
  /** Chip authentication was chosen by MSE:SET AT. */
  isChipAuthenticationSet: boolean;
}

export function newSession(): Session {
  return { isApplicationSelected: false, access: 'none', isChipAuthenticationSet: false };
}

export type WholeCommand = CommandApdu & {
  readonly data: Uint8Array;
  /** Most bytes that its answer can carry. */
  readonly capacityBytes: number;
  readonly isProtected: boolean;
};

export type Instruction = (chip: Chip, command: WholeCommand) => CardAnswer;
