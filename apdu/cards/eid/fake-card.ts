/** A few lines of card for the tests beside this file, with what cards differ in as options. The simulator of the same name is another, and ships. */
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  sign as signWith,
  type KeyObject,
} from 'node:crypto';
import { concat, formatHex, parseHex } from '../../bytes.ts';
import { openChannel, type CardChannel } from '../../card-channel.ts';
import type { PinKeypad } from '../../card-connection.ts';
import { parseCommandApdu, type CommandApdu } from '../../iso7816/command-apdu.ts';
import { ecdsaToDer } from '../../signature-encoding.ts';
import { decodeTlv, encodeTlv, findTlv } from '../../tlv/ber-tlv.ts';

const AID = 'A000000063504B43532D3135';
export const APPLICATION = '3F005015';

export interface CardPin {
  value: string;
  tries: number;
  readonly total: number;
  verified: boolean;
}

export interface CardKey {
  readonly key: KeyObject;
  readonly pin: number;
  readonly file: string;
}

/** What cards differ in. */
export interface Habits {
  readonly shortIdentifiers?: boolean;
  readonly selectsByPath?: boolean;
  readonly extendedLength?: boolean;
  /** FCI with the size of the file. */
  readonly tellsSize?: boolean;
  readonly applicationId?: string;
  readonly answersStatus?: boolean;
  readonly namesKeyBy?: 'reference' | 'file' | 'both';
  readonly ecdsa?: 'raw' | 'der';
  /** Algorithm reference that GENERATE ASYMMETRIC KEY PAIR wants set. */
  readonly generatesBy?: number;
  /** Longest data of UPDATE BINARY. */
  readonly longestUpdate?: number;
}

/** Files, PINs and keys by the letter of ISO/IEC 7816-4 and -8. */
export class FakeCard {
  readonly files: Map<string, Uint8Array>;
  readonly pins: Map<number, CardPin>;
  readonly keys: Map<number, CardKey>;
  readonly commands: string[] = [];
  readonly habits: Habits;
  #directory = '3F00';
  #file: string | undefined;
  #environment: { algorithm: number; key: number } | undefined;
  #chain: Uint8Array = new Uint8Array();
  #waiting: Uint8Array = new Uint8Array();

  constructor(contents: Pick<FakeCard, 'files' | 'pins' | 'keys'>, habits: Habits = {}) {
    this.files = contents.files;
    this.pins = contents.pins;
    this.keys = contents.keys;
    this.habits = habits;
  }

