/** Words of the view of ceremonies, in English and Swedish. */
import type { Ceremony } from '../../../../../api-spec/issuance.ts';
import type { StepKind } from '../../../../../api-spec/routine.ts';
import type { In } from '../../language.ts';
import type { Job, Situation, Step } from './ceremony-model.ts';

interface Subject {
  readonly step: string;
  /** Who takes it. */
  readonly by: string;
}
type OfSubject = Readonly<Record<Situation, (subject: Subject) => string>>;

export interface CeremonyTexts {
  readonly none: string;
  readonly noneHelp: string;
  readonly open: string;
  readonly ended: string;
  readonly noneOpen: string;
  readonly back: string;
  readonly gone: string;
  readonly states: Readonly<Record<Ceremony['state'], string>>;
  readonly steps: string;
  readonly progress: (done: number, all: number) => string;
  readonly anybody: string;
  readonly started: string;
  readonly changed: string;
  readonly number: string;
  readonly reason: string;
  readonly recorded: string;
  readonly messages: string;
  readonly card: string;
  readonly keys: string;
  readonly toReport: string;
  readonly confirmed: string;
  readonly remaining: string;
  readonly late: string;
  readonly soon: (minutes: number) => string;
  readonly resume: string;
  readonly resuming: string;
  readonly resumeHelp: string;
  readonly cancel: string;
  readonly cancelTitle: string;
  readonly cancelHelp: string;
  readonly cancelReason: string;
  readonly cancelNeedsReason: string;
  readonly isCardLost: string;
  readonly cancelNow: string;
  readonly cancelling: string;
  readonly keep: string;
  readonly stepStates: Readonly<Record<Step['state'], string>>;
  readonly kinds: Readonly<Record<StepKind, string>>;
  readonly phases: Readonly<Record<Job['phase'], string>>;
  readonly usages: Readonly<Record<Job['keys'][number]['usage'], string>>;
  readonly stages: Readonly<Record<'accepted' | 'none' | 'requested' | 'written', string>>;
  readonly reports: Readonly<Record<string, string>>;
  readonly headlines: OfSubject;
  readonly advice: OfSubject;
}

