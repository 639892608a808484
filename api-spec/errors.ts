/**
 * Every error that the API gives, as data. A code is never renamed. Texts say what came back and what to do, in English and Swedish;
 * what was tried is the method's own phrase. `{name}` in a text stands for a field of the error's details.
 */
import Type, { type Static } from 'typebox';
import { AUTHORITY_ERRORS } from './authority-errors.ts';
import { DOCUMENT_ERRORS } from './document-errors.ts';
import { ISSUANCE_ERRORS } from './issuance-errors.ts';
import { BY_ROLE_ERRORS, ROLE_ERRORS } from './role-errors.ts';
import { PAD_ERRORS } from './pad-errors.ts';
import { PDF_ERRORS } from './pdf-errors.ts';
import { PIN_ENTRY_ERRORS } from './pin-errors.ts';
import { SCANNER_ERRORS } from './scanner-errors.ts';
import { SIGNING_ERRORS } from './signing-errors.ts';
import { TRACE_ERRORS } from './trace-errors.ts';
import { VERDICT_ERRORS } from './verdict-errors.ts';

export type Retry = 'no' | 'now' | 'after_user_action';

export interface ErrorText {
  /** What came back. */
  readonly happened: string;
  /** What the person should do. */
  readonly action: string;
}

export interface ErrorDefinition {
  readonly httpStatus: number;
  /** JSON-RPC 2.0, section 5.1; -32000 for everything that the specification has no number for. */
  readonly rpcCode?: number;
  readonly retry: Retry;
  readonly en: ErrorText;
  readonly sv: ErrorText;
}

