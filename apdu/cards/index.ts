/** Every card application that kortd knows. Row order is trial order. */
import type { CardProfile } from '../card-profile.ts';
import { eidProfile } from './eid.ts';
import { pivProfile } from './piv.ts';

export const CARD_PROFILES: readonly CardProfile[] = [pivProfile, eidProfile];
