/** The errors of issuance: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const ISSUANCE_ERRORS = {
  card_already_renewed: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'this was done before for the same card, and can be done once only.',
      action: 'Order a new card.',
    },
    sv: {
      happened: 'det har redan gjorts för samma kort och kan bara göras en gång.',
      action: 'Beställ ett nytt kort.',
    },
  },
  card_not_for_issuance: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'certificates cannot be issued to this card safely: {problem}.',
      action: 'Take another card.',
    },
    sv: {
      happened: 'certifikat kan inte utfärdas till detta kort på ett säkert sätt: {problem}.',
      action: 'Ta ett annat kort.',
    },
  },
  card_other: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'this is another card than the one that is meant ({expected}).',
      action: 'Put the right card into the reader. Nothing was changed on this one.',
    },
    sv: {
      happened: 'det här är ett annat kort än det som avses ({expected}).',
      action: 'Sätt rätt kort i läsaren. Inget har ändrats på detta kort.',
    },
  },
  ceremony_busy: {
    httpStatus: 409,
    retry: 'now',
    en: {
      happened: 'another call is at work on the same ceremony.',
      action: 'Wait until it has ended, or cancel it.',
    },
    sv: {
      happened: 'ett annat anrop arbetar med samma ärende.',
      action: 'Vänta tills det är klart, eller avbryt det.',
    },
  },
  ceremony_closed: {
    httpStatus: 409,
    retry: 'no',
    en: { happened: 'the ceremony is {state}.', action: 'Begin a new one.' },
    sv: { happened: 'ärendet är avslutat ({state}).', action: 'Påbörja ett nytt.' },
  },
  ceremony_late: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the time for this step ran out at {due}.',
      action: 'Call issuance.resume with the card in its reader, which takes the certificates off it, and have them revoked.',
    },
    sv: {
      happened: 'tiden för detta steg gick ut {due}.',
      action: 'Anropa issuance.resume med kortet i läsaren, så tas certifikaten bort från det, och spärra dem.',
    },
  },
  ceremony_step_order: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'it is not the turn of this step, or it is taken by another call ({next}).',
      action: 'See with issuance.get which step is next.',
    },
    sv: {
      happened: 'det är inte detta stegs tur, eller så tas det med ett annat anrop ({next}).',
      action: 'Se med issuance.get vilket steg som är nästa.',
    },
  },
  ceremony_unknown: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'there is no such ceremony, or it concerns protected personal data.',
      action: 'See with issuance.list which there are.',
    },
    sv: {
      happened: 'det finns inget sådant ärende, eller så gäller det skyddade personuppgifter.',
      action: 'Se med issuance.list vilka som finns.',
    },
  },
  certificates_refused: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the certificates are not those that the card waits for ({problem}).',
      action: 'Nothing was written. Ask the certification authority for the right ones, and have the wrong ones revoked.',
    },
    sv: {
      happened: 'certifikaten är inte de som kortet väntar på ({problem}).',
      action: 'Inget har skrivits. Begär rätt certifikat av utfärdaren och spärra de felaktiga.',
    },
  },
  clock_set_back: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the clock of the computer is behind what was recorded last ({last}).',
      action: 'Set the clock right.',
    },
    sv: {
      happened: 'datorns klocka går efter det som senast registrerades ({last}).',
      action: 'Ställ klockan rätt.',
    },
  },
  fields_invalid: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: { happened: 'what was filled in cannot be taken: {problem}.', action: 'Correct it.' },
    sv: { happened: 'det som fyllts i kan inte godtas: {problem}.', action: 'Rätta det.' },
  },
  journal_unavailable: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the journal on the disk cannot be written, so nothing is done with the card.',
      action: 'Make room on the disk of the data folder, then call issuance.resume.',
    },
    sv: {
      happened: 'journalen på disken kan inte skrivas, så inget görs med kortet.',
      action: 'Frigör plats på datamappens disk och anropa sedan issuance.resume.',
    },
  },
  no_free_key_container: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the card has no free place for a key of this kind ({usage}).',
      action: 'Remove a certificate that is no longer needed, or take another card.',
    },
    sv: {
      happened: 'kortet har ingen ledig plats för en nyckel av detta slag ({usage}).',
      action: 'Ta bort ett certifikat som inte längre behövs, eller ta ett annat kort.',
    },
  },
  order_expired: {
    httpStatus: 409,
    retry: 'no',
    en: { happened: 'the order was valid to {validTo}.', action: 'Cancel it, and begin a new one.' },
    sv: { happened: 'beställningen gällde till {validTo}.', action: 'Avbryt den och påbörja en ny.' },
  },
  participant_refused: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'this card may not take the step as {participant} ({reason}).',
      action: 'Have the right person put their card into the reader.',
    },
    sv: {
      happened: 'detta kort får inte utföra steget som {participant} ({reason}).',
      action: 'Låt rätt person sätta sitt kort i läsaren.',
    },
  },
  routine_unknown: {
    httpStatus: 404,
    retry: 'no',
    en: { happened: 'there is no such routine.', action: 'See with issuance.listRoutines which there are.' },
    sv: { happened: 'det finns ingen sådan rutin.', action: 'Se med issuance.listRoutines vilka som finns.' },
  },
  steps_missing: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the card cannot be confirmed before the other steps are taken ({next}).',
      action: 'Take them first.',
    },
    sv: {
      happened: 'kortet kan inte bekräftas innan övriga steg är tagna ({next}).',
      action: 'Ta dem först.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
