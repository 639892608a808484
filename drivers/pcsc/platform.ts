/**
 * What differs between the PC/SC layers of Linux (pcsc-lite), macOS and Windows, as data: library, symbol names, type sizes, structure layout.
 * Sources: pcsclite.h and winscard.h of pcsc-lite 1.9.9, PCSC.framework's winscard.h, winscard.h and winsmcrd.h of the Windows SDK.
 */

export type PlatformName = 'linux' | 'darwin' | 'win32';

export interface PcscPlatform {
  readonly name: PlatformName;
  /** Tried in order. */
  readonly libraries: readonly string[];
  /** What to install or start when no library loads. */
  readonly installHint: string;
  /** Symbol of SCardControl with seven parameters. */
  readonly controlSymbol: string;
  /** "A" on the functions that take strings, where the system has a second set for UTF-16. */
  readonly stringSuffix: '' | 'A';
  /** Bytes are carried one to one in latin1, so that a name comes back as it was given in any ANSI code page. */
  readonly nameEncoding: 'utf8' | 'latin1';
  readonly dwordBytes: 4 | 8;
  readonly handleBytes: 4 | 8;
  readonly readerState: ReaderStateLayout;
  /** `\\?PnP?\Notification` is understood by SCardGetStatusChange. */
  readonly hasPnpNotification: boolean;
  /** SCardGetStatusChange compares every bit of the current state; pcsc-lite wakes for fewer when INUSE is left out. */
  readonly comparesWholeState: boolean;
  /**
   * SCardDisconnect inside a transaction ends it, so that no other program comes between. Needed with PCSCLITE_NO_BLOCKING, where a
   * disconnect after the end fails while another program is in its transaction (measured, pcsc-lite 1.9.9).
   */
  readonly disconnectEndsTransaction: boolean;
  /** SCARD_CTL_CODE */
  controlCode(code: number): number;
}

/** Offsets in bytes of SCARD_READERSTATE; szReader is at 0. */
export interface ReaderStateLayout {
  readonly sizeBytes: number;
  readonly pointerBytes: 4 | 8;
  readonly currentState: number;
  readonly eventState: number;
  readonly atrLength: number;
  readonly atr: number;
  readonly maxAtrLength: number;
}

/** The platform's values, for a process with pointers of `pointerBytes`. Throws RangeError for a system without PC/SC. */
export function pcscPlatform(name: string, pointerBytes: 4 | 8): PcscPlatform {
  switch (name) {
    case 'linux':
      return linux(pointerBytes);
    case 'darwin':
      return darwin(pointerBytes);
    case 'win32':
      return windows(pointerBytes);
    default:
      throw new RangeError(`opening PC/SC: no PC/SC layer is known for the system "${name}"`);
  }
}

/** DWORD is unsigned long and both handle types are long (pcsc-lite 1.9.9, PCSC/wintypes.h, PCSC/pcsclite.h). */
function linux(pointerBytes: 4 | 8): PcscPlatform {
  return {
    name: 'linux',
    libraries: ['libpcsclite.so.1'],
    installHint: 'install the package libpcsclite1 (Debian, Ubuntu) or pcsc-lite-libs (Fedora, RHEL), and pcscd',
    controlSymbol: 'SCardControl',
    stringSuffix: '',
    nameEncoding: 'utf8',
    dwordBytes: pointerBytes,
    handleBytes: pointerBytes,
    readerState: readerStateLayout({ pointerBytes, dwordBytes: pointerBytes, maxAtrLength: 33, packed: false }),
    hasPnpNotification: true,
    comparesWholeState: false,
    disconnectEndsTransaction: true,
    controlCode: (code) => 0x42000000 + code,
  };
}

/** uint32_t and int32_t throughout, structures packed; the modern SCardControl is the symbol SCardControl132 (PCSC.framework, winscard.h). */
function darwin(pointerBytes: 4 | 8): PcscPlatform {
  return {
    name: 'darwin',
    libraries: ['/System/Library/Frameworks/PCSC.framework/PCSC'],
    installHint: 'PCSC.framework is part of macOS; check that smart-card services are enabled (sc_auth, profiles)',
    controlSymbol: 'SCardControl132',
    stringSuffix: '',
    nameEncoding: 'utf8',
    dwordBytes: 4,
    handleBytes: 4,
    readerState: readerStateLayout({ pointerBytes, dwordBytes: 4, maxAtrLength: 33, packed: true }),
    hasPnpNotification: false,
    comparesWholeState: true,
    disconnectEndsTransaction: false,
    controlCode: (code) => 0x42000000 + code,
  };
}

/** DWORD has 32 bits, handles are ULONG_PTR, rgbAtr has 36 bytes (winscard.h); CTL_CODE(FILE_DEVICE_SMARTCARD, n, …) (winsmcrd.h). */
function windows(pointerBytes: 4 | 8): PcscPlatform {
  return {
    name: 'win32',
    libraries: ['winscard.dll'],
    installHint: 'winscard.dll is part of Windows; on Windows Server Core add the Smart Card feature',
    controlSymbol: 'SCardControl',
    stringSuffix: 'A',
    nameEncoding: 'latin1',
    dwordBytes: 4,
    handleBytes: pointerBytes,
    readerState: readerStateLayout({ pointerBytes, dwordBytes: 4, maxAtrLength: 36, packed: false }),
    hasPnpNotification: true,
    comparesWholeState: true,
    disconnectEndsTransaction: false,
    controlCode: (code) => 0x00310000 | (code << 2),
  };
}

interface ReaderStateShape {
  readonly pointerBytes: 4 | 8;
  readonly dwordBytes: 4 | 8;
  readonly maxAtrLength: number;
  readonly packed: boolean;
}

/** szReader, pvUserData, dwCurrentState, dwEventState, cbAtr, rgbAtr; padded to the pointer's alignment unless packed. */
function readerStateLayout({ pointerBytes, dwordBytes, maxAtrLength, packed }: ReaderStateShape): ReaderStateLayout {
  const currentState = 2 * pointerBytes;
  const atr = currentState + 3 * dwordBytes;
  const end = atr + maxAtrLength;
  return {
    sizeBytes: packed ? end : Math.ceil(end / pointerBytes) * pointerBytes,
    pointerBytes,
    currentState,
    eventState: currentState + dwordBytes,
    atrLength: currentState + 2 * dwordBytes,
    atr,
    maxAtrLength,
  };
}