export const CEREMONY_TEXTS: In<CeremonyTexts> = {
  en: {
    none: 'No ceremonies yet',
    noneHelp: 'One appears here when a card order, a renewal or another routine of the card office is begun.',
    open: 'Under way',
    ended: 'Ended',
    noneOpen: 'Nothing is under way.',
    back: 'All ceremonies',
    gone: 'There is no such ceremony for you.',
    states: { open: 'Under way', finished: 'Finished', cancelled: 'Cancelled' },
    steps: 'Steps',
    progress: (done, all) => `${done} of ${all} steps taken`,
    anybody: 'Whoever works at the desk',
    started: 'Begun',
    changed: 'Latest change',
    number: 'Ceremony',
    reason: 'Reason',
    recorded: 'What was recorded',
    messages: 'Messages to send',
    card: 'Card',
    keys: 'Keys',
    toReport: 'To be reported',
    confirmed: 'Yes',
    remaining: 'Time left',
    late: 'The time has run out',
    soon: (minutes) => (minutes === 1 ? 'One minute left' : `${minutes} minutes left`),
    resume: 'Go on with the card',
    resuming: 'Working with the card …',
    resumeHelp: 'Have the card in a reader. When a PIN is needed, kortd asks for it where it asks for PINs.',
    cancel: 'Cancel the ceremony …',
    cancelTitle: 'Cancel this ceremony?',
    cancelHelp: 'It ends for good. What was put on the card is taken off again, now or when the card is next at hand.',
    cancelReason: 'Why it is cancelled',
    cancelNeedsReason: 'Write why it is cancelled: it stands in the journal.',
    isCardLost: 'The card is lost and will not come back',
    cancelNow: 'Cancel it',
    cancelling: 'Cancelling …',
    keep: 'Let it go on',
    stepStates: { done: 'Done', next: 'Next', later: 'Later' },
    kinds: {
      attach: 'Picture',
      enrol: 'Keys and certificates',
      messages: 'Messages',
      readCard: 'Card is read',
      record: 'Form',
      removeCertificates: 'Certificates are removed',
      sign: 'Signature',
      unblockPin: 'PIN is unblocked',
      verifyPin: 'PIN is verified',
    },
    phases: {
      making: 'Keys are being made',
      waiting: 'Waiting for the certificates',
      writing: 'Certificates are being written',
      finished: 'Everything stands on the card, and can still go back',
      confirming: 'The card is being confirmed',
      confirmed: 'The card is as it shall be',
      undoing: 'The card is being put back as it was',
      undone: 'The card is as it was before',
      abandoned: 'The card was given up as lost',
    },
    usages: { authentication: 'Authentication', signature: 'Signature' },
    stages: {
      none: 'no key yet',
      requested: 'certificate requested',
      accepted: 'certificate accepted, not yet on the card',
      written: 'certificate on the card',
    },
    reports: {
      revocation: 'Have the certificates that were issued revoked.',
      certificateUnaccounted:
        'An authority was asked for a certificate that never came: look the key up there, and have what it issued revoked.',
      paperReceiptMissing: 'The receipt on paper is missing: ask for it.',
    },
    headlines: {
      away: () => 'Goes on at another desk',
      cancelled: () => 'Cancelled',
      confirm: () => 'All steps are taken: to be confirmed',
      confirming: () => 'Broke off while the card was being confirmed',
      finished: () => 'Finished',
      interrupted: () => 'Paused: the card is not ready',
      late: ({ step }) => `Too late: ${step}`,
      lost: () => 'The card was given up as lost',
      person: ({ step }) => `Next: ${step}`,
      rollingBack: () => 'Rolled back: the card is not yet as it was',
      waiting: () => 'Waiting for the certificates',
      writing: () => 'Broke off while certificates were being written',
    },
    advice: {
      away: () => 'It was exported. Go on there, or import it again here.',
      cancelled: () => 'Nothing more is to be done here.',
      confirm: () => 'Confirm it where it was begun. Until then the card can still go back.',
      confirming: () => 'Put the card into a reader and go on: what is left is done, and nothing is done twice.',
      finished: () => 'Nothing more is to be done here. The evidence is kept.',
      interrupted: () => 'Either the next PIN is wanted, or the card was pulled. Put the card into a reader and go on.',
      late: () => 'What the step depends on is being taken back. See below what is to be reported.',
      lost: () => 'Nothing was taken off it. See below what is to be reported.',
      person: ({ by }) => `Turn of: ${by}.`,
      rollingBack: () => 'Put the card into a reader and go on: what was put on it is then taken off.',
      waiting: () => 'The certification authority has not answered yet, or nobody has asked it. It goes on where it was begun.',
      writing: () => 'Put the card into a reader and go on: what is missing is written, and read back.',
    },
  },
  sv: {
    none: 'Inga ärenden än',
    noneHelp: 'Ett ärende visas här när en kortbeställning, en förnyelse eller en annan av kortkontorets rutiner har påbörjats.',
    open: 'Pågår',
    ended: 'Avslutade',
    noneOpen: 'Inget pågår.',
    back: 'Alla ärenden',
    gone: 'Det finns inget sådant ärende för dig.',
    states: { open: 'Pågår', finished: 'Klart', cancelled: 'Avbrutet' },
    steps: 'Steg',
    progress: (done, all) => `${done} av ${all} steg utförda`,
    anybody: 'Den som arbetar vid bordet',
    started: 'Påbörjat',
    changed: 'Senaste ändring',
    number: 'Ärende',
    reason: 'Skäl',
    recorded: 'Vad som registrerades',
    messages: 'Meddelanden att skicka',
    card: 'Kort',
    keys: 'Nycklar',
    toReport: 'Att rapportera',
    confirmed: 'Ja',
    remaining: 'Tid kvar',
    late: 'Tiden har gått ut',
    soon: (minutes) => (minutes === 1 ? 'En minut kvar' : `${minutes} minuter kvar`),
    resume: 'Fortsätt med kortet',
    resuming: 'Arbetar med kortet …',
    resumeHelp: 'Ha kortet i en läsare. När en PIN-kod behövs frågar kortd efter den där kortd frågar efter PIN-koder.',
    cancel: 'Avbryt ärendet …',
    cancelTitle: 'Avbryta ärendet?',
    cancelHelp: 'Det avslutas för gott. Det som lades på kortet tas bort igen, nu eller när kortet nästa gång är till hands.',
    cancelReason: 'Varför det avbryts',
    cancelNeedsReason: 'Skriv varför det avbryts: det står i journalen.',
    isCardLost: 'Kortet är borta och kommer inte tillbaka',
    cancelNow: 'Avbryt det',
    cancelling: 'Avbryter …',
    keep: 'Låt det fortsätta',
    stepStates: { done: 'Klart', next: 'Härnäst', later: 'Senare' },
    kinds: {
      attach: 'Bild',
      enrol: 'Nycklar och certifikat',
      messages: 'Meddelanden',
      readCard: 'Kortet läses',
      record: 'Formulär',
      removeCertificates: 'Certifikat tas bort',
      sign: 'Underskrift',
      unblockPin: 'PIN-koden låses upp',
      verifyPin: 'PIN-koden kontrolleras',
    },
    phases: {
      making: 'Nycklar skapas',
      waiting: 'Väntar på certifikaten',
      writing: 'Certifikat skrivs',
      finished: 'Allt står på kortet, och kan fortfarande tas tillbaka',
      confirming: 'Kortet bekräftas',
      confirmed: 'Kortet är som det ska vara',
      undoing: 'Kortet återställs',
      undone: 'Kortet är som det var förut',
      abandoned: 'Kortet har getts upp som borta',
    },
    usages: { authentication: 'Legitimering', signature: 'Underskrift' },
    stages: {
      none: 'ingen nyckel än',
      requested: 'certifikat begärt',
      accepted: 'certifikat godtaget, ännu inte på kortet',
      written: 'certifikat på kortet',
    },
    reports: {
      revocation: 'Låt spärra de certifikat som utfärdades.',
      certificateUnaccounted:
        'En utfärdare ombads om ett certifikat som aldrig kom: slå upp nyckeln där, och låt spärra det som utfärdades.',
      paperReceiptMissing: 'Kvittensen på papper saknas: be om den.',
    },
    headlines: {
      away: () => 'Fortsätter vid ett annat bord',
      cancelled: () => 'Avbrutet',
      confirm: () => 'Alla steg är utförda: ska bekräftas',
      confirming: () => 'Bröts medan kortet bekräftades',
      finished: () => 'Klart',
      interrupted: () => 'Pausat: kortet är inte klart',
      late: ({ step }) => `För sent: ${step}`,
      lost: () => 'Kortet har getts upp som borta',
      person: ({ step }) => `Härnäst: ${step}`,
      rollingBack: () => 'Tillbakarullat: kortet är ännu inte som det var',
      waiting: () => 'Väntar på certifikaten',
      writing: () => 'Bröts medan certifikat skrevs',
    },
    advice: {
      away: () => 'Det har exporterats. Fortsätt där, eller importera det hit igen.',
      cancelled: () => 'Här finns inget mer att göra.',
      confirm: () => 'Bekräfta det där det påbörjades. Till dess kan kortet fortfarande återställas.',
      confirming: () => 'Sätt kortet i en läsare och fortsätt: det som återstår görs, och inget görs två gånger.',
      finished: () => 'Här finns inget mer att göra. Bevisningen sparas.',
      interrupted: () => 'Antingen behövs nästa PIN-kod, eller så togs kortet ut. Sätt kortet i en läsare och fortsätt.',
      late: () => 'Det som steget bygger på tas tillbaka. Se nedan vad som ska rapporteras.',
      lost: () => 'Inget togs bort från det. Se nedan vad som ska rapporteras.',
      person: ({ by }) => `Tur: ${by}.`,
      rollingBack: () => 'Sätt kortet i en läsare och fortsätt: då tas det bort som lades på det.',
      waiting: () => 'Certifikatutfärdaren har inte svarat än, eller ingen har frågat. Det fortsätter där det påbörjades.',
      writing: () => 'Sätt kortet i en läsare och fortsätt: det som saknas skrivs och läses tillbaka.',
    },
  },
};
