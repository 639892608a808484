/** Every word of ours on the page, in English and Swedish. What each right means comes from the API's own table, by /scopes.js. */
/** @import { ConnectionState } from './connection.js' */
/** @import { EntryName } from './entries.js' */

/**
 * @typedef {'en' | 'sv'} Language
 * @typedef {'allowed' | 'cancelled' | 'denied' | 'keypad' | 'lost' | 'sent' | 'timedOut' | 'withdrawn'} Notice
 * @typedef {{ title: string, text: string }} StateTexts
 */

/**
 * @typedef {object} Texts
 * @property {(name: string) => string} user
 * @property {string} languages
 * @property {string} waiting title of the window
 * @property {Record<ConnectionState, StateTexts>} states
 * @property {string} showDesk
 * @property {Record<Notice, string>} notices
 * @property {Record<'origin' | 'program', string>} asker
 * @property {string} showAll
 * @property {string} card
 * @property {string} task
 * @property {'en' | 'sv'} language
 * @property {string} purpose
 * @property {string} pin
 * @property {string} statement
 * @property {string} reason
 * @property {(text: string) => string} quote
 * @property {Record<'verify' | 'change' | 'unblock' | 'lastTry' | 'documents' | 'consent', string>} titles
 * @property {Record<EntryName | 'repeat', string>} fields
 * @property {(count: number) => string} triesLeft
 * @property {Record<'pin' | 'puk' | 'unknown', StateTexts>} lastTry
 * @property {string} lastTryQuestion
 * @property {string} keypad
 * @property {(count: number) => string} documents
 * @property {string} checksum
 * @property {string} signQuestion
 * @property {string} sign
 * @property {string} useLastTry
 * @property {string} confirm
 * @property {string} cancel
 * @property {string} allow
 * @property {string} deny
 * @property {string} code
 * @property {string} codeHelp
 * @property {string} wants
 * @property {string} empty
 * @property {(min: number, max: number) => string} range
 * @property {(min: number, max: number) => string} length
 * @property {string} lengthHelp
 * @property {string} mismatch
 * @property {string} capsLock
 * @property {(seconds: number) => string} secondsLeft
 * @property {string} hurry
 */

/** @type {Texts} */
const ENGLISH = {
  user: (name) => `User: ${name}`,
  languages: 'Language',
  waiting: 'Answer needed – kortd',
  states: {
    connecting: { title: 'Connecting …', text: 'One moment.' },
    connected: {
      title: 'Connected, waiting',
      text: 'When a PIN or an answer of yours is needed, kortd asks for it here. Keep this window open.',
    },
    lost: { title: 'Connection lost', text: 'Trying to reach kortd again …' },
    refused: {
      title: 'This link no longer works',
      text: 'A link is good once, and for one minute. Run “kortd open” to get a new one.',
    },
    busy: { title: 'Too many tries', text: 'Wait a minute, then run “kortd open”.' },
    closed: { title: 'Not connected', text: 'To connect this page, run “kortd open”.' },
    over: { title: 'Disconnected', text: 'kortd cannot ask you here any more. Run “kortd open” to go on.' },
    replaced: { title: 'Open in another window', text: 'kortd asks you there. You can close this window.' },
  },
  showDesk: 'Show the desk in a new window',
  notices: {
    allowed: 'You allowed it.',
    cancelled: 'You cancelled. Nothing was sent.',
    denied: 'You denied it.',
    keypad: 'Go on at the keypad of the reader.',
    lost: 'The connection was lost before you answered. Nothing was sent.',
    sent: 'Sent.',
    timedOut: 'Time ran out before you answered. Nothing was sent.',
    withdrawn: 'The question was withdrawn. You need not answer it.',
  },
  asker: { origin: 'A web page asks', program: 'A program asks' },
  showAll: 'Show the whole name',
  card: 'Card',
  task: 'What is done',
  language: 'en',
  purpose: 'Purpose, in its own words',
  pin: 'Which PIN',
  statement: 'You sign',
  reason: 'Reason, in its own words',
  quote: (text) => `“${text}”`,
  titles: {
    verify: 'Enter your PIN',
    change: 'Change your PIN',
    unblock: 'Unblock your PIN',
    lastTry: 'Last try on the keypad',
    documents: 'Sign these documents?',
    consent: 'Allow access?',
  },
  fields: { pin: 'PIN', newPin: 'New PIN', repeat: 'New PIN again', puk: 'PUK' },
  triesLeft: (count) => `Tries left: ${count}`,
  lastTry: {
    pin: { title: 'This is the last try', text: 'If the PIN is wrong, it is blocked.' },
    puk: { title: 'This is the last try', text: 'If the PUK is wrong, it is blocked for good.' },
    unknown: { title: 'This may be the last try', text: 'The card does not tell how many are left.' },
  },
  lastTryQuestion: 'Cancel if you are not sure. Do you want to use it?',
  keypad: 'The entry itself is made on the keypad of the reader.',
  documents: (count) => (count === 1 ? 'To be signed: 1 document' : `To be signed: ${count} documents`),
  checksum: 'Checksum of the list',
  signQuestion: 'Do you want to sign all of them?',
  sign: 'Sign',
  useLastTry: 'Use the last try',
  confirm: 'OK',
  cancel: 'Cancel',
  allow: 'Allow',
  deny: 'Deny',
  code: 'Code',
  codeHelp: 'Allow it only if you expected this, and the page shows the same code.',
  wants: 'It wants to',
  empty: 'Nothing was entered.',
  range: (min, max) => (min === max ? `${min} characters` : `${min} to ${max} characters`),
  length: (min, max) => (min === max ? `It has ${min} characters.` : `It has ${min} to ${max} characters.`),
  lengthHelp: 'Letters such as å and é count as two.',
  mismatch: 'The two are not the same.',
  capsLock: 'Caps Lock is on.',
  secondsLeft: (seconds) => `${seconds} s left`,
  hurry: 'Little time left to answer.',
};

