/** The errors of PINs and management keys: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const PIN_ENTRY_ERRORS = {
  management_key_rejected: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: { happened: 'the card refused the management key.', action: 'Give the right management key for this card.' },
    sv: { happened: 'kortet godtog inte administrationsnyckeln.', action: 'Ange rätt administrationsnyckel för kortet.' },
  },
  management_key_required: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'the card lets itself be changed by its management key alone, and none was given.',
      action: 'Have a program that may hand over secrets give the management key in the call; a web page cannot.',
    },
    sv: {
      happened: 'kortet låter sig bara ändras med sin administrationsnyckel, och ingen angavs.',
      action: 'Låt ett program som får lämna hemligheter ange administrationsnyckeln i anropet; en webbsida kan inte.',
    },
  },
  pin_blocked: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'the PIN or PUK is blocked: no tries are left.',
      action: 'Unblock the PIN with its PUK. If the PUK is blocked, the card must be replaced.',
    },
    sv: {
      happened: 'PIN- eller PUK-koden är spärrad: inga försök återstår.',
      action: 'Lås upp PIN-koden med PUK-koden. Om PUK-koden är spärrad måste kortet bytas.',
    },
  },
  pin_cancelled: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: { happened: 'the person cancelled, or did not answer in time.', action: 'Try again when the person is ready.' },
    sv: { happened: 'personen avbröt eller svarade inte i tid.', action: 'Försök igen när personen är redo.' },
  },
  pin_format_invalid: {
    httpStatus: 422,
    retry: 'after_user_action',
    en: {
      happened: 'the entry has the wrong length or characters; no try was used.',
      action: 'Enter it again; card.read tells the lengths.',
    },
    sv: {
      happened: 'koden har fel längd eller tecken; inget försök förbrukades.',
      action: 'Ange den igen; card.read visar längderna.',
    },
  },
  pin_last_try: {
    httpStatus: 409,
    retry: 'after_user_action',
    en: {
      happened: 'one try is left, or the card does not tell; nothing was sent to the card.',
      action:
        'Make sure that the PIN is right. A web page cannot use the last try without a trusted prompt: start kortd agent or run kortd open. A program can call again with allowLastTry.',
    },
    sv: {
      happened: 'ett försök återstår, eller så visar kortet det inte; ingenting skickades till kortet.',
      action:
        'Förvissa dig om att koden är rätt. En webbsida kan inte använda sista försöket utan en betrodd fråga: starta kortd agent eller kör kortd open. Ett program kan anropa igen med allowLastTry.',
    },
  },
  pin_limit_reached: {
    httpStatus: 429,
    retry: 'no',
    en: {
      happened: 'this site has had as many wrong PINs on this card as one day allows ({limit}).',
      action: 'Go on tomorrow, or check the PIN in another way: kortd call pin.verify.',
    },
    sv: {
      happened: 'webbplatsen har fått så många felaktiga PIN-koder för kortet som en dag tillåter ({limit}).',
      action: 'Fortsätt i morgon, eller kontrollera PIN-koden på annat sätt: kortd call pin.verify.',
    },
  },
  pin_rejected: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: { happened: 'the PIN or PUK was wrong; {attemptsRemaining} tries are left.', action: 'Enter the right one.' },
    sv: { happened: 'PIN- eller PUK-koden var fel; {attemptsRemaining} försök återstår.', action: 'Ange rätt kod.' },
  },
  pin_required: {
    httpStatus: 403,
    retry: 'after_user_action',
    en: {
      happened: 'the card wants a PIN or its management key first.',
      action:
        'Start kortd agent or run kortd open, so that kortd can ask for the PIN, or use a reader with a keypad. A program can give it in the call.',
    },
    sv: {
      happened: 'kortet kräver först en PIN-kod eller administrationsnyckeln.',
      action:
        'Starta kortd agent eller kör kortd open så att kortd kan fråga efter PIN-koden, eller använd en läsare med knappsats. Ett program kan ange den i anropet.',
    },
  },
} as const satisfies Readonly<Record<string, ErrorDefinition>>;
