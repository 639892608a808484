/** What the page says, in both languages. Sorted by where it stands. */
import type { Text } from './language.ts';

export const WORDS = {
  // The frame
  title: { en: 'Card orders', sv: 'Kortbeställningar' },
  skip: { en: 'To the content', sv: 'Till innehållet' },
  otherLanguage: { en: 'Language', sv: 'Språk' },
  connecting: { en: 'Connecting to kortd …', sv: 'Ansluter till kortd …' },
  connected: { en: 'Connected to kortd', sv: 'Ansluten till kortd' },
  lost: { en: 'No connection to kortd', sv: 'Ingen anslutning till kortd' },
  consent: {
    en: 'Allow it in kortd if its window shows the code {code}.',
    sv: 'Tillåt det i kortd om dess fönster visar koden {code}.',
  },
  connectAgain: { en: 'Connect again', sv: 'Anslut igen' },
  goneOn: {
    en: 'What was begun is kept. It goes on when kortd is back.',
    sv: 'Det som påbörjats är sparat. Det fortsätter när kortd är tillbaka.',
  },

  // The first page
  begin: { en: 'Begin', sv: 'Påbörja' },
  beginWhat: { en: 'What is to be done?', sv: 'Vad ska göras?' },
  beginThis: { en: 'Begin: {routine}', sv: 'Påbörja: {routine}' },
  whoTakesPart: { en: 'Takes part: {people}', sv: 'Deltar: {people}' },
  openCases: { en: 'Open cases', sv: 'Pågående ärenden' },
  noOpenCases: { en: 'No case is open.', sv: 'Inga ärenden pågår.' },
  endedCases: { en: 'Ended cases', sv: 'Avslutade ärenden' },
  begun: { en: 'Begun {time}', sv: 'Påbörjat {time}' },
  goOnWith: { en: 'Go on', sv: 'Fortsätt' },
  look: { en: 'Look', sv: 'Visa' },
  allCases: { en: 'All cases', sv: 'Alla ärenden' },

  // A case
  open: { en: 'Under way', sv: 'Pågår' },
  finished: { en: 'Finished', sv: 'Klart' },
  cancelled: { en: 'Cancelled', sv: 'Avbrutet' },
  steps: { en: 'Steps', sv: 'Steg' },
  stepOf: { en: 'Step {n} of {all}', sv: 'Steg {n} av {all}' },
  done: { en: 'Done', sv: 'Klart' },
  now: { en: 'Now', sv: 'Nu' },
  later: { en: 'Later', sv: 'Senare' },
  takenBy: { en: '{time}, by {name}', sv: '{time}, av {name}' },
  wasSigned: { en: 'What was signed', sv: 'Vad som undertecknades' },
  wasRecorded: { en: 'What was recorded', sv: 'Vad som registrerades' },
  messages: { en: 'Messages for the portal to send', sv: 'Meddelanden som portalen ska skicka' },
  by: { en: 'To be done by: {who}', sv: 'Utförs av: {who}' },
  willSign: { en: 'This is signed:', sv: 'Detta undertecknas:' },
  timeLeft: { en: '{minutes} min {seconds} s left', sv: '{minutes} min {seconds} s kvar' },
  daysLeft: { en: 'To be done by {time}', sv: 'Ska göras senast {time}' },
  minutesLeft: { en: '{minutes} minutes left for this step.', sv: '{minutes} minuter kvar för detta steg.' },
  timeIsOut: { en: 'The time has run out.', sv: 'Tiden har gått ut.' },

  // What is to be done
  record: { en: 'Save', sv: 'Spara' },
  readCard: { en: 'Read the card', sv: 'Läs kortet' },
  sign: { en: 'Sign', sv: 'Underteckna' },
  verifyPin: { en: 'Verify the PIN', sv: 'Kontrollera PIN-koden' },
  unblockPin: { en: 'Set the PIN anew', sv: 'Sätt ny PIN-kod' },
  elsewhereDone: {
    en: 'This page leaves this step to another program. The page goes on by itself when it is done.',
    sv: 'Sidan överlåter detta steg till ett annat program. Sidan fortsätter av sig själv när det är gjort.',
  },
  download: { en: 'Download to the card', sv: 'Hämta till kortet' },
  continueDownload: { en: 'Go on with the card', sv: 'Fortsätt med kortet' },
  takeBack: { en: 'Take the certificates off the card', sv: 'Ta bort certifikaten från kortet' },
  confirm: { en: 'Finish: the card is as it should be', sv: 'Avsluta: kortet är som det ska' },
  confirmTitle: { en: 'Finish', sv: 'Avsluta' },
  confirmText: {
    en: 'Everything is done. After this there is no way back: certificates that were replaced go from the card.',
    sv: 'Allt är gjort. Därefter finns ingen väg tillbaka: certifikat som har ersatts tas bort från kortet.',
  },
  undoTitle: { en: 'Put the card back as it was', sv: 'Återställ kortet' },
  undoLate: {
    en: 'The time for the receipt has run out. The certificates are to be taken off the card, and will be revoked. Leave the card in its reader, and have its holder enter the PINs.',
    sv: 'Tiden för kvittensen har gått ut. Certifikaten ska tas bort från kortet och spärras. Låt kortet sitta i läsaren och låt innehavaren ange PIN-koderna.',
  },
  undoText: {
    en: 'What was put on the card is taken off again. Leave the card in its reader, and have its holder enter the PINs.',
    sv: 'Det som lades på kortet tas bort igen. Låt kortet sitta i läsaren och låt innehavaren ange PIN-koderna.',
  },
  downloadText: {
    en: 'Keys are made on the card, certificates requested, checked and written. It asks for both PINs, one after the other. If it breaks off, it goes on from there.',
    sv: 'Nycklar skapas på kortet, certifikat begärs, kontrolleras och skrivs. Båda PIN-koderna efterfrågas, en i taget. Om det bryts fortsätter det därifrån.',
  },
  jobTitle: { en: 'On the card', sv: 'På kortet' },
  authentication: { en: 'Authentication', sv: 'Legitimering' },
  signature: { en: 'Signature', sv: 'Underskrift' },
  keyMade: { en: 'key made', sv: 'nyckel skapad' },
  certificateCame: { en: 'certificate issued', sv: 'certifikat utfärdat' },
  certificateWritten: { en: 'written to the card', sv: 'skrivet till kortet' },
  notYet: { en: 'not yet', sv: 'inte än' },
  working: { en: 'Working …', sv: 'Arbetar …' },
  pinPrompted: { en: 'Enter the PIN in kortd’s own window.', sv: 'Ange PIN-koden i kortds eget fönster.' },
  pinOnKeypad: { en: 'Enter the PIN on the reader’s keypad.', sv: 'Ange PIN-koden på läsarens knappsats.' },
  stopWaiting: { en: 'Stop', sv: 'Avbryt väntan' },
  stopped: {
    en: 'Stopped. Nothing is lost: go on when you are ready.',
    sv: 'Avbrutet. Inget är förlorat: fortsätt när du är redo.',
  },
  fillExample: { en: 'Fill in an example', sv: 'Fyll i ett exempel' },
  takeNumber: { en: 'Take it from the card in the reader', sv: 'Hämta från kortet i läsaren' },
  choose: { en: 'Choose …', sv: 'Välj …' },
  optional: { en: '{title} (if there is one)', sv: '{title} (om det finns)' },
  missing: { en: 'Fill this in.', sv: 'Fyll i detta.' },
  mustConfirm: { en: 'Tick the box to go on.', sv: 'Kryssa i rutan för att fortsätta.' },
  correct: { en: 'Correct what is marked below.', sv: 'Rätta det som är markerat nedan.' },

  // The card
  readerOf: { en: 'The card of: {who}', sv: 'Kortet för: {who}' },
  whichReader: { en: 'Reader', sv: 'Läsare' },
  noReader: { en: 'No reader is there.', sv: 'Det finns ingen läsare.' },
  putCard: { en: 'Put the card into the reader {reader}.', sv: 'Sätt kortet i läsaren {reader}.' },
  reading: { en: 'Reading the card …', sv: 'Läser kortet …' },
  unreadable: {
    en: 'The card in {reader} cannot be read. Take it out and put it in again.',
    sv: 'Kortet i {reader} kan inte läsas. Ta ut det och sätt i det igen.',
  },
  blankCard: { en: 'Card without certificates', sv: 'Kort utan certifikat' },
  number: { en: 'Card number {number}', sv: 'Kortnummer {number}' },
  rightCard: { en: 'This is the card that is expected.', sv: 'Det här är kortet som väntas.' },
  wrongCard: {
    en: 'Another card is expected: {expected}. Take this one out; nothing was changed on it.',
    sv: 'Ett annat kort väntas: {expected}. Ta ut detta; inget har ändrats på det.',
  },
  untrusted: {
    en: 'No certificate of this card is trusted and valid.',
    sv: 'Inget av kortets certifikat är betrott och giltigt.',
  },
  triesLeft: { en: '{pin}: {n} tries left', sv: '{pin}: {n} försök kvar' },
  oneTryLeft: { en: '{pin}: 1 try left', sv: '{pin}: 1 försök kvar' },
  blocked: { en: '{pin}: blocked', sv: '{pin}: spärrad' },

  // Cancelling
  cancel: { en: 'Cancel the case …', sv: 'Avbryt ärendet …' },
  cancelTitle: { en: 'Cancel the case', sv: 'Avbryt ärendet' },
  cancelText: {
    en: 'What was put on a card is taken off it again, as soon as the card is in a reader.',
    sv: 'Det som lagts på ett kort tas bort igen, så snart kortet sitter i en läsare.',
  },
  reason: { en: 'Why?', sv: 'Varför?' },
  cardLost: { en: 'The card is lost or broken', sv: 'Kortet är borta eller trasigt' },
  doCancel: { en: 'Cancel the case', sv: 'Avbryt ärendet' },
  keep: { en: 'Keep it', sv: 'Behåll det' },

  // The end
  finishedText: {
    en: 'The case is finished. Everything stands in kortd’s journal.',
    sv: 'Ärendet är klart. Allt står i kortds journal.',
  },
  cancelledText: { en: 'The case was cancelled: {reason}', sv: 'Ärendet avbröts: {reason}' },
  reasonLate: { en: 'the time ran out.', sv: 'tiden gick ut.' },
  reasonReplaced: { en: 'a key on the card had been replaced.', sv: 'en nyckel på kortet hade bytts ut.' },
  revoking: { en: 'The certificates are being reported for revocation …', sv: 'Certifikaten anmäls för spärr …' },
  revoked: {
    en: 'The certificates have been revoked at the certification authority.',
    sv: 'Certifikaten har spärrats hos utfärdaren.',
  },
  revokeAgain: { en: 'Report for revocation again', sv: 'Anmäl för spärr igen' },
  noneToRevoke: {
    en: 'No certificate was issued, so none is to be revoked.',
    sv: 'Inget certifikat utfärdades, så inget behöver spärras.',
  },
  certificateUnaccounted: {
    en: 'A certificate that was asked for never came. Look it up at the certification authority, and have it revoked.',
    sv: 'Ett certifikat som begärdes kom aldrig. Slå upp det hos utfärdaren, och låt spärra det.',
  },
  paperReceiptMissing: { en: 'The paper receipt is missing.', sv: 'Papperskvittensen saknas.' },
  toStart: { en: 'Back to all cases', sv: 'Tillbaka till alla ärenden' },

  // Problems
  problem: { en: 'That did not work', sv: 'Det gick inte' },
  portalAway: {
    en: 'The portal does not answer. Try again in a while; nothing is lost.',
    sv: 'Portalen svarar inte. Försök igen om en stund; inget är förlorat.',
  },
  unexpected: {
    en: 'Something unexpected happened. Load the page again; the case goes on where it was.',
    sv: 'Något oväntat hände. Ladda om sidan; ärendet fortsätter där det var.',
  },
  seen: { en: 'In the reader {reader} is the card of {name}.', sv: 'I läsaren {reader} sitter kortet för {name}.' },
  same_person: {
    en: '{who} must be somebody else than those who took part before. Have another person put in their card.',
    sv: '{who} måste vara någon annan än de som deltagit tidigare. Låt en annan person sätta i sitt kort.',
  },
  other_person: {
    en: '{who} took an earlier step with another person’s card. The same person must go on.',
    sv: '{who} utförde ett tidigare steg med en annan persons kort. Samma person måste fortsätta.',
  },
  not_administrator: {
    en: '{who} must be one of the office’s administrators.',
    sv: '{who} måste vara en av kontorets administratörer.',
  },
  assurance_level: {
    en: '{who} needs a card of a higher level of assurance.',
    sv: '{who} behöver ett kort på högre tillitsnivå.',
  },
  untrusted_card: {
    en: 'The card of {who} has no certificate that is trusted and valid.',
    sv: 'Kortet för {who} har inget certifikat som är betrott och giltigt.',
  },
  not_comparable: {
    en: 'The cards do not tell whether {who} is somebody else. Use a card with a personal identity number or an HSA-id.',
    sv: 'Korten visar inte om {who} är någon annan. Använd ett kort med personnummer eller HSA-id.',
  },
  not_holder: {
    en: 'The card is not that of the person whom the case is about.',
    sv: 'Kortet tillhör inte den person som ärendet gäller.',
  },
  unknown_holder: { en: 'Nothing says for whom the card is.', sv: 'Inget anger vem kortet är till.' },

  // The simulated desk
  desk: { en: 'Simulated desk', sv: 'Simulerat bord' },
  deskText: {
    en: 'Here you move the cards that people would move with their hands.',
    sv: 'Här flyttar du korten som människor annars flyttar för hand.',
  },
  cardIn: { en: 'Card in the reader {reader}', sv: 'Kort i läsaren {reader}' },
  emptyReader: { en: 'No card', sv: 'Inget kort' },
  elsewhere: { en: '{card} (now: {reader})', sv: '{card} (nu: {reader})' },
  moved: { en: '{card} is in the reader {reader}.', sv: '{card} sitter i läsaren {reader}.' },
  takenOut: { en: 'The card was taken out of {reader}.', sv: 'Kortet togs ut ur {reader}.' },
} as const satisfies Record<string, Text>;