  channel(keypad?: PinKeypad): CardChannel {
    this.#directory = '3F00';
    this.#file = undefined;
    for (const pin of this.pins.values()) pin.verified = false;
    this.commands.length = 0;
    const supportsExtendedLength = this.habits.extendedLength === true;
    return openChannel({
      // Card capabilities: chaining, and extended length.
      atr: parseHex(`3B8580018073C0A1${supportsExtendedLength ? 'C0' : '80'}00`),
      supportsExtendedLength,
      transmit: (command) => Promise.resolve(this.process(command)),
      ...(keypad ? { keypad } : {}),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  process(bytes: Uint8Array): Uint8Array {
    this.commands.push(formatHex(bytes.subarray(0, 4)));
    const command = parseCommandApdu(bytes);
    if (command.cla & 0x10) {
      this.#chain = concat(this.#chain, command.data ?? new Uint8Array());
      return parseHex('9000');
    }
    const whole = { ...command, data: concat(this.#chain, command.data ?? new Uint8Array()) };
    this.#chain = new Uint8Array();
    const answer = this.#answer(whole);
    const ne = command.ne ?? 0;
    if (answer.length - 2 <= ne || command.ins === 0xc0) return answer;
    this.#waiting = answer.subarray(ne, -2);
    return concat(answer.subarray(0, ne), Uint8Array.of(0x61, Math.min(this.#waiting.length, 255)));
  }

  #answer(command: CommandApdu & { readonly data: Uint8Array }): Uint8Array {
    switch (command.ins) {
      case 0xa4:
        return this.#select(command);
      case 0xb0:
        return this.#read(command);
      case 0xc0:
        return concat(this.#waiting, parseHex('9000'));
      case 0xd6:
        return this.#update(command);
      case 0xe0:
        return this.#create(command.data);
      case 0xe4:
        this.files.delete(`${this.#directory}${formatHex(command.data)}`);
        return parseHex('9000');
      case 0x20:
      case 0x24:
      case 0x2c:
        return this.#pin(command);
      case 0x22:
        return this.#manage(command.data);
      case 0x2a:
        return this.#sign(command.data);
      case 0x46:
        return this.#generate(command);
      default:
        return parseHex('6D00');
    }
  }

  #select({ p1, data }: CommandApdu & { readonly data: Uint8Array }): Uint8Array {
    const hex = formatHex(data);
    if (p1 === 0x04) return hex === (this.habits.applicationId ?? AID) ? this.#open(APPLICATION) : parseHex('6A82');
    if (p1 === 0x08) return this.habits.selectsByPath === false ? parseHex('6A86') : this.#open(`3F00${hex}`);
    if (p1 !== 0x00) return parseHex('6A86');
    return this.#open(hex === '3F00' ? hex : `${this.#directory}${hex}`);
  }

  #open(path: string): Uint8Array {
    const isDirectory =
      path === '3F00' || [...this.files.keys()].some((file) => file.startsWith(path) && file.length > path.length);
    const content = this.files.get(path);
    if (isDirectory) this.#directory = path;
    else if (content) this.#directory = path.slice(0, -4);
    else return parseHex('6A82');
    this.#file = content ? path : undefined;
    const size =
      content && this.habits.tellsSize !== false
        ? encodeTlv(0x80, Uint8Array.of(content.length >> 8, content.length & 0xff))
        : new Uint8Array();
    return concat(encodeTlv(0x6f, size, encodeTlv(0x82, Uint8Array.of(isDirectory ? 0x38 : 0x01))), parseHex('9000'));
  }

  #read({ p1, p2, ne = 0 }: CommandApdu): Uint8Array {
    if (p1 & 0x80) {
      const name = new Map([
        [0x11, '5031'],
        [0x12, '5032'],
      ]).get(p1 & 0x1f);
      if (this.habits.shortIdentifiers === false || name === undefined) return parseHex('6A82');
      this.#file = `${this.#directory}${name}`;
    }
    const content = this.#file === undefined ? undefined : this.files.get(this.#file);
    if (!content) return parseHex('6986');
    const offset = p1 & 0x80 ? p2 : p1 * 256 + p2;
    if (offset >= content.length) return parseHex('6B00');
    const data = content.subarray(offset, offset + ne);
    return concat(data, parseHex(data.length < ne ? '6282' : '9000'));
  }

  #update({ p1, p2, data }: CommandApdu & { readonly data: Uint8Array }): Uint8Array {
    if (data.length > (this.habits.longestUpdate ?? Infinity)) return parseHex('6700');
    const content = this.#file === undefined ? undefined : this.files.get(this.#file);
    if (!content) return parseHex('6986');
    if (![...this.pins.values()].some(({ verified }) => verified)) return parseHex('6982');
    if (p1 * 256 + p2 + data.length > content.length) return parseHex('6A84');
    content.set(data, p1 * 256 + p2);
    return parseHex('9000');
  }

  #create(data: Uint8Array): Uint8Array {
    const objects = decodeTlv(findTlv(decodeTlv(data), 0x62) ?? new Uint8Array());
    const name = `${this.#directory}${formatHex(findTlv(objects, 0x83) ?? new Uint8Array())}`;
    if (this.files.has(name)) return parseHex('6A89');
    this.files.set(name, new Uint8Array(Number.parseInt(formatHex(findTlv(objects, 0x80) ?? new Uint8Array()), 16)));
    this.#file = name;
    return parseHex('9000');
  }

  #pin({ ins, p2, data }: CommandApdu & { readonly data: Uint8Array }): Uint8Array {
    const pin = this.pins.get(p2);
    if (!pin) return parseHex('6A88');
    if (ins === 0x20 && data.length === 0) {
      if (this.habits.answersStatus === false) return parseHex('6700');
      return parseHex(pin.verified ? '9000' : pin.tries === 0 ? '6983' : `63C${pin.tries}`);
    }
    const puk = this.pins.get(3);
    const guarded = ins === 0x2c && puk ? puk : pin;
    if (guarded.tries === 0) return parseHex('6983');
    const given = formatHex(data.subarray(0, guarded.value.length / 2));
    if (given !== guarded.value) return parseHex(`63C${--guarded.tries}`);
    guarded.tries = guarded.total;
    const next = formatHex(data.subarray(given.length / 2));
    if (ins === 0x20) pin.verified = true;
    else Object.assign(pin, { value: next, tries: pin.total });
    return parseHex('9000');
  }

  #manage(data: Uint8Array): Uint8Array {
    const objects = decodeTlv(data);
    const algorithm = findTlv(objects, 0x80)?.[0] ?? 0;
    const file = findTlv(objects, 0x81);
    const reference = findTlv(objects, 0x84)?.[0];
    const { namesKeyBy = 'reference' } = this.habits;
    const isNamedRight = {
      reference: reference !== undefined && !file,
      file: file && reference === undefined,
      both: file && reference !== undefined,
    };
    if (!isNamedRight[namesKeyBy]) return parseHex('6A80');
    const key = reference ?? [...this.keys].find(([, one]) => file && one.file === formatHex(file))?.[0];
    if (key === undefined || !this.keys.has(key)) return parseHex('6A88');
    this.#environment = { algorithm, key };
    return parseHex('9000');
  }

  /** The key stays: what matters is what is asked, and what comes back. */
  #generate({ p1 }: CommandApdu): Uint8Array {
    const found = this.#environment && this.keys.get(this.#environment.key);
    const { generatesBy = 0 } = this.habits;
    if (p1 !== 0x80 || !found || this.#environment?.algorithm !== generatesBy) return parseHex('6985');
    if (!this.pins.get(found.pin)?.verified) return parseHex('6982');
    const { x = '', y = '', n = '', e = '' } = createPublicKey(found.key).export({ format: 'jwk' });
    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
    const value =
      x === '' ? [encodeTlv(0x81, bytes(n)), encodeTlv(0x82, bytes(e))] : [encodeTlv(0x86, Uint8Array.of(4), bytes(x), bytes(y))];
    return concat(encodeTlv(0x7f49, ...value), parseHex('9000'));
  }

  #sign(data: Uint8Array): Uint8Array {
    const environment = this.#environment;
    const found = environment && this.keys.get(environment.key);
    if (!environment || !found) return parseHex('6985');
    const pin = this.pins.get(found.pin);
    if (!pin?.verified) return parseHex('6982');
    if (found.pin === 2) pin.verified = false;
    const { key } = found;
    if (key.asymmetricKeyType === 'ec') {
      const raw = signEcdsaOfDigest(key, data);
      return environment.algorithm === 0x04
        ? concat(this.habits.ecdsa === 'der' ? ecdsaToDer(raw) : raw, parseHex('9000'))
        : parseHex('6A80');
    }
    if (environment.algorithm === 0x02)
      return concat(privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data), parseHex('9000'));
    if (environment.algorithm !== 0x00 || data.length !== 256) return parseHex('6A80');
    return concat(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, data), parseHex('9000'));
  }
}

