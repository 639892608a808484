import { describe as group, expect, it } from 'vitest';
import { METHODS } from '../../../api-spec/methods/index.ts';
import type { DocumentsPrompt, LastTryPrompt, PinPrompt } from '../prompt.ts';
import { MAX_LINE_BYTES, escapeText } from './assuan.ts';
import { describe } from './card-description.ts';
import { sanitise } from './sanitise.ts';
import { PROMPT_TEXTS, type PromptLanguage } from './texts.ts';

const LANGUAGES: readonly PromptLanguage[] = ['en', 'sv'];
const NAMES = Array.from({ length: 500 }, (_, index) => `Receipt ${index + 1}.pdf`);
const CHECKSUM = '1a2b 3c4d 5e6f 7081';
const PROMPT: DocumentsPrompt = {
  kind: 'documents',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'Card 1234',
  documents: { names: NAMES, checksum: CHECKSUM },
  keypadFollows: true,
};

function linesOf(
  prompt: PinPrompt | LastTryPrompt | DocumentsPrompt,
  language: PromptLanguage = 'en',
  lines: readonly string[] = ['Question?'],
): readonly string[] {
  const texts = PROMPT_TEXTS[language];
  const askerLine = ({ name }: { readonly name: string }): string =>
    `${texts.origin} ${texts.quote(sanitise(name, { cut: 'start' }))}`;
  const text = describe({ texts, askerLine }, prompt, lines);
  expect('SETDESC '.length + escapeText(text).length).toBeLessThanOrEqual(MAX_LINE_BYTES);
  return text.split('\n');
}

group('a list of documents in a dialog', () => {
  it('is its number, its checksum, the first names, and how many more there are', () => {
    expect(linesOf(PROMPT)).toEqual([
      'Web page: “https://portal.example”',
      'Card: “Card 1234”',
      '',
      `To be signed: 500 documents, checksum of the list ${CHECKSUM}`,
      '– “Receipt 1.pdf”',
      '– “Receipt 2.pdf”',
      '– “Receipt 3.pdf”',
      '– “Receipt 4.pdf”',
      '… and 496 more',
      '',
      'Question?',
    ]);
    expect(linesOf(PROMPT, 'sv')).toContain('… och 496 till');
    expect(linesOf(PROMPT, 'sv')).toContain(`Ska signeras: 500 dokument, listans kontrollsumma ${CHECKSUM}`);
  });

  it('is whole when it is short', () => {
    const shown = linesOf({ ...PROMPT, documents: { names: ['Receipt.pdf'], checksum: CHECKSUM } });
    expect(shown).toContain(`To be signed: 1 document, checksum of the list ${CHECKSUM}`);
    expect(shown).toContain('– “Receipt.pdf”');
    expect(shown.join('\n')).not.toContain('more');
  });

  it.each(LANGUAGES)(
    'fits into a line of the protocol beside the longest texts, with number and checksum whole (%s)',
    (language) => {
      const texts = PROMPT_TEXTS[language];
      for (const character of ['å', '%', '\\', '€', '\u{1f511}', '\u0001']) {
        const long = character.repeat(500);
        const names = Array.from({ length: 1_000 }, () => character.repeat(120));
        for (const last of ['pin', 'puk'] as const) {
          const shown = linesOf(
            {
              ...PROMPT,
              asker: { kind: 'origin', name: long },
              card: long,
              purpose: long,
              task: METHODS['sign.batch'].attempt,
              documents: { names, checksum: CHECKSUM },
            },
            language,
            [texts.lastTry[last], texts.keypadFollows, texts.confirmLastTry],
          );
          expect(shown).toContain(texts.documents(1_000, CHECKSUM));
          expect(shown.at(-1)).toBe(texts.confirmLastTry);
        }
      }
    },
  );

  it('gives a name no line of its own, no markup, and no way to turn the text around', () => {
    const names = ['a”\nTo be signed: 1 document', '\u202efdp.exe', '<b>x</b>', '%0ATries left: 9'];
    const shown = linesOf({ ...PROMPT, documents: { names, checksum: CHECKSUM } });
    expect(shown.slice(4, 8)).toEqual([
      "– “a' To be signed: 1 document”",
      '– “?fdp.exe”',
      '– “‹b›x‹/b›”',
      '– “%0ATries left: 9”',
    ]);
    expect(shown).toHaveLength(10);
  });
});

group('a statement that is signed', () => {
  const SIGNED: PinPrompt = {
    kind: 'pin',
    action: 'verify',
    asker: { kind: 'origin', name: 'https://portal.example' },
    card: 'Card 1234',
    pinLabel: 'Underskrift',
    pinLength: { min: 6, max: 6 },
    statement: 'I have received the reserve card 9752000000000000102 and chosen its PINs myself.',
  };

  it('is seen word for word, with the name of the PIN', () => {
    expect(linesOf(SIGNED, 'sv')).toEqual([
      'Webbsida: ”https://portal.example”',
      'Kort: ”Card 1234”',
      'Vilken PIN-kod: ”Underskrift”',
      '',
      'Du undertecknar:',
      '”I have received the reserve card 9752000000000000102 and chosen its PINs myself.”',
      '',
      'Question?',
    ]);
  });

  it.each(LANGUAGES)('is cut, and says so, where a line of the protocol does not hold it (%s)', (language) => {
    const shown = linesOf({ ...SIGNED, statement: 'åäö '.repeat(1_000) }, language);
    const [text = ''] = shown.filter((line) => line.includes('åäö'));
    expect(text).toMatch(/…[”"]$/u);
    expect(shown.at(-1)).toBe('Question?');
  });
});
