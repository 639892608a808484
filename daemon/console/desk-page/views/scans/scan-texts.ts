/** Words of the view of scans, in English and Swedish. */
import type { EventData } from '../../../../../api-spec/events.ts';
import type { Scanner } from '../../../../../api-spec/methods/scanner.ts';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import type { In } from '../../language.ts';
import type { Finding } from './marks.ts';

type OfVerdict = Readonly<Record<Verdict, string>>;

export interface ScanTexts {
  readonly scanners: string;
  readonly noScanners: string;
  readonly noScannersHelp: string;
  readonly fileProblems: string;
  readonly status: Readonly<Record<Scanner['status'], string>>;
  readonly stages: Readonly<Record<EventData<'scanner.progress'>['stage'], string>>;
  readonly inLight: (stage: string, light: string) => string;
  readonly lightsOf: string;
  readonly abilities: string;
  readonly readsMrz: string;
  readonly readsChip: string;
  readonly judges: string;
  readonly serialNumber: string;
  readonly scans: string;
  readonly noScans: string;
  readonly noScansHelp: string;
  readonly keptFor: string;
  readonly scannedAt: string;
  readonly scanner: string;
  readonly asker: string;
  readonly result: string;
  readonly judgedAs: string;
  readonly notYetJudged: string;
  readonly pictureCount: (count: number) => string;
  readonly review: string;

  readonly reviewHelp: string;
  readonly back: string;
  readonly reviewing: string;
  readonly askAgain: string;
  readonly outcomes: Readonly<Record<Scan['outcome'], string>>;
  readonly verdicts: OfVerdict;
  readonly judged: OfVerdict;
  readonly scanned: OfVerdict;
  readonly advice: OfVerdict;
  readonly notJudged: string;
  readonly why: string;
  readonly rules: string;
  readonly kinds: Readonly<Record<ScanImage['kind'], string>>;
  readonly lights: Readonly<Record<ScanImage['light'], string>>;
  readonly pictures: string;
  readonly page: (number: number) => string;
  readonly portraits: string;
  readonly details: string;
  readonly detailHelp: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly zoomWhole: string;
  readonly zoom: string;
  readonly zoomHelp: string;
  readonly zoomedTo: (percent: number) => string;
  readonly pictureLoading: string;
  readonly pictureFailed: string;
  readonly checkCount: (count: number) => string;
  readonly places: Readonly<Record<Finding['place'], string>>;
  readonly noChecks: string;
  readonly mrz: string;
  readonly noMrz: string;
  readonly mrzLines: string;
  readonly field: string;
  readonly read: string;
  readonly expected: string;
  readonly finding: string;
  readonly corrected: (line: number, position: number, read: string, used: string) => string;
  readonly digits: Readonly<Record<NonNullable<Scan['mrz']>['checkDigits'][number]['field'], string>>;
  readonly chipTitle: string;
  readonly noChip: string;
  readonly check: string;
  readonly chip: {
    readonly present: string;
    readonly pace: string;
    readonly bac: string;
    readonly passive: string;
    readonly sodSignature: string;
    readonly chain: string;
    readonly certificateValidity: string;
    readonly revocation: string;
    readonly countryMatch: string;
    readonly read: (group: number) => string;
    readonly hash: (group: number) => string;
    readonly active: string;
    readonly chipAuthentication: string;
    readonly terminalAuthentication: string;
    readonly verdict: string;
  };
  readonly checks: string;
  readonly groups: Readonly<Record<Scan['checks'][number]['group'], string>>;
  readonly light: string;
  readonly sure: string;
  readonly told: string;
  readonly tellers: Readonly<Record<string, string>>;
  readonly warnings: string;
}