/** @type {Texts} */
const SWEDISH = {
  user: (name) => `Användare: ${name}`,
  languages: 'Språk',
  waiting: 'Svar behövs – kortd',
  states: {
    connecting: { title: 'Ansluter …', text: 'Ett ögonblick.' },
    connected: {
      title: 'Ansluten, väntar',
      text: 'När din PIN-kod eller ditt svar behövs frågar kortd här. Låt fönstret vara öppet.',
    },
    lost: { title: 'Anslutningen bröts', text: 'Försöker nå kortd igen …' },
    refused: {
      title: 'Länken gäller inte längre',
      text: 'En länk gäller en gång och i en minut. Kör ”kortd open” för att få en ny.',
    },
    busy: { title: 'För många försök', text: 'Vänta en minut och kör sedan ”kortd open”.' },
    closed: { title: 'Inte ansluten', text: 'Kör ”kortd open” för att ansluta sidan.' },
    over: { title: 'Frånkopplad', text: 'kortd kan inte längre fråga dig här. Kör ”kortd open” för att fortsätta.' },
    replaced: { title: 'Öppen i ett annat fönster', text: 'kortd frågar dig där. Du kan stänga det här fönstret.' },
  },
  showDesk: 'Visa bordet i ett nytt fönster',
  notices: {
    allowed: 'Du tillät det.',
    cancelled: 'Du avbröt. Inget skickades.',
    denied: 'Du nekade.',
    keypad: 'Fortsätt på läsarens knappsats.',
    lost: 'Anslutningen bröts innan du svarade. Inget skickades.',
    sent: 'Skickat.',
    timedOut: 'Tiden gick ut innan du svarade. Inget skickades.',
    withdrawn: 'Frågan drogs tillbaka. Du behöver inte svara.',
  },
  asker: { origin: 'En webbsida frågar', program: 'Ett program frågar' },
  showAll: 'Visa hela namnet',
  card: 'Kort',
  task: 'Vad som görs',
  language: 'sv',
  purpose: 'Ändamål, med dess egna ord',
  pin: 'Vilken PIN-kod',
  statement: 'Du undertecknar',
  reason: 'Skäl, med dess egna ord',
  quote: (text) => `”${text}”`,
  titles: {
    verify: 'Ange din PIN-kod',
    change: 'Ändra din PIN-kod',
    unblock: 'Lås upp din PIN-kod',
    lastTry: 'Sista försöket på knappsatsen',
    documents: 'Signera dessa dokument?',
    consent: 'Tillåta åtkomst?',
  },
  fields: { pin: 'PIN-kod', newPin: 'Ny PIN-kod', repeat: 'Ny PIN-kod igen', puk: 'PUK-kod' },
  triesLeft: (count) => `Försök kvar: ${count}`,
  lastTry: {
    pin: { title: 'Detta är sista försöket', text: 'Är PIN-koden fel så spärras den.' },
    puk: { title: 'Detta är sista försöket', text: 'Är PUK-koden fel så spärras den för gott.' },
    unknown: { title: 'Detta kan vara sista försöket', text: 'Kortet anger inte hur många som är kvar.' },
  },
  lastTryQuestion: 'Avbryt om du inte är säker. Vill du använda det?',
  keypad: 'Själva koden anges på läsarens knappsats.',
  documents: (count) => `Ska signeras: ${count} dokument`,
  checksum: 'Listans kontrollsumma',
  signQuestion: 'Vill du signera alla?',
  sign: 'Signera',
  useLastTry: 'Använd sista försöket',
  confirm: 'OK',
  cancel: 'Avbryt',
  allow: 'Tillåt',
  deny: 'Neka',
  code: 'Kod',
  codeHelp: 'Tillåt bara om du väntade dig detta och sidan visar samma kod.',
  wants: 'Den vill',
  empty: 'Inget angavs.',
  range: (min, max) => (min === max ? `${min} tecken` : `${min} till ${max} tecken`),
  length: (min, max) => (min === max ? `Den har ${min} tecken.` : `Den har ${min} till ${max} tecken.`),
  lengthHelp: 'Bokstäver som å och é räknas som två.',
  mismatch: 'De två är inte lika.',
  capsLock: 'Caps Lock är på.',
  secondsLeft: (seconds) => `${seconds} s kvar`,
  hurry: 'Det är ont om tid att svara.',
};

/** @type {Readonly<Record<Language, Texts>>} */
export const TEXTS = { en: ENGLISH, sv: SWEDISH };

/**
 * The first of the person's languages that we have.
 * @param {readonly string[]} wanted as navigator.languages
 * @returns {Language}
 */
export function chooseLanguage(wanted) {
  for (const tag of wanted) {
    const [language] = tag.toLowerCase().split('-');
    if (language === 'en' || language === 'sv') return language;
  }
  return 'en';
}
