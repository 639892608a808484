/** Words of the view of kortd's own health, in English and Swedish. */
import type { In } from '../language.ts';

interface HealthTexts {
  readonly statuses: Readonly<Record<'degraded' | 'ok', string>>;
  readonly simulated: string;
  readonly sources: string;
  readonly noSources: string;
  readonly available: string;
  readonly away: string;
  readonly since: string;
  readonly recoveries: string;
  readonly problem: string;
  readonly problems: string;
  readonly file: string;
  readonly service: string;
  readonly version: string;
  readonly platform: string;
  readonly uptime: string;
  readonly duration: (days: number, hours: number, minutes: number) => string;
  readonly memory: string;
  readonly clients: string;
  readonly calls: string;
  readonly readers: string;
  readonly cards: string;
  readonly asked: string;
  readonly nobodyAsked: string;
  readonly places: Readonly<Record<'agent' | 'console' | 'keypad', string>>;
  readonly askedIn: (reader: string) => string;
  readonly nameOfSource: Readonly<Record<string, string>>;
}

export const HEALTH_TEXTS: In<HealthTexts> = {
  en: {
    statuses: { ok: 'Everything works', degraded: 'Something is missing' },
    simulated: 'A simulated desk: nothing of it is real',
    sources: 'Where readers come from',
    noSources: 'kortd has no source of readers.',
    available: 'Available',
    away: 'Not available',
    since: 'Since',
    recoveries: 'Came back',
    problems: 'What an administrator has to see to',
    file: 'File',
    problem: 'Problem',
    service: 'The service',
    version: 'Version',
    platform: 'System',
    uptime: 'Running for',
    duration: (days, hours, minutes) => `${days > 0 ? `${days} d ` : ''}${hours} h ${minutes} min`,
    memory: 'Memory',
    clients: 'Connected programs and pages',
    calls: 'Calls under way',
    readers: 'Readers',
    cards: 'Cards',
    asked: 'When a person was asked',
    nobodyAsked: 'Nobody was asked for a PIN since this page was opened.',
    places: { agent: 'in a dialog', console: 'in the window of kortd', keypad: 'on the keypad of the reader' },
    askedIn: (reader) => `For the card in ${reader}`,
    nameOfSource: { pcsc: 'Readers of this computer (PC/SC)', simulated: 'Simulated readers' },
  },
  sv: {
    statuses: { ok: 'Allt fungerar', degraded: 'Något saknas' },
    simulated: 'Ett simulerat bord: inget av det är på riktigt',
    sources: 'Varifrån läsare kommer',
    noSources: 'kortd har ingenstans att få läsare från.',
    available: 'Tillgänglig',
    away: 'Inte tillgänglig',
    since: 'Sedan',
    recoveries: 'Kom tillbaka',
    problems: 'Det en administratör behöver ta hand om',
    file: 'Fil',
    problem: 'Problem',
    service: 'Tjänsten',
    version: 'Version',
    platform: 'System',
    uptime: 'Har varit igång',
    duration: (days, hours, minutes) => `${days > 0 ? `${days} d ` : ''}${hours} h ${minutes} min`,
    memory: 'Minne',
    clients: 'Anslutna program och sidor',
    calls: 'Pågående anrop',
    readers: 'Läsare',
    cards: 'Kort',
    asked: 'När en person har tillfrågats',
    nobodyAsked: 'Ingen har tillfrågats om PIN-kod sedan sidan öppnades.',
    places: { agent: 'i en dialogruta', console: 'i kortds fönster', keypad: 'på läsarens knappsats' },
    askedIn: (reader) => `För kortet i ${reader}`,
    nameOfSource: { pcsc: 'Datorns läsare (PC/SC)', simulated: 'Simulerade läsare' },
  },
};