/** Sorted by code. Those of PINs, PDFs, roles and signatures are in files of their own. */
const GENERAL_ERRORS = {
  access_denied: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: { happened: 'the person refused.', action: 'Ask again only when the person wants it.' },
    sv: { happened: 'personen nekade.', action: 'Fråga igen bara när personen vill det.' },
  },
  access_silenced: {
    httpStatus: 429,
    retry: 'after_user_action',
    en: {
      happened: 'the person refused several times; nothing is asked for another {waitMs} ms.',
      action: 'Wait, or have the administrator grant access by policy.',
    },
    sv: {
      happened: 'personen har nekat flera gånger; inget mer frågas på {waitMs} ms.',
      action: 'Vänta, eller låt administratören ge åtkomst genom policy.',
    },
  },
  algorithm_unsupported: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the card or its key does not do this algorithm.',
      action: 'Choose an algorithm that card.read lists for the key.',
    },
    sv: {
      happened: 'kortet eller dess nyckel klarar inte algoritmen.',
      action: 'Välj en algoritm som card.read anger för nyckeln.',
    },
  },
  audit_unavailable: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the audit log on the disk cannot be used, so nothing that must leave a trace is done.',
      action:
        'Make room on the disk of the data folder; the log of kortd has the reason. Read the card before trying again: it may have been used already.',
    },
    sv: {
      happened: 'granskningsloggen på disken kan inte användas, så inget som måste lämna spår utförs.',
      action:
        'Frigör plats på datamappens disk; kortds logg anger orsaken. Läs kortet innan du försöker igen: det kan redan ha använts.',
    },
  },
  call_cancelled: {
    httpStatus: 499,
    retry: 'now',
    en: { happened: 'the call was cancelled.', action: 'Read the card again before going on, if the call was changing it.' },
    sv: { happened: 'anropet avbröts.', action: 'Läs kortet igen innan du fortsätter, om anropet höll på att ändra det.' },
  },
  card_busy: {
    httpStatus: 409,
    retry: 'now',
    en: {
      happened: 'the card is in use by {holder}.',
      action: 'Wait until that is done, or close the other program, and try again.',
    },
    sv: {
      happened: 'kortet används av {holder}.',
      action: 'Vänta tills det är klart, eller stäng det andra programmet, och försök igen.',
    },
  },
  card_data_invalid: {
    httpStatus: 502,
    retry: 'no',
    en: {
      happened: 'the card gave data that cannot be right.',
      action: 'Try another reader. If it happens again, have the card examined or replaced.',
    },
    sv: {
      happened: 'kortet lämnade uppgifter som inte kan stämma.',
      action: 'Prova en annan läsare. Om felet återkommer, låt undersöka eller byta kortet.',
    },
  },
  card_full: {
    httpStatus: 507,
    retry: 'after_user_action',
    en: {
      happened: 'there is no room on the card; it holds what it held.',
      action: 'Delete a certificate that is no longer needed, and try again.',
    },
    sv: {
      happened: 'det finns inte plats på kortet; innehållet är oförändrat.',
      action: 'Ta bort ett certifikat som inte längre behövs och försök igen.',
    },
  },
  card_refused: {
    httpStatus: 502,
    retry: 'no',
    en: {
      happened: 'the card answered status word {statusWord}.',
      action: 'Check that the card is of the right kind and in the right state.',
    },
    sv: {
      happened: 'kortet svarade med statusord {statusWord}.',
      action: 'Kontrollera att kortet är av rätt slag och i rätt skick.',
    },
  },
  card_removed: {
    httpStatus: 410,
    retry: 'after_user_action',
    en: { happened: 'the card was taken out.', action: 'Put the card back. It gets a new id: list the cards again.' },
    sv: { happened: 'kortet togs ut.', action: 'Sätt tillbaka kortet. Det får ett nytt id: lista korten igen.' },
  },
  card_reset: {
    httpStatus: 409,
    retry: 'now',
    en: {
      happened: 'another program reset the card.',
      action: 'Try again. If it goes on, close the other card programs on this computer.',
    },
    sv: {
      happened: 'ett annat program nollställde kortet.',
      action: 'Försök igen. Om det fortsätter, stäng andra kortprogram på datorn.',
    },
  },
  card_unresponsive: {
    httpStatus: 504,
    retry: 'after_user_action',
    en: {
      happened: 'the card does not answer.',
      action: 'Take the card out, check which way it is turned, wipe its contacts, and put it back.',
    },
    sv: {
      happened: 'kortet svarar inte.',
      action: 'Ta ut kortet, kontrollera att det är rätt vänt, torka av kontakterna och sätt tillbaka det.',
    },
  },
  card_unsupported: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'the card is of a kind that cannot do this.',
      action: 'Use a card of another kind; card.list shows what each one is.',
    },
    sv: {
      happened: 'kortet är av ett slag som inte klarar detta.',
      action: 'Använd ett kort av annat slag; card.list visar vad varje kort är.',
    },
  },
  certificate_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'what was given is not an X.509 certificate.',
      action: 'Give one certificate, as PEM or as base64 of its DER.',
    },
    sv: {
      happened: 'det som angavs är inte ett X.509-certifikat.',
      action: 'Ange ett certifikat, som PEM eller som base64 av dess DER.',
    },
  },
  certificate_key_mismatch: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the certificate belongs to another key; nothing was written.',
      action: 'Write it to the key that its request was made with.',
    },
    sv: {
      happened: 'certifikatet hör till en annan nyckel; ingenting skrevs.',
      action: 'Skriv det till den nyckel som dess begäran gjordes med.',
    },
  },
  deadline_exceeded: {
    httpStatus: 504,
    retry: 'now',
    en: {
      happened: 'it was not done within {timeoutMs} ms.',
      action: 'Try again with more time. If the call changes the card, read the card first: the change may have been made.',
    },
    sv: {
      happened: 'det blev inte klart inom {timeoutMs} ms.',
      action: 'Försök igen med mer tid. Om anropet ändrar kortet, läs kortet först: ändringen kan ha gjorts.',
    },
  },
  host_refused: {
    httpStatus: 421,
    retry: 'no',
    en: {
      happened: 'the Host header names another address than the one listened on.',
      action: 'Call http://127.0.0.1 with the right port.',
    },
    sv: { happened: 'Host-huvudet anger en annan adress än den som används.', action: 'Anropa http://127.0.0.1 med rätt port.' },
  },
  idempotency_conflict: {
    httpStatus: 409,
    retry: 'no',
    en: { happened: 'the idempotency key was used for another call.', action: 'Use a new key for a new call.' },
    sv: { happened: 'idempotensnyckeln har använts för ett annat anrop.', action: 'Använd en ny nyckel för ett nytt anrop.' },
  },
  internal_error: {
    httpStatus: 500,
    rpcCode: -32603,
    retry: 'no',
    en: { happened: 'kortd has a defect. Incident {incidentId}.', action: 'Report the incident id; the log has the details.' },
    sv: { happened: 'kortd har ett fel. Händelse {incidentId}.', action: 'Rapportera händelsens id; loggen har detaljerna.' },
  },
  invalid_json: {
    httpStatus: 400,
    rpcCode: -32700,
    retry: 'no',
    en: { happened: 'the message is not JSON.', action: 'Send one JSON text in UTF-8.' },
    sv: { happened: 'meddelandet är inte JSON.', action: 'Skicka en JSON-text i UTF-8.' },
  },
  invalid_params: {
    httpStatus: 400,
    rpcCode: -32602,
    retry: 'no',
    en: { happened: '{problem}.', action: 'Correct the parameters; the reference lists them.' },
    sv: { happened: 'parametrarna är fel ({problem}).', action: 'Rätta parametrarna; referensen räknar upp dem.' },
  },
  invalid_request: {
    httpStatus: 400,
    rpcCode: -32600,
    retry: 'no',
    en: { happened: '{problem}.', action: 'Send a JSON-RPC 2.0 request, or a REST call as the reference has it.' },
    sv: {
      happened: 'begäran är fel utformad ({problem}).',
      action: 'Skicka en JSON-RPC 2.0-begäran, eller ett REST-anrop enligt referensen.',
    },
  },
  key_not_for_web: {
    httpStatus: 403,
    retry: 'no',
    en: {
      happened: 'the key is for authentication, and does not sign what a web page hands in.',
      action: 'Sign with the signature key of the card.',
    },
    sv: {
      happened: 'nyckeln är till för legitimering och signerar inte det som en webbsida lämnar.',
      action: 'Signera med kortets underskriftsnyckel.',
    },
  },
  key_not_found: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'the card has no such key.',
      action: 'Make the key first with key.generate, or choose one that card.read lists.',
    },
    sv: {
      happened: 'kortet har ingen sådan nyckel.',
      action: 'Skapa nyckeln först med key.generate, eller välj en som card.read räknar upp.',
    },
  },
  key_unproven: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'the card does not tell its public key, so nothing shows that the certificate fits.',
      action: 'Give the PIN as well: the card then proves its key by a signature.',
    },
    sv: {
      happened: 'kortet visar inte sin publika nyckel, så inget visar att certifikatet passar.',
      action: 'Ange även PIN-koden: då bevisar kortet sin nyckel med en signatur.',
    },
  },
  lease_invalid: {
    httpStatus: 409,
    retry: 'no',
    en: { happened: 'the lease has ended or is for another card.', action: 'Lease the card again.' },
    sv: { happened: 'lånet har gått ut eller gäller ett annat kort.', action: 'Låna kortet igen.' },
  },
  message_too_large: {
    httpStatus: 413,
    retry: 'no',
    en: { happened: 'the message is larger than {limitBytes} bytes.', action: 'Send less in one message.' },
    sv: { happened: 'meddelandet är större än {limitBytes} byte.', action: 'Skicka mindre i varje meddelande.' },
  },
  method_not_found: {
    httpStatus: 404,
    rpcCode: -32601,
    retry: 'no',
    en: { happened: 'there is no such method or path.', action: 'Look the name up in the reference.' },
    sv: { happened: 'metoden eller sökvägen finns inte.', action: 'Slå upp namnet i referensen.' },
  },
  no_card: {
    httpStatus: 404,
    retry: 'after_user_action',
    en: { happened: 'no card is in the reader.', action: 'Put a card into the reader.' },
    sv: { happened: 'det finns inget kort i läsaren.', action: 'Sätt ett kort i läsaren.' },
  },
  not_found: {
    httpStatus: 404,
    retry: 'no',
    en: {
      happened: 'no card or reader has this id, or no longer.',
      action: 'List again: a card gets a new id each time it is put in.',
    },
    sv: {
      happened: 'inget kort och ingen läsare har detta id, eller inte längre.',
      action: 'Lista igen: ett kort får nytt id varje gång det sätts i.',
    },
  },
  not_simulated: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the desk of this kortd is not simulated.',
      action: 'Move the cards by hand, or start kortd with --simulate.',
    },
    sv: {
      happened: 'bordet hos denna kortd är inte simulerat.',
      action: 'Flytta korten för hand, eller starta kortd med --simulate.',
    },
  },
  object_not_found: {
    httpStatus: 404,
    retry: 'no',
    en: { happened: 'the card has no such object.', action: 'Read the card to see what it holds.' },
    sv: { happened: 'kortet har inget sådant objekt.', action: 'Läs kortet för att se vad det innehåller.' },
  },
  origin_refused: {
    httpStatus: 403,
    retry: 'no',
    en: {
      happened: 'this web origin has no access.',
      action: 'Ask for it with access.request, or have the administrator grant it by policy.',
    },
    sv: {
      happened: 'webbplatsen har inte åtkomst.',
      action: 'Begär den med access.request, eller låt administratören ge den genom policy.',
    },
  },
  policy_grant: {
    httpStatus: 409,
    retry: 'no',
    en: { happened: 'a policy file grants this access.', action: 'Change the file in the policy folder and restart kortd.' },
    sv: { happened: 'en policyfil ger denna åtkomst.', action: 'Ändra filen i policymappen och starta om kortd.' },
  },
  prompt_failed: {
    httpStatus: 503,
    retry: 'after_user_action',
    en: {
      happened: 'the person could not be asked: the dialog failed.',
      action: 'Look at what kortd agent says (it needs pinentry), or run kortd open, and try again.',
    },
    sv: {
      happened: 'personen kunde inte tillfrågas: dialogen fungerade inte.',
      action: 'Se vad kortd agent säger (den behöver pinentry), eller kör kortd open, och försök igen.',
    },
  },
  public_key_mismatch: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the public key is not that of the key on the card.',
      action: 'Give the public key that key.generate returned, or make a new key.',
    },
    sv: {
      happened: 'den publika nyckeln hör inte till nyckeln på kortet.',
      action: 'Ange den publika nyckel som key.generate gav, eller skapa en ny nyckel.',
    },
  },
  reader_failed: {
    httpStatus: 502,
    retry: 'now',
    en: { happened: 'the reader or its driver failed.', action: 'Unplug the reader and plug it in again.' },
    sv: { happened: 'läsaren eller dess drivrutin fungerade inte.', action: 'Dra ut läsaren och anslut den igen.' },
  },
  reader_unavailable: {
    httpStatus: 503,
    retry: 'now',
    en: { happened: 'the reader is not there at the moment.', action: 'Check its cable. It is found again by itself.' },
    sv: { happened: 'läsaren är inte tillgänglig just nu.', action: 'Kontrollera sladden. Läsaren hittas igen av sig själv.' },
  },
  scope_missing: {
    httpStatus: 403,
    retry: 'no',
    en: { happened: 'the caller does not have the right {scope}.', action: 'Ask for the right, or leave out what needs it.' },
    sv: { happened: 'anroparen saknar rättigheten {scope}.', action: 'Begär rättigheten, eller utelämna det som kräver den.' },
  },
  scope_not_for_web: {
    httpStatus: 403,
    retry: 'no',
    en: { happened: 'no web origin can be given the right {scope}.', action: 'Ask for other rights.' },
    sv: { happened: 'ingen webbplats kan få rättigheten {scope}.', action: 'Begär andra rättigheter.' },
  },
  service_unavailable: {
    httpStatus: 503,
    retry: 'now',
    en: {
      happened: 'the smart-card service of this computer is not running.',
      action: 'Start it (Linux: systemctl start pcscd.socket). kortd goes on by itself.',
    },
    sv: {
      happened: 'datorns smartkortstjänst är inte igång.',
      action: 'Starta den (Linux: systemctl start pcscd.socket). kortd fortsätter av sig själv.',
    },
  },
  too_many_calls: {
    httpStatus: 429,
    retry: 'now',
    en: { happened: 'too many calls are waiting ({limit}).', action: 'Wait for answers before sending more.' },
    sv: { happened: 'för många anrop väntar ({limit}).', action: 'Invänta svar innan du skickar fler.' },
  },
  unauthorized: {
    httpStatus: 401,
    retry: 'no',
    en: { happened: 'the access token is missing or wrong.', action: 'Send the token that lies in the data folder of kortd.' },
    sv: { happened: 'åtkomstnyckeln saknas eller är fel.', action: 'Skicka den nyckel som ligger i kortds datamapp.' },
  },
  version_unsupported: {
    httpStatus: 400,
    retry: 'no',
    en: {
      happened: 'this API version is not spoken; {lowest} to {highest} are.',
      action: 'Choose a version in that range, or update.',
    },
    sv: {
      happened: 'API-versionen stöds inte; {lowest} till {highest} stöds.',
      action: 'Välj en version inom intervallet, eller uppdatera.',
    },
  },
} as const satisfies Record<string, ErrorDefinition>;