/** Node signs messages; this card is asked about a digest, so it looks up whose digest that is. */
const messages = new Map<string, Uint8Array>();
function signEcdsaOfDigest(key: KeyObject, digest: Uint8Array): Uint8Array {
  const message = messages.get(formatHex(digest));
  if (!message) throw new Error('the digest of no message that was asked for');
  return signWith('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
}
export function digestOf(message: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(message).digest();
  messages.set(formatHex(digest), message);
  return digest;
}

export const RSA = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
export const EC = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));

const ODF =
  'A80A300804063F0050154401 A00A300804063F0050154402 A10A300804063F0050154403 A40A300804063F0050154404 A50A300804063F0050154405'.replaceAll(
    ' ',
    '',
  );
const AODF =
  '303E301D0C144C65676974696D6572696E67202850494E203129030206C00401033003040101A11830160302024C0A0101020106020108020108800101040100' +
  '303D301C0C13556E646572736B72696674202850494E203229030206C00401033003040102A11830160302024C0A0101020106020108020108800102040100' +
  '302A30090C0350554B030206C03003040103A11830160302014E0A0101020108020108020108800103040100';
export const PRKDF_RSA =
  '303930150C0C4C65676974696D6572696E6703020780040101300E04014503020224030203B8020101A110300E300804063F0050154B0102020800' +
  '303C30170C0B556E646572736B7269667403020780040102020101300F0401460303060040030203B8020102A110300E300804063F0050154B0202020800';
