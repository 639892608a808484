/**
 * What is wrong with a policy file, a scanners file or a file that they name, in Swedish. The checks of those files throw one English sentence each; here each has
 * its Swedish one, by its form. What is not of a known form is told as it came: names and values are never changed.
 */

/** The longer form first where two begin alike. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^(\S*)\s?must not have additional properties$/, '$1 har något som inte får finnas där'],
  [/^(\S*)\s?schema is false$/, '$1 får inte finnas där'],
  [/^(\S*)\s?must have required propert(?:y|ies) (.+)$/, '$1 måste ha $2'],
  [/^(\S*)\s?must be equal to one of the allowed values$/, '$1 måste vara något av de tillåtna värdena'],
  [/^(\S*)\s?must be (>=|<=|>|<) (\S+)$/, '$1 måste vara $2 $3'],
  [/^(\S*)\s?must be integer$/, '$1 måste vara ett heltal'],
  [/^(\S*)\s?must be (?:number|a number)$/, '$1 måste vara ett tal'],
  [/^(\S*)\s?must be string$/, '$1 måste vara en text'],
  [/^(\S*)\s?must be boolean$/, '$1 måste vara true eller false'],
  [/^(\S*)\s?must be array$/, '$1 måste vara en lista'],
  [/^(\S*)\s?must be object$/, '$1 måste vara ett objekt'],
  [/^(\S*)\s?must match pattern (.+)$/, '$1 måste ha formen $2'],
  [/^(\S*)\s?must not have (?:more|fewer) than (\d+) (characters|items|properties)$/, '$1 har fel antal (gränsen är $2)'],
  [/^(\S*)\s?must match a schema in anyOf$/, '$1 har ingen av de tillåtna formerna'],
  [/^(\S*)\s?does not fit$/, '$1 passar inte'],
  [
    /^(.*)it belongs to user (\d+), neither root nor the user of kortd$/,
    '$1den tillhör användare $2, varken root eller kortds användare',
  ],
  [/^(.*)others than its owner can write it$/, '$1andra än dess ägare kan skriva i den'],
  [/^(.*)others than its owner can read it$/, '$1andra än dess ägare kan läsa den'],
  [/^(.*)it is larger than (\d+) bytes$/, '$1den är större än $2 byte'],
  [/^(.*)all files together are larger than (\d+) bytes$/, '$1alla filer är tillsammans större än $2 byte'],
  [/^(.*)it is no plain file$/, '$1det är ingen vanlig fil'],
  [/^(.*)it is no absolute path$/, '$1det är ingen fullständig sökväg'],
  [/^(.*) is no absolute path$/, '$1 är ingen fullständig sökväg'],
  [/^(.*)it holds no certificate in PEM$/, '$1den innehåller inget certifikat i PEM'],
  [/^(.*)it holds what is no certificate$/, '$1den innehåller något som inte är ett certifikat'],
  [/^(.*)it holds more than (\d+) certificates$/, '$1den innehåller fler än $2 certifikat'],
  [/^(.*)there are more than (\d+) certificates$/, '$1det finns fler än $2 certifikat'],
  [/^(.*)certificate (\d+) in it does not parse$/, '$1certifikat $2 i den går inte att tolka'],
  [/^(.*)certificate (\d+) in it is not that of an authority: (.*)$/, '$1certifikat $2 i den är inte en utfärdares: $3'],
  [
    /^(.*)it holds neither a certificate, nor a revocation list, nor a master list$/,
    '$1den innehåller varken certifikat, spärrlista eller master list',
  ],
  [/^(.*)it holds no PEM of a kind that is known$/, '$1den innehåller ingen PEM av känt slag'],
  [/^(.*)ENOENT: no such file or directory, \w+ (.+)$/, '$1filen finns inte: $2'],
  [/^(.*)EACCES: permission denied, \w+ (.+)$/, '$1åtkomst nekas: $2 (EACCES)'],
  [/^module (\S+) is named twice$/, 'modulen $1 anges två gånger'],
  [/^module (\S+): (\S+) names one so already$/, 'modulen $1: $2 anger redan en med det namnet'],
  [/^module (\S+): (\S+) cannot be set for it$/, 'modulen $1: $2 får inte sättas för den'],
  [/^module (\S+): the mask of (\S+) has another length$/, 'modulen $1: masken för $2 har en annan längd'],
  [/^timeStamp\.url: (.+) is no http or https address$/, 'timeStamp.url: $1 är ingen http- eller https-adress'],
  [/^origin (.+) can hold no grant: (.+)$/, 'webbplatsen $1 kan inte få rättigheter: $2'],
  [/^developmentOrigins: (.+) is no http origin$/, 'developmentOrigins: $1 är ingen http-webbplats'],
  [/^extensionOrigins: (.+) is no extension origin$/, 'extensionOrigins: $1 är inget webbläsartillägg'],
  [/^portraits: (\S+) has no limit$/, 'portraits: $1 har ingen gräns'],
  [/^portraits: (\S+): min is above max$/, 'portraits: $1: min är större än max'],
  [/^roles: (.+) is no name of a role$/, 'roles: $1 är inget namn på en roll'],
  [
    /^roles: (.+)\.reader names neither serialNumber nor usbPath nor name$/,
    'roles: $1.reader anger varken serialNumber, usbPath eller name',
  ],
  [/^roles: (.+) cannot be somebody else than itself$/, 'roles: $1 kan inte vara en annan person än sig själv'],
  [/^topaz: there is no model (\S+) \(there is: (.*)\)$/, 'topaz: modellen $1 finns inte (det finns: $2)'],
  [/^(\S+): a line has either a path or a serialNumber$/, '$1: en linje har antingen path eller serialNumber'],
  [/^(\S+)\/name: another has it too$/, '$1/name: en annan har det också'],
  [/^(\S+)\/driver: there is no such driver \(there is: (.*)\)$/, '$1/driver: den drivrutinen finns inte (det finns: $2)'],
  [/^.*JSON.*$/, 'det är inte JSON ($&)'],
];

/** One sentence of a check. */
export function inSwedish(problem: string): string {
  // A colon after the place, as the files of scanners have it.
  const [, place = '', rest = problem] = /^(\/\S+): (must .+|schema is false|does not fit)$/.exec(problem) ?? [];
  const form = FORMS.find(([pattern]) => pattern.test(rest));
  const said = form ? rest.replace(form[0], form[1]).trim() : rest;
  return place === '' ? said : `${place}: ${said}`;
}
