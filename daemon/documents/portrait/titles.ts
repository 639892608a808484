/** What the rules of a portrait are called, for people: in English and Swedish. */
import type { PortraitRule } from './limits.ts';

export const TITLES: Readonly<Record<PortraitRule, readonly [en: string, sv: string]>> = {
  resolution: ['Resolution of the print, dpi', 'Utskriftens upplösning, dpi'],
  aspectRatio: ['Width by height', 'Bredd genom höjd'],
  eyesToChin: ['From the pupils to the chin, mm on the print', 'Från pupillerna till hakan, mm på utskriften'],
  eyeDistance: ['Between the pupils, pixels', 'Mellan pupillerna, bildpunkter'],
  tilt: ['Tilt of the head, degrees', 'Huvudets lutning, grader'],
  centre: ['The face off the middle, % of the width', 'Ansiktets avstånd från mitten, % av bredden'],
  eyeHeight: ['Height of the eyes, % from below', 'Ögonens höjd, % nedifrån'],
  backgroundWhiteness: ['Lightness of the background, of 255', 'Bakgrundens ljushet, av 255'],
  backgroundColour: ['Colour of the background, of 255', 'Bakgrundens färgstick, av 255'],
  backgroundEvenness: ['Part of the background in another light, %', 'Del av bakgrunden i annat ljus, %'],
  sharpness: ['Sharpness of the face', 'Ansiktets skärpa'],
  lightDifference: ['One half of the face lighter than the other, %', 'Ena ansiktshalvan ljusare än den andra, %'],
  overexposed: ['Part of the face overexposed, %', 'Överexponerad del av ansiktet, %'],
  underexposed: ['Part of the face underexposed, %', 'Underexponerad del av ansiktet, %'],
};
