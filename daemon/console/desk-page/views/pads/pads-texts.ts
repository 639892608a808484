/** Words of the view of signature pads, in English and Swedish. */
import type { Pad } from '../../../../../api-spec/pads.ts';
import type { In } from '../../language.ts';

interface PadTexts {
  readonly none: string;
  readonly noneHelp: string;
  readonly status: Readonly<Record<Pad['status'], string>>;
  readonly serialNumber: string;
  readonly area: string;
  readonly areaOf: (width: number, height: number) => string;
  readonly last: string;
  readonly noLast: string;
  readonly outcomes: Readonly<Record<NonNullable<Pad['lastCapture']>['outcome'], string>>;
  readonly whole: string;
  readonly notWhole: string;
  readonly watch: string;
  readonly watching: string;
  readonly watchHelp: string;
  readonly stop: string;
  readonly live: string;
  readonly ended: string;
  readonly nothingYet: string;
  readonly picture: (strokes: number) => string;
  readonly strokes: (count: number) => string;
  readonly gaps: (count: number) => string;
}

export const PAD_TEXTS: In<PadTexts> = {
  en: {
    none: 'No signature pad is plugged in',
    noneHelp: 'It appears here by itself when it is.',
    status: { ready: 'Ready', capturing: 'Somebody is signing' },
    serialNumber: 'Serial number',
    area: 'Area to write on',
    areaOf: (width, height) => `${width} × ${height} mm`,
    last: 'Latest signature',
    noLast: 'None since it was plugged in',
    outcomes: { accepted: 'Accepted', cancelled: 'Cancelled', failed: 'Failed' },
    whole: 'whole',
    notWhole: 'with gaps: have it written again',
    watch: 'Look on',
    watching: 'You are looking on. The audit log says so.',
    watchHelp: 'A signature is personal. That you look on stands in the audit log.',
    stop: 'Stop looking on',
    live: 'Being written now',
    ended: 'As it was written last',
    nothingYet: 'Nothing was written yet.',
    picture: (strokes) => `Signature with ${strokes} ${strokes === 1 ? 'stroke' : 'strokes'}`,
    strokes: (count) => (count === 1 ? '1 stroke' : `${count} strokes`),
    gaps: (count) => (count === 1 ? '1 gap: not all of it came here' : `${count} gaps: not all of it came here`),
  },
  sv: {
    none: 'Ingen signaturplatta är ansluten',
    noneHelp: 'Den visas här av sig själv när den är det.',
    status: { ready: 'Redo', capturing: 'Någon skriver under' },
    serialNumber: 'Serienummer',
    area: 'Yta att skriva på',
    areaOf: (width, height) => `${width} × ${height} mm`.replaceAll('.', ','),
    last: 'Senaste underskrift',
    noLast: 'Ingen sedan den anslöts',
    outcomes: { accepted: 'Godkänd', cancelled: 'Avbruten', failed: 'Misslyckades' },
    whole: 'hel',
    notWhole: 'med luckor: låt skriva den igen',
    watch: 'Titta på',
    watching: 'Du tittar på. Det står i granskningsloggen.',
    watchHelp: 'En underskrift är personlig. Att du tittar på står i granskningsloggen.',
    stop: 'Sluta titta på',
    live: 'Skrivs just nu',
    ended: 'Som den skrevs senast',
    nothingYet: 'Inget har skrivits än.',
    picture: (strokes) => `Underskrift med ${strokes} streck`,
    strokes: (count) => `${count} streck`,
    gaps: (count) => (count === 1 ? '1 lucka: allt kom inte hit' : `${count} luckor: allt kom inte hit`),
  },
};
