/** Every card application that kortd knows. Row order is trial order. */
import type { CardProfile } from '../card-profile.ts';
import { createEidProfile } from './eid.ts';
import { emrtdProfile } from './emrtd.ts';
import { pivProfile } from './piv.ts';

export function createCardProfiles(options: { readonly now?: () => Date } = {}): readonly CardProfile[] {
  return [pivProfile, createEidProfile(options), emrtdProfile];
}

export const CARD_PROFILES: readonly CardProfile[] = createCardProfiles();
