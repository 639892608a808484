/** Words of the frame, in English and Swedish. Each view has its own beside it. */
import type { In } from './language.ts';
import type { LinkState } from './session.ts';

interface FrameTexts {
  readonly user: (name: string) => string;
  readonly languages: string;
  readonly views: string;
  readonly skip: string;
  readonly loading: string;
  readonly askAgain: string;
  readonly failed: string;
  readonly states: Readonly<Record<LinkState, string>>;
}

const OPEN = 'kortd open --desk';

export const FRAME_TEXTS: In<FrameTexts> = {
  en: {
    user: (name) => `User: ${name}`,
    languages: 'Language',
    views: 'Views',
    skip: 'Skip to the content',
    loading: 'Reading …',
    askAgain: 'Try again',
    failed: 'That did not work.',
    states: {
      connecting: 'Connecting …',
      connected: 'Connected',
      lost: 'The connection was lost. What you see may be old; trying again …',
      busy: `Too many tries. Wait a minute, then run “${OPEN}”.`,
      closed: `Not connected. Run “${OPEN}” to look at the desk.`,
      over: `Disconnected. Run “${OPEN}” to go on.`,
      refused: `This link is no longer good: it works once, and for one minute. Run “${OPEN}” for a new one.`,
      replaced: 'Open in another window. You can close this one.',
    },
  },
  sv: {
    user: (name) => `Användare: ${name}`,
    languages: 'Språk',
    views: 'Vyer',
    skip: 'Hoppa till innehållet',
    loading: 'Läser …',
    askAgain: 'Försök igen',
    failed: 'Det gick inte.',
    states: {
      connecting: 'Ansluter …',
      connected: 'Ansluten',
      lost: 'Anslutningen bröts. Det du ser kan vara gammalt; försöker igen …',
      busy: `För många försök. Vänta en minut och kör sedan ”${OPEN}”.`,
      closed: `Inte ansluten. Kör ”${OPEN}” för att se bordet.`,
      over: `Frånkopplad. Kör ”${OPEN}” för att fortsätta.`,
      refused: `Länken gäller inte längre: den gäller en gång och i en minut. Kör ”${OPEN}” för att få en ny.`,
      replaced: 'Öppen i ett annat fönster. Du kan stänga det här.',
    },
  },
};