/** A code stands in one of them. */
export const ERROR_TABLES = [
  AUTHORITY_ERRORS,
  DOCUMENT_ERRORS,
  GENERAL_ERRORS,
  ISSUANCE_ERRORS,
  PAD_ERRORS,
  PDF_ERRORS,
  PIN_ENTRY_ERRORS,
  ROLE_ERRORS,
  SCANNER_ERRORS,
  SIGNING_ERRORS,
  TRACE_ERRORS,
  VERDICT_ERRORS,
] as const;

/** All of them, in the order of their codes. */
export const ERRORS = joined(ERROR_TABLES);

export type ErrorCode = keyof typeof ERRORS;

type AllOf<Table> = (Table extends unknown ? (table: Table) => void : never) extends (table: infer All) => void ? All : never;

function joined<Table extends object>(tables: readonly Table[]): AllOf<Table> {
  const definitions = tables.flatMap((table) => Object.entries(table));
  return Object.fromEntries(definitions.sort(([one], [other]) => (one < other ? -1 : 1))) as AllOf<Table>;
}

/** What every call can end in, whatever its method. */
export const COMMON_ERRORS = [
  'audit_unavailable',
  'call_cancelled',
  'deadline_exceeded',
  'host_refused',
  'idempotency_conflict',
  'internal_error',
  'invalid_json',
  'invalid_params',
  'invalid_request',
  'message_too_large',
  'method_not_found',
  'origin_refused',
  'scope_missing',
  'too_many_calls',
  'unauthorized',
] as const satisfies readonly ErrorCode[];

