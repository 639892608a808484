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
  card_not_taken_out: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the card {cardNumber} is still in a reader.',
      action: 'Take it out, and have the person put their own card in.',
    },
    sv: {
      happened: 'kortet {cardNumber} sitter kvar i en läsare.',
      action: 'Ta ut det och låt personen sätta i sitt eget kort.',
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
  ceremony_away: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the ceremony was exported, and goes on at another desk.',
      action: 'Go on there. To go on here, import what that desk exports, or, if no desk took it over, what this one exported.',
    },
    sv: {
      happened: 'ärendet har exporterats och fortsätter vid en annan arbetsplats.',
      action:
        'Fortsätt där. För att fortsätta här: importera det som den arbetsplatsen exporterar, eller det som exporterades här om ingen har tagit över det.',
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
      happened: 'the clock of the computer was set back: by what was recorded it is {last} or later.',
      action: 'Set the clock right.',
    },
    sv: {
      happened: 'datorns klocka har ställts tillbaka: enligt det som registrerats är den {last} eller mer.',
      action: 'Ställ klockan rätt.',
    },
  },
  evidence_missing: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'there is no evidence of this ceremony: it is {state}.',
      action: 'Evidence is put together when a ceremony has finished. See with issuance.get what is next.',
    },
    sv: {
      happened: 'det finns ingen bevisning för ärendet (läge: {state}).',
      action: 'Bevisningen sammanställs när ärendet är slutfört. Se med issuance.get vad som är nästa steg.',
    },
  },
  evidence_unavailable: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the evidence could not be kept as the policy says: {problem}.',
      action: 'Put the policy or the disk right, then call this again. Nothing is lost: the journal has it all.',
    },
    sv: {
      happened: 'bevisningen kunde inte sparas så som policyn anger: {problem}.',
      action: 'Rätta policyn eller disken och anropa detta igen. Inget är förlorat: allt finns i journalen.',
    },
  },
  fields_invalid: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: { happened: 'what was filled in cannot be taken: {problem}.', action: 'Correct it.' },
    sv: { happened: 'det som fyllts i kan inte godtas: {problem}.', action: 'Rätta det.' },
  },
  first_certificates_stay: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'these are the last certificates of the organisation that the card was issued for first ({organisation}).',
      action: 'Leave them on the card. If they must go, say so with removesFirst.',
    },
    sv: {
      happened: 'det här är de sista certifikaten från den organisation som kortet först utfärdades för ({organisation}).',
      action: 'Låt dem vara kvar på kortet. Måste de bort, ange removesFirst.',
    },
  },
  journal_lost: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the journal was damaged and a new one has begun, so no ceremony is begun or taken over.',
      action:
        'Have the administrator find out what became of the ceremonies that were open (system.health names the old journal), and then run "kortd database acknowledge issuance.sqlite".',
    },
    sv: {
      happened: 'journalen var skadad och en ny har påbörjats, så inget ärende påbörjas eller tas över.',
      action:
        'Låt administratören utreda vad som hände med de ärenden som pågick (system.health anger den gamla journalen) och sedan köra "kortd database acknowledge issuance.sqlite".',
    },
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
  pictures_unavailable: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the picture cannot be stored safely ({problem}).',
      action: 'Have the folder of the policy (issuance.pictureFolder) made writable for kortd, and closed to everyone else.',
    },
    sv: {
      happened: 'bilden kan inte lagras säkert ({problem}).',
      action: 'Gör policyns mapp (issuance.pictureFolder) skrivbar för kortd och stängd för alla andra.',
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
  transfer_already_taken: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'all of this ceremony is here already ({ceremony}).',
      action: 'Go on with it, or have the other desk export it as it now stands.',
    },
    sv: {
      happened: 'hela ärendet finns redan här ({ceremony}).',
      action: 'Fortsätt med det, eller låt den andra arbetsplatsen exportera det så som det nu är.',
    },
  },
  transfer_broken: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the exported ceremony is not whole: {problem}.',
      action: 'Nothing was taken over. Have it exported again, and look into how the other desk keeps its journal.',
    },
    sv: {
      happened: 'det exporterade ärendet är inte helt: {problem}.',
      action: 'Inget har tagits över. Exportera det på nytt och utred hur den andra arbetsplatsens journal hanteras.',
    },
  },
  transfer_diverged: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the ceremony went on at this desk and at the other one ({ceremony}).',
      action: 'Cancel it at both, and begin a new one.',
    },
    sv: {
      happened: 'ärendet har fortsatt både vid denna och den andra arbetsplatsen ({ceremony}).',
      action: 'Avbryt det på båda och påbörja ett nytt.',
    },
  },
  transfer_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'this is no exported ceremony that can be taken over: {problem}.',
      action: 'Nothing was taken over. Use the file as issuance.export gave it.',
    },
    sv: {
      happened: 'detta är inget exporterat ärende som kan tas över: {problem}.',
      action: 'Inget har tagits över. Använd filen så som issuance.export gav den.',
    },
  },
  transfer_routine_differs: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the routine {routine} (version {version}) is not the same at both desks.',
      action: 'Install the same version of kortd at both, or finish the ceremony where it began.',
    },
    sv: {
      happened: 'rutinen {routine} (version {version}) är inte densamma på båda arbetsplatserna.',
      action: 'Installera samma version av kortd på båda, eller slutför ärendet där det påbörjades.',
    },
  },
  transfer_seal_untrusted: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'the ceremony comes from a desk that is not trusted here (seal {fingerprint}).',
      action:
        'If it is one of yours, have the administrator name its seal-certificate.pem in the policy (issuance.trustedDesks).',
    },
    sv: {
      happened: 'ärendet kommer från en arbetsplats som inte är betrodd här (sigill {fingerprint}).',
      action: 'Om den är en av era: låt administratören ange dess seal-certificate.pem i policyn (issuance.trustedDesks).',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;