export const SCAN_TEXTS: In<ScanTexts> = {
  en: {
    scanners: 'Scanners',
    noScanners: 'No scanner is set up',
    noScannersHelp: 'The file scanners.json in the data folder of kortd names them.',
    fileProblems: 'The file scanners.json cannot be used as it is:',
    status: {
      ready: 'Ready',
      busy: 'Scanning',
      gone: 'Not connected: plug it in, or start its service',
      failed: 'Does not work',
      unlicensed: 'Its licence has ended',
    },
    stages: {
      waiting: 'Waiting for a document',
      documentPresent: 'A document lies in it',
      capturing: 'Taking a picture',
      reading: 'Reading',
      chip: 'Reading the chip',
      verifying: 'Checking',
      removeDocument: 'The document can be taken out',
      ended: 'Ended',
    },
    inLight: (stage, light) => `${stage}: ${light}`,
    lightsOf: 'Takes pictures in',
    abilities: 'Can also',
    readsMrz: 'read machine-readable zones',
    readsChip: 'read chips',
    judges: 'judge documents itself',
    serialNumber: 'Serial number',
    scans: 'Scans',
    noScans: 'No scans are kept',
    noScansHelp: 'A scan appears here when a page or program has made one, and goes after half an hour.',
    keptFor: 'Kept for half an hour, in memory alone. Whose documents they are is shown only in a review.',
    scannedAt: 'Scanned',
    scanner: 'Scanner',
    asker: 'For',
    result: 'The scan alone',
    judgedAs: 'The document',
    notYetJudged: 'Not judged yet',
    pictureCount: (count) => (count === 1 ? '1 picture' : `${count} pictures`),
    review: 'Review',
    reviewHelp: 'It shows personal data. That you look at it stands in the audit log.',
    back: 'All scans',
    reviewing: 'You are reviewing a person’s document. The audit log says so.',
    askAgain: 'Read it again',
    outcomes: { complete: 'Complete', partial: 'Something was not looked at', aborted: 'Broken off' },
    verdicts: {
      passed: 'Passed',
      failed: 'Failed',
      undetermined: 'Cannot be told',
      notSupported: 'Not there',
      notPerformed: 'Not looked at',
      aborted: 'Broken off',
    },
    judged: {
      passed: 'The document passed',
      failed: 'The document did not pass',
      undetermined: 'Not enough to tell whether the document is good',
      notSupported: 'The document has not what the rules ask for',
      notPerformed: 'Something that the rules ask for is still to be looked at',
      aborted: 'Judging was broken off',
    },
    scanned: {
      passed: 'The scan found nothing wrong',
      failed: 'The scan found something wrong',
      undetermined: 'The scan alone cannot tell',
      notSupported: 'The scan had nothing to look at',
      notPerformed: 'The scan did not look at everything',
      aborted: 'The scan was broken off',
    },
    advice: {
      passed: 'Everything that the rules ask for was found in order.',
      failed: 'Do not accept it as it is. See why below, and look at the document yourself.',
      undetermined: 'Look at what is named below yourself, or scan it once more.',
      notSupported: 'Ask for another document.',
      notPerformed: 'Do what is named below, and record it where the document is being checked.',
      aborted: 'Scan it once more.',
    },
    notJudged: 'Nobody has asked for a verdict by the rules yet: this is what the scanner and kortd found.',
    why: 'Why',
    rules: 'Rules',
    kinds: {
      page: 'Page',
      portrait: 'Portrait',
      portraitChip: 'Portrait in the chip',
      signature: 'Signature',
      detail: 'Detail',
      reference: 'As it should look',
    },
    lights: {
      white: 'visible light',
      whiteTop: 'visible light from above',
      whiteSide: 'visible light from the side',
      ir: 'infrared',
      uv: 'ultraviolet',
      axial: 'coaxial light',
      ovd: 'light for holograms',
      unknown: 'unknown light',
    },
    pictures: 'Pictures',
    page: (number) => `Page ${number}`,
    portraits: 'Portraits and signature',
    details: 'Details',
    detailHelp: 'What was looked at closely, beside what it should look like.',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    zoomWhole: 'Show all of it',
    zoom: 'Zoom',
    zoomHelp: 'All pictures of a page show the same place. Arrow keys move, + and − zoom, 0 shows all of it.',
    zoomedTo: (percent) => `${percent} %`,
    pictureLoading: 'Reading the picture …',
    pictureFailed: 'This picture could not be shown.',
    checkCount: (count) => (count === 1 ? '1 check' : `${count} checks`),
    places: {
      marked: '',
      outside: 'the place that it names is not in the picture',
      whole: 'all of the picture',
    },
    noChecks: 'No check looked at this picture.',
    mrz: 'Machine-readable zone',
    noMrz: 'No machine-readable zone was read.',
    mrzLines: 'As it was read',
    field: 'Field',
    read: 'Check digit read',
    expected: 'As counted',
    finding: 'Finding',
    corrected: (line, position, read, used) =>
      `Line ${line}, place ${position}: “${read}” was taken for “${used}”, as the check digits prove.`,
    digits: {
      birthDate: 'Date of birth',
      composite: 'All together',
      documentNumber: 'Document number',
      expiryDate: 'Date of expiry',
      optionalData: 'Optional data',
    },
    chipTitle: 'Chip',
    noChip: 'The scanner told nothing of a chip.',
    check: 'Check',
    chip: {
      present: 'A chip is there',
      pace: 'Opened by PACE',
      bac: 'Opened by BAC',
      passive: 'Passive authentication',
      sodSignature: 'Signature of the issuer',
      chain: 'Issuer is trusted',
      certificateValidity: 'Issuer’s certificate was valid',
      revocation: 'Issuer’s certificate is not revoked',
      countryMatch: 'Same country on chip and certificate',
      read: (group) => `Data group ${group} was read`,
      hash: (group) => `Data group ${group} is as it was signed`,
      active: 'Active authentication: the chip is no copy',
      chipAuthentication: 'Chip authentication: the chip is no copy',
      terminalAuthentication: 'Terminal authentication',
      verdict: 'The chip as a whole',
    },
    checks: 'All checks',
    groups: {
      mrz: 'Machine-readable zone',
      optical: 'Pictures',
      electronic: 'Chip',
      combined: 'Compared with each other',
      manual: 'By an operator',
      service: 'By the scanner’s maker',
      quality: 'Quality of the pictures',
    },
    light: 'Light',
    sure: 'Sure of it',
    told: 'Told by',
    tellers: { device: 'the scanner', kortd: 'kortd', service: 'its maker’s service' },
    warnings: 'What the scanner told and kortd did not take',
  },
  sv: {
    scanners: 'Skannrar',
    noScanners: 'Ingen skanner är inställd',
    noScannersHelp: 'Filen scanners.json i kortds datamapp namnger dem.',
    fileProblems: 'Filen scanners.json går inte att använda som den är:',
    status: {
      ready: 'Redo',
      busy: 'Läser in',
      gone: 'Inte ansluten: anslut den, eller starta dess tjänst',
      failed: 'Fungerar inte',
      unlicensed: 'Licensen har gått ut',
    },
    stages: {
      waiting: 'Väntar på en handling',
      documentPresent: 'En handling ligger i den',
      capturing: 'Tar en bild',
      reading: 'Läser',
      chip: 'Läser chippet',
      verifying: 'Kontrollerar',
      removeDocument: 'Handlingen kan tas ut',
      ended: 'Avslutad',
    },
    inLight: (stage, light) => `${stage}: ${light}`,
    lightsOf: 'Tar bilder i',
    abilities: 'Kan också',
    readsMrz: 'läsa maskinläsbara zoner',
    readsChip: 'läsa chip',
    judges: 'själv bedöma handlingar',
    serialNumber: 'Serienummer',
    scans: 'Inläsningar',
    noScans: 'Inga inläsningar finns kvar',
    noScansHelp: 'En inläsning visas här när en sida eller ett program har gjort en, och försvinner efter en halvtimme.',
    keptFor: 'Finns kvar i en halvtimme, bara i minnet. Vems handlingar det är visas först vid en granskning.',
    scannedAt: 'Inläst',
    scanner: 'Skanner',
    asker: 'För',
    result: 'Inläsningen ensam',
    judgedAs: 'Handlingen',
    notYetJudged: 'Inte prövad än',
    pictureCount: (count) => (count === 1 ? '1 bild' : `${count} bilder`),
    review: 'Granska',
    reviewHelp: 'Den visar personuppgifter. Att du tittar på den står i granskningsloggen.',
    back: 'Alla inläsningar',
    reviewing: 'Du granskar en persons handling. Det står i granskningsloggen.',
    askAgain: 'Läs den igen',
    outcomes: { complete: 'Fullständig', partial: 'Något blev inte granskat', aborted: 'Avbruten' },
    verdicts: {
      passed: 'Godkänd',
      failed: 'Underkänd',
      undetermined: 'Går inte att säga',
      notSupported: 'Finns inte',
      notPerformed: 'Inte granskad',
      aborted: 'Avbruten',
    },
    judged: {
      passed: 'Handlingen är godkänd',
      failed: 'Handlingen är inte godkänd',
      undetermined: 'Det räcker inte för att säga om handlingen är god',
      notSupported: 'Handlingen har inte det som reglerna kräver',
      notPerformed: 'Något som reglerna kräver är ännu inte granskat',
      aborted: 'Prövningen avbröts',
    },
    scanned: {
      passed: 'Inläsningen hittade inget fel',
      failed: 'Inläsningen hittade något fel',
      undetermined: 'Inläsningen ensam kan inte avgöra',
      notSupported: 'Inläsningen hade inget att granska',
      notPerformed: 'Inläsningen granskade inte allt',
      aborted: 'Inläsningen avbröts',
    },
    advice: {
      passed: 'Allt som reglerna kräver är i ordning.',
      failed: 'Godta den inte som den är. Se nedan varför, och titta själv på handlingen.',
      undetermined: 'Titta själv på det som nämns nedan, eller läs in den en gång till.',
      notSupported: 'Be om en annan handling.',
      notPerformed: 'Gör det som nämns nedan, och registrera det där handlingen kontrolleras.',
      aborted: 'Läs in den en gång till.',
    },
    notJudged: 'Ingen har bett om ett utlåtande enligt reglerna än: detta är vad skannern och kortd fann.',
    why: 'Varför',
    rules: 'Regler',
    kinds: {
      page: 'Sida',
      portrait: 'Porträtt',
      portraitChip: 'Porträtt i chippet',
      signature: 'Namnteckning',
      detail: 'Detalj',
      reference: 'Som det ska se ut',
    },
    lights: {
      white: 'synligt ljus',
      whiteTop: 'synligt ljus ovanifrån',
      whiteSide: 'synligt ljus från sidan',
      ir: 'infrarött',
      uv: 'ultraviolett',
      axial: 'koaxialt ljus',
      ovd: 'ljus för hologram',
      unknown: 'okänt ljus',
    },
    pictures: 'Bilder',
    page: (number) => `Sida ${number}`,
    portraits: 'Porträtt och namnteckning',
    details: 'Detaljer',
    detailHelp: 'Det som granskades på nära håll, bredvid hur det ska se ut.',
    zoomIn: 'Zooma in',
    zoomOut: 'Zooma ut',
    zoomWhole: 'Visa allt',
    zoom: 'Zoom',
    zoomHelp: 'Alla bilder av en sida visar samma ställe. Piltangenterna flyttar, + och − zoomar, 0 visar allt.',
    zoomedTo: (percent) => `${percent} %`,
    pictureLoading: 'Läser bilden …',
    pictureFailed: 'Bilden gick inte att visa.',
    checkCount: (count) => (count === 1 ? '1 kontroll' : `${count} kontroller`),
    places: {
      marked: '',
      outside: 'stället som den anger finns inte i bilden',
      whole: 'hela bilden',
    },
    noChecks: 'Ingen kontroll gällde den här bilden.',
    mrz: 'Maskinläsbar zon',
    noMrz: 'Ingen maskinläsbar zon lästes.',
    mrzLines: 'Som den lästes',
    field: 'Fält',
    read: 'Läst kontrollsiffra',
    expected: 'Uträknad',
    finding: 'Utfall',
    corrected: (line, position, read, used) =>
      `Rad ${line}, plats ${position}: ”${read}” togs för ”${used}”, som kontrollsiffrorna bevisar.`,
    digits: {
      birthDate: 'Födelsedatum',
      composite: 'Allt tillsammans',
      documentNumber: 'Handlingens nummer',
      expiryDate: 'Sista giltighetsdag',
      optionalData: 'Övriga uppgifter',
    },
    chipTitle: 'Chip',
    noChip: 'Skannern berättade inget om ett chip.',
    check: 'Kontroll',
    chip: {
      present: 'Ett chip finns',
      pace: 'Öppnat med PACE',
      bac: 'Öppnat med BAC',
      passive: 'Passiv autentisering',
      sodSignature: 'Utfärdarens underskrift',
      chain: 'Utfärdaren är betrodd',
      certificateValidity: 'Utfärdarens certifikat var giltigt',
      revocation: 'Utfärdarens certifikat är inte spärrat',
      countryMatch: 'Samma land på chip och certifikat',
      read: (group) => `Datagrupp ${group} lästes`,
      hash: (group) => `Datagrupp ${group} är som den undertecknades`,
      active: 'Aktiv autentisering: chippet är ingen kopia',
      chipAuthentication: 'Chipautentisering: chippet är ingen kopia',
      terminalAuthentication: 'Terminalautentisering',
      verdict: 'Chippet i sin helhet',
    },
    checks: 'Alla kontroller',
    groups: {
      mrz: 'Maskinläsbar zon',
      optical: 'Bilder',
      electronic: 'Chip',
      combined: 'Jämförda med varandra',
      manual: 'Av en handläggare',
      service: 'Av skannerns tillverkare',
      quality: 'Bildernas kvalitet',
    },
    light: 'Ljus',
    sure: 'Säkerhet',
    told: 'Sagt av',
    tellers: { device: 'skannern', kortd: 'kortd', service: 'tillverkarens tjänst' },
    warnings: 'Vad skannern berättade och kortd inte godtog',
  },
};
