/** Words of the view of web sites and their access, in English and Swedish. */
import type { In } from '../language.ts';

interface AccessTexts {
  readonly waiting: string;
  readonly noneWaiting: string;
  readonly howToAllow: string;
  readonly asksFor: string;
  readonly code: string;
  readonly since: string;
  readonly reason: string;
  readonly deny: string;
  readonly grants: string;
  readonly noGrants: string;
  readonly may: string;
  readonly sources: Readonly<Record<'consent' | 'policy', string>>;
  readonly grantedAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string;
  readonly never: string;
  readonly revoke: string;
  readonly revokeSure: string;
  readonly keep: string;
  readonly byPolicy: string;
}

export const ACCESS_TEXTS: In<AccessTexts> = {
  en: {
    waiting: 'Waiting for an answer',
    noneWaiting: 'No web site is waiting for access.',
    howToAllow: 'Access is allowed in the window where kortd asks you, and nowhere else. Here you can only say no.',
    asksFor: 'It wants to',
    code: 'Code',
    since: 'Asked at',
    reason: 'Reason, in its own words',
    deny: 'Deny',
    grants: 'Web sites with access',
    noGrants: 'No web site has access.',
    may: 'It may',
    sources: { consent: 'Allowed by a person', policy: 'Allowed by the administrator' },
    grantedAt: 'Allowed at',
    expiresAt: 'Until',
    lastUsedAt: 'Last used',
    never: 'Never',
    revoke: 'Take access back',
    revokeSure: 'Take it back? What the site does right now is cut off.',
    keep: 'Keep it',
    byPolicy: 'A policy file gives this access; the administrator takes it back there.',
  },
  sv: {
    waiting: 'Väntar på svar',
    noneWaiting: 'Ingen webbplats väntar på åtkomst.',
    howToAllow: 'Åtkomst tillåts i fönstret där kortd frågar dig, och ingen annanstans. Här kan du bara säga nej.',
    asksFor: 'Den vill',
    code: 'Kod',
    since: 'Frågade',
    reason: 'Skäl, med dess egna ord',
    deny: 'Neka',
    grants: 'Webbplatser med åtkomst',
    noGrants: 'Ingen webbplats har åtkomst.',
    may: 'Den får',
    sources: { consent: 'Tillåten av en person', policy: 'Tillåten av administratören' },
    grantedAt: 'Tillåten',
    expiresAt: 'Till och med',
    lastUsedAt: 'Senast använd',
    never: 'Aldrig',
    revoke: 'Återkalla åtkomsten',
    revokeSure: 'Återkalla? Det webbplatsen gör just nu avbryts.',
    keep: 'Behåll',
    byPolicy: 'En policyfil ger åtkomsten; administratören återkallar den där.',
  },
};