/** What readers are for, and to whom messages go, where the routine has no word of its own for it. */
export const ROLES: Readonly<Record<string, Text>> = {
  colleague: { en: 'Colleague', sv: 'Kollega' },
  holder: { en: 'Holder', sv: 'Innehavare' },
  issuingOffice: { en: 'The issuing office', sv: 'Utfärdande kontor' },
  operator: { en: 'Administrator 1', sv: 'Administratör 1' },
  secondOperator: { en: 'Administrator 2', sv: 'Administratör 2' },
};

/** What kortd says of a field, with the place where a value stands. */
export const FIELD_PROBLEMS: readonly { readonly pattern: RegExp; readonly text: Text }[] = [
  { pattern: /^it is missing$/, text: WORDS.missing },
  { pattern: /^it must be confirmed$/, text: WORDS.mustConfirm },
  { pattern: /^it is before (?<day>\S+)$/, text: { en: 'Not before {day}.', sv: 'Inte före {day}.' } },
  { pattern: /^it is after (?<day>\S+)$/, text: { en: 'Not after {day}.', sv: 'Inte efter {day}.' } },
  { pattern: /^it is no date/, text: { en: 'Write a date: YYYY-MM-DD.', sv: 'Skriv ett datum: ÅÅÅÅ-MM-DD.' } },
  {
    pattern: /^it is no card number/,
    text: { en: 'A card number has nineteen digits.', sv: 'Ett kortnummer har nitton siffror.' },
  },
  {
    pattern: /^it is no HSA-id/,
    text: {
      en: 'An HSA-id is SE, ten digits, a hyphen, letters and digits.',
      sv: 'Ett HSA-id är SE, tio siffror, bindestreck, bokstäver och siffror.',
    },
  },
  {
    pattern: /^it is no personal/,
    text: {
      en: 'Write twelve digits; the last one is a check digit.',
      sv: 'Skriv tolv siffror; den sista är en kontrollsiffra.',
    },
  },
  {
    pattern: /coordination number$/,
    text: {
      en: 'This routine is not for holders with a coordination number.',
      sv: 'Rutinen gäller inte innehavare med samordningsnummer.',
    },
  },
  {
    pattern: /^the holder must be (?<age>\d+)/,
    text: { en: 'The holder must be at least {age}.', sv: 'Innehavaren måste vara minst {age} år.' },
  },
  {
    pattern: /^exactly one/,
    text: { en: 'Fill in one of the alternatives, and only one.', sv: 'Fyll i ett av alternativen, och bara ett.' },
  },
  {
    pattern: /^it is of another organisation$/,
    text: { en: 'This is another organisation’s HSA-id.', sv: 'Det är en annan organisations HSA-id.' },
  },
  {
    pattern: /^it is of the same organisation$/,
    text: { en: 'This is the same organisation’s HSA-id.', sv: 'Det är samma organisations HSA-id.' },
  },
  { pattern: /^it is longer than (?<n>\d+)/, text: { en: 'At most {n} characters.', sv: 'Högst {n} tecken.' } },
  { pattern: /^it is no whole number$/, text: { en: 'Write a whole number.', sv: 'Skriv ett heltal.' } },
  { pattern: /^it is none of the choices$/, text: { en: 'Choose one of these.', sv: 'Välj ett av dessa.' } },
];