const PRKDF_EC =
  'A03930150C0C4C65676974696D6572696E6703020780040101300E04014503020520030203B8020101A110300E300804063F0050154B0102020100' +
  'A03C30170C0B556E646572736B7269667403020780040102020101300F0401460303060040030203B8020102A110300E300804063F0050154B0202020100';
const PUKDF_RSA =
  '303530110C0C4C65676974696D6572696E67030100300E0401450302018203020640020101A110300E300804063F0050154D0102020800' +
  '303430100C0B556E646572736B72696674030100300E0401460302010203020640020102A110300E300804063F0050154D0202020800';
export const CDF =
  '302630110C0C4C65676974696D6572696E670301003003040145A10C300A300804063F0050154331' +
  '302530100C0B556E646572736B726966740301003003040146A10C300A300804063F0050154332';
const CDF_TRUSTED = '302C30140C0F546573742049737375696E6720434103010030060401470101FFA10C300A300804063F0050154333';
export const CIA_INFO = '3031020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470';
export const CIA_INFO_RSA =
  '304F020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470A21C301A02010102010105000302064006092A864886F70D010101020102';
export const CIA_INFO_EC =
  '3056020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470A22330210201010202104006082A8648CE3D0301070302064006072A8648CE3D0403020104';

/** Not certificates that anybody trusts: a DER SEQUENCE of the length of one is what a card stores. */
export const pseudoCertificate = (marker: number, length: number): Uint8Array =>
  encodeTlv(0x30, encodeTlv(0x04, new Uint8Array(length - 8).fill(marker)));
export const CERTIFICATES = [pseudoCertificate(1, 750), pseudoCertificate(2, 756), pseudoCertificate(3, 700)];

export function createCard(
  options: Habits & { readonly kind?: 'rsa' | 'ec'; readonly information?: string; readonly withAuthorities?: boolean } = {},
): FakeCard {
  const { kind = 'rsa', information = kind === 'rsa' ? CIA_INFO_RSA : CIA_INFO_EC, withAuthorities = true, ...habits } = options;
  const pair = kind === 'rsa' ? RSA : EC;
  const padded = (hex: string, length: number, filling = 0x00): Uint8Array =>
    concat(parseHex(hex), new Uint8Array(Math.max(length - hex.length / 2, 0)).fill(filling));
  const publicFile = (key: KeyObject | undefined): Uint8Array =>
    new Uint8Array(key?.export({ type: 'spki', format: 'der' }) ?? []);
  const file = (name: string): string => `${APPLICATION}${name}`;
  const odf = withAuthorities ? ODF : ODF.slice(0, -24);
  const contents: [string, Uint8Array][] = [
    ['3F002F00', parseHex(`6123 4F0C${habits.applicationId ?? AID} 500D53495448532D6C696B20654944 51043F005015`)],
    [file('5031'), padded(odf, 128, 0xff)],
    [file('5032'), padded(information, 128)],
    [file('4401'), padded(AODF, 256)],
    [file('4402'), padded(kind === 'rsa' ? PRKDF_RSA : PRKDF_EC, 256, 0xff)],
    [file('4403'), padded(kind === 'rsa' ? PUKDF_RSA : '', 256)],
    [file('4404'), padded(CDF, 200)],
    [file('4405'), parseHex(CDF_TRUSTED)],
    [file('4D01'), publicFile(pair[0]?.publicKey)],
    [file('4D02'), publicFile(pair[1]?.publicKey)],
    ...CERTIFICATES.map((der, index): [string, Uint8Array] => [
      file(`433${index + 1}`),
      concat(der, new Uint8Array(1000 - der.length).fill(0xff)),
    ]),
  ];
  const pin = (value: string, total: number): CardPin => ({ value, tries: total, total, verified: false });
  const keys = pair.map(({ privateKey }, index): [number, CardKey] => [
    index + 1,
    { key: privateKey, pin: index + 1, file: `4B0${index + 1}` },
  ]);
  return new FakeCard(
    {
      files: new Map(contents),
      pins: new Map([
        [1, pin('3132333435360000', 3)],
        [2, pin('3635343332310000', 3)],
        [3, pin('3132333435363738', 9)],
      ]),
      keys: new Map(keys),
    },
    habits,
  );
}
