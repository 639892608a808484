/** The errors of signing and verifying PDFs: a part of ERRORS. */
import type { ErrorDefinition } from './errors.ts';

/** Sorted by code. */
export const PDF_ERRORS = {
  pdf_changes_forbidden: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the PDF is signed so that nothing may be changed or added, a further signature included.',
      action: 'Sign a copy that is not certified, or ask whoever certified it to allow signatures.',
    },
    sv: {
      happened: 'PDF-filen är undertecknad så att inget får ändras eller läggas till, inte heller en underskrift.',
      action: 'Skriv under en kopia som inte är certifierad, eller be den som certifierat den att tillåta underskrifter.',
    },
  },
  pdf_encrypted: {
    httpStatus: 422,
    retry: 'no',
    en: { happened: 'the PDF is encrypted.', action: 'Save it without a password or restrictions, and sign that.' },
    sv: { happened: 'PDF-filen är krypterad.', action: 'Spara den utan lösenord och begränsningar och skriv under den.' },
  },
  pdf_excessive: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the PDF takes more memory or time than a PDF is given ({problem}).',
      action: 'Print it to a new PDF, or save it anew in a PDF program.',
    },
    sv: {
      happened: 'PDF-filen kräver mer minne eller tid än en PDF får ta ({problem}).',
      action: 'Skriv ut den till en ny PDF, eller spara om den i ett PDF-program.',
    },
  },
  pdf_field_unusable: {
    httpStatus: 409,
    retry: 'no',
    en: {
      happened: 'the field cannot be signed ({problem}).',
      action: 'Choose another name, or leave it out: a free one is then taken.',
    },
    sv: {
      happened: 'fältet kan inte undertecknas ({problem}).',
      action: 'Välj ett annat namn, eller utelämna det: då tas ett ledigt.',
    },
  },
  pdf_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the file is no PDF that can be used ({problem}).',
      action: 'Check the file; a PDF program may mend it by saving it anew.',
    },
    sv: {
      happened: 'filen är ingen användbar PDF ({problem}).',
      action: 'Kontrollera filen; ett PDF-program kan laga den genom att spara om den.',
    },
  },
  pdf_page_missing: {
    httpStatus: 422,
    retry: 'no',
    en: { happened: 'the PDF has no page {page}.', action: 'Choose a page that it has; the first is 1.' },
    sv: { happened: 'PDF-filen har ingen sida {page}.', action: 'Välj en sida som finns; den första är 1.' },
  },
  pdf_rectangle_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the signature cannot be shown there ({problem}).',
      action: 'Choose another place or a larger rectangle, in points from the lower left corner of the page.',
    },
    sv: {
      happened: 'underskriften kan inte visas där ({problem}).',
      action: 'Välj en annan plats eller en större rektangel, i punkter från sidans nedre vänstra hörn.',
    },
  },
  pdf_text_unsupported: {
    httpStatus: 422,
    retry: 'no',
    en: {
      happened: 'the text of the visible signature has a character that its font lacks ({codePoint}).',
      action: 'Leave the character out, give other lines of text, or sign without a visible signature.',
    },
    sv: {
      happened: 'texten i den synliga underskriften har ett tecken som typsnittet saknar ({codePoint}).',
      action: 'Ta bort tecknet, ange andra textrader eller skriv under utan synlig underskrift.',
    },
  },
  picture_invalid: {
    httpStatus: 422,
    retry: 'no',
    en: { happened: 'the picture cannot be used ({problem}).', action: 'Give a PNG or JPEG of ordinary size.' },
    sv: { happened: 'bilden kan inte användas ({problem}).', action: 'Ange en PNG eller JPEG av vanlig storlek.' },
  },
} as const satisfies Record<string, ErrorDefinition>;
