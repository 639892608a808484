/**
 * The source that wixl makes the .msi of: every file of the payload as a component of its own with a GUID that follows from its path, the service, the folders of its data,
 * and who may replace whom. What wixl has no words for is in tables.ts.
 */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { PayloadFile } from '../payload.ts';
import { payloadPaths, product } from '../product.ts';
import { windowsGuid } from '../derived-guid.ts';
import { element, xmlDocument, type XmlElement } from '../xml.ts';
import { SERVICE_ACCOUNT, serviceArguments } from './service.ts';

/** WiX 3, which wixl reads. */
const NAMESPACE = 'http://schemas.microsoft.com/wix/2006/wi';
/** Windows 8.1 and later, as Windows Installer counts 10 and 11 too (Microsoft, "VersionNT property"). Node says itself when it is too old. */
const WINDOWS_NEEDED = 'Installed OR (VersionNT64 AND VersionNT >= 603)';
const DOWNGRADE_REFUSED =
  'A newer version of kortd is installed, and its database may not be readable by this one. Remove the newer version first. / En nyare version av kortd är installerad, och dess databas kan kanske inte läsas av den här. Ta bort den nyare först.';
const TOO_OLD =
  'kortd needs 64-bit Windows 10, Windows Server 2016 or later. / kortd kräver 64-bitars Windows 10, Windows Server 2016 eller senare.';

/** Of all versions: what an upgrade replaces is found by it. */
export const UPGRADE_CODE = windowsGuid('upgrade');
/** Below the folder of all users' data. */
export const DATA_FOLDERS = { state: 'STATEDIR', 'policy.d': 'POLICYDIR', log: 'LOGDIR' } as const;
/** Of the components that tables.ts refers to. */
export const PROGRAM_COMPONENT = componentId(payloadPaths.runtime('win32'));
export const DATA_COMPONENT = 'c_data';

/** Of one version: the same for every build of it, so that Windows refuses two of them beside each other. */
export function productCode(version: string): string {
  return windowsGuid('product', version);
}

export interface WixOptions {
  /** Where the files are, as wixl finds it from its working folder: it takes no path from the root. */
  readonly folder: string;
  readonly version: string;
  readonly packageCode: string;
  readonly furtherArguments: readonly string[];
}

export function wixSource(files: readonly PayloadFile[], options: WixOptions): string {
  const { version, packageCode } = options;
  // Windows Installer compares three numbers and knows no others (Microsoft, "ProductVersion property").
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`building the .msi: ${version} is not of three numbers`);
  const attributes = {
    Id: productCode(version),
    Name: product.name,
    Language: '1033',
    Codepage: '1252',
    Version: version,
    Manufacturer: product.vendor,
    UpgradeCode: UPGRADE_CODE,
  };
  const components = [...files.map(({ path }) => componentId(path)), DATA_COMPONENT];
  return xmlDocument(
    element('Wix', {}, [
      element('Product', attributes, [
        element('Package', {
          Id: packageCode,
          InstallerVersion: '500',
          Compressed: 'yes',
          InstallScope: 'perMachine',
          Description: `${product.name} ${version}`,
          Comments: product.summary,
        }),
        element('MajorUpgrade', { DowngradeErrorMessage: DOWNGRADE_REFUSED }),
        element('Condition', { Message: TOO_OLD }, [WINDOWS_NEEDED]),
        element('Media', { Id: '1', Cabinet: 'kortd.cab', EmbedCab: 'yes' }),
        element('Property', { Id: 'ARPNOMODIFY', Value: '1' }),
        element('Directory', { Id: 'TARGETDIR', Name: 'SourceDir' }, [programFolder(files, options), dataFolder()]),
        element(
          'Feature',
          { Id: 'Main', Level: '1', Title: product.name },
          components.map((id) => element('ComponentRef', { Id: id })),
        ),
      ]),
    ]),
    NAMESPACE,
  );
}

export function componentId(path: string): string {
  return identifier('c', path);
}

function programFolder(files: readonly PayloadFile[], options: WixOptions): XmlElement {
  return element('Directory', { Id: 'ProgramFiles64Folder' }, [
    element('Directory', { Id: 'INSTALLDIR', Name: product.name }, contentsOf('', files, options)),
  ]);
}

/** Components of the files right below, then the folders. */
function contentsOf(below: string, files: readonly PayloadFile[], options: WixOptions): readonly XmlElement[] {
  const inside = files.filter(({ path }) => below === '' || path.startsWith(`${below}/`));
  const rest = (path: string): string => path.slice(below === '' ? 0 : below.length + 1);
  const here = inside.filter(({ path }) => !rest(path).includes('/'));
  const folders = [...new Set(inside.filter((file) => !here.includes(file)).map(({ path }) => rest(path).split('/')[0] ?? ''))];
  return [
    ...here.map(({ path }) => fileComponent(path, options)),
    ...folders.map((name) => {
      const path = posix.join(below, name);
      return element('Directory', { Id: identifier('d', path), Name: name }, contentsOf(path, files, options));
    }),
  ];
}

function fileComponent(path: string, { folder, furtherArguments }: WixOptions): XmlElement {
  const file = element('File', {
    Id: identifier('f', path),
    Name: posix.basename(path),
    Source: posix.join(folder, path),
    KeyPath: 'yes',
  });
  const isProgram = path === payloadPaths.runtime('win32');
  return element('Component', { Id: componentId(path), Guid: windowsGuid('component', path), Win64: 'yes' }, [
    file,
    ...(isProgram ? serviceElements(furtherArguments) : []),
  ]);
}

/** Stopped before its files are replaced, started after; a service that does not start makes the installation roll back. */
function serviceElements(furtherArguments: readonly string[]): readonly XmlElement[] {
  const { name, title } = product.service;
  return [
    element('ServiceInstall', {
      Id: 'service',
      Name: name,
      DisplayName: product.name,
      Description: title,
      Type: 'ownProcess',
      Start: 'auto',
      ErrorControl: 'normal',
      Vital: 'yes',
      Account: SERVICE_ACCOUNT,
      Arguments: [serviceArguments(), ...furtherArguments].join(' '),
    }),
    element('ServiceControl', {
      Id: 'service_control',
      Name: name,
      Start: 'install',
      Stop: 'both',
      Remove: 'uninstall',
      Wait: 'yes',
    }),
  ];
}

/** tables.ts makes the folders. */
function dataFolder(): XmlElement {
  const inside = Object.entries(DATA_FOLDERS).map(([name, id]) => element('Directory', { Id: id, Name: name }));
  const component = element('Component', { Id: DATA_COMPONENT, Guid: windowsGuid('component', 'data'), Win64: 'yes' });
  return element('Directory', { Id: 'CommonAppDataFolder' }, [
    element('Directory', { Id: 'DATADIR', Name: product.name }, [component, ...inside]),
  ]);
}

/** Letters, digits, _ and . only, 72 at most, not beginning with a digit (Microsoft, "Identifier"). */
function identifier(prefix: string, path: string): string {
  return `${prefix}_${createHash('sha256').update(path).digest('hex').slice(0, 24)}`;
}
