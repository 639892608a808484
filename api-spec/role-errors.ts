/** The errors of roles: a reader that cannot be told, a card that may not act. Part of `errors.ts`. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const ROLE_ERRORS = {
  card_not_allowed: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'this card may not act as {role} (rule: {rule}).',
      action: 'Take it out and put in a card that may. The administrator’s policy says which.',
    },
    sv: {
      happened: 'kortet får inte användas som {role} (regel: {rule}).',
      action: 'Ta ut det och sätt i ett kort som får det. Administratörens policy säger vilka.',
    },
  },
  other_card_needed: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'it must be seen that {role} and {otherRole} are not the same person, and no card of {otherRole} can be read.',
      action: 'Put that person’s card into its reader, and leave it there.',
    },
    sv: {
      happened:
        'det måste kunna ses att {role} och {otherRole} inte är samma person, och inget kort för {otherRole} går att läsa.',
      action: 'Sätt den personens kort i sin läsare och låt det sitta kvar.',
    },
  },
  reader_ambiguous: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the reader cannot be told from another one like it: it has neither a serial number nor a USB port of its own.',
      action: 'Unplug the other reader, or use readers of different models, and try again.',
    },
    sv: {
      happened: 'läsaren går inte att skilja från en annan likadan: den har varken serienummer eller egen USB-port.',
      action: 'Koppla ur den andra läsaren, eller använd läsare av olika modell, och försök igen.',
    },
  },
  reader_has_role: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'this reader is already that of {role}.',
      action: 'Take it from that role first (kortd role remove), or choose another reader.',
    },
    sv: {
      happened: 'läsaren har redan rollen {role}.',
      action: 'Ta bort den rollen först (kortd role remove), eller välj en annan läsare.',
    },
  },
  role_ambiguous: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'it cannot be told which reader is that of {role}, so none was used ({readers}).',
      action: 'Unplug the reader that is not meant, or bind the role anew: kortd role assign.',
    },
    sv: {
      happened: 'det går inte att avgöra vilken läsare som har rollen {role}, så ingen användes ({readers}).',
      action: 'Koppla ur den läsare som inte avses, eller knyt rollen på nytt: kortd role assign.',
    },
  },
  role_by_policy: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the administrator’s policy says which reader is that of {role}.',
      action: 'Have the policy file changed.',
    },
    sv: {
      happened: 'administratörens policy bestämmer vilken läsare som har rollen {role}.',
      action: 'Låt ändra policyfilen.',
    },
  },
  role_policy_refused: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'a policy file that may hold the rules of roles could not be used, so no card is used by its role.',
      action: 'Have the administrator correct it: kortd reload says what is wrong with which file.',
    },
    sv: {
      happened: 'en policyfil som kan innehålla regler för roller gick inte att använda, så inget kort används efter roll.',
      action: 'Låt administratören rätta den: kortd reload säger vad som är fel med vilken fil.',
    },
  },
  role_reader_away: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the reader of {role} is not connected, or is not known again yet.',
      action: 'Plug that reader in. If it was exchanged for another one, bind the role anew: kortd role assign.',
    },
    sv: {
      happened: 'läsaren för {role} är inte ansluten, eller har inte känts igen än.',
      action: 'Anslut den läsaren. Om den har bytts mot en annan, knyt rollen på nytt: kortd role assign.',
    },
  },
  role_unassigned: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'no reader is bound to the role {role}.',
      action: 'Bind one: kortd role assign.',
    },
    sv: {
      happened: 'ingen läsare är knuten till rollen {role}.',
      action: 'Knyt en: kortd role assign.',
    },
  },
  same_person: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: '{role} and {otherRole} must not be the same person, and both cards belong to one.',
      action: 'Another person’s card must be put in.',
    },
    sv: {
      happened: '{role} och {otherRole} får inte vara samma person, och båda korten tillhör en och samma.',
      action: 'En annan persons kort måste sättas i.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;

/** What every call to a card can end in that addresses it by a role. */
export const BY_ROLE_ERRORS = [
  'card_not_allowed',
  'other_card_needed',
  'role_ambiguous',
  'role_policy_refused',
  'role_reader_away',
  'role_unassigned',
  'same_person',
] as const satisfies readonly (keyof typeof ROLE_ERRORS)[];
