/**
 * The state that issued a document against the country of its signer (BSI TR-03135-1, section 4.6.4.5): the machine-readable zone has three letters, certificates have
 * two. A code that is not known leaves it open.
 */
import type { CertificateFacts } from '../identity/certificate-facts.ts';

/** ISO 3166-1:2020: the three letters and the two of each country. */
const COUNTRIES =
  'ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD ' +
  'BGRBG BHRBH BHSBS BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM ' +
  'CODCD COGCG COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO DZADZ ECUEC EGYEG ERIER ESHEH ' +
  'ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL ' +
  'GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE JORJO ' +
  'JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA ' +
  'MCOMC MDAMD MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC ' +
  'NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL PRIPR PRKKP PRTPT PRYPY ' +
  'PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST ' +
  'SURSR SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO TTOTT TUNTN TURTR TUVTV TWNTW TZATZ ' +
  'UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC VENVE VGBVG VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW';
/**
 * ICAO Doc 9303-3, section 5, parts B to F: Germany, whose code is one letter, and issuers that ISO 3166-1 does not have; Utopia is the state of specimens. Those of Kosovo,
 * of organisations without a code of two letters and of stateless persons are left out: they stay open.
 */
const OTHER_ISSUERS: readonly (readonly [string, string])[] = [
  ['D', 'DE'],
  ['EUE', 'EU'],
  ['GBD', 'GB'],
  ['GBN', 'GB'],
  ['GBO', 'GB'],
  ['GBP', 'GB'],
  ['GBS', 'GB'],
  ['UNA', 'UN'],
  ['UNO', 'UN'],
  ['UTO', 'UT'],
];
const LONG_CODE = 3;

const TWO_LETTERS: ReadonlyMap<string, string> = new Map([
  ...COUNTRIES.split(' ').map((code) => [code.slice(0, LONG_CODE), code.slice(LONG_CODE)] as const),
  ...OTHER_ISSUERS,
]);

/** Issuer of a machine-readable zone, without fillers. Undefined: not known. */
export function twoLettersOf(issuer: string): string | undefined {
  return TWO_LETTERS.get(issuer);
}

/** X.520, section 6.3.1: countryName. */
const OID_COUNTRY = '2.5.4.6';

/** In capitals; "" for a certificate without. */
export function countryOf({ subject, issuer }: CertificateFacts): string {
  const [country = ''] = subject.attributes.get(OID_COUNTRY) ?? issuer.attributes.get(OID_COUNTRY) ?? [];
  return country.toUpperCase();
}