/** What every call to a card can end in. */
export const CARD_ERRORS = [
  'card_busy',
  'card_data_invalid',
  'card_refused',
  'card_removed',
  'card_reset',
  'card_unresponsive',
  'card_unsupported',
  'lease_invalid',
  'no_card',
  'not_found',
  'reader_failed',
  'reader_unavailable',
  'service_unavailable',
  ...BY_ROLE_ERRORS,
] as const satisfies readonly ErrorCode[];

/** What every call that takes a PIN can end in. */
export const PIN_ERRORS = [
  'pin_blocked',
  'pin_cancelled',
  'pin_format_invalid',
  'pin_last_try',
  'pin_limit_reached',
  'pin_rejected',
  'pin_required',
  'prompt_failed',
] as const satisfies readonly ErrorCode[];

/** The error object: the body `{ "error": … }` of REST, the `data` of a JSON-RPC error. */
export const WireErrorSchema = Type.Object(
  {
    code: Type.Enum(Object.keys(ERRORS) as ErrorCode[], { description: 'Stable: compare this.' }),
    message: Type.String({ description: 'For developers: what was attempted, then what came back.' }),
    retry: Type.Enum(['no', 'now', 'after_user_action'] as const, { description: 'Whether the same call can succeed later.' }),
    en: Type.String({ description: 'For people: what was tried, what came back, what to do.' }),
    sv: Type.String({ description: 'The same in Swedish.' }),
    details: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
  },
  { additionalProperties: false },
);
export type WireError = Static<typeof WireErrorSchema>;
