/** What a stranger may fill in at the simulated desk: people who are invented, and whom its cards belong to. The personal identity number is one that
 * Skatteverket keeps for tests. */
const DAY_MS = 86_400_000;

export function exampleFields(cardNumber: string | undefined): Readonly<Record<string, string>> {
  return {
    holderName: 'Cecilia Öberg',
    personalNumber: '191212121212',
    hsaId: 'SE2321000016-BENCH3',
    cardNumber: cardNumber ?? '9752000000000000102',
    validTo: inDays(60),
    documentKind: 'drivingLicence',
    documentNumber: '12345678',
    documentValidTo: inDays(1_000),
    signedOn: inDays(0),
    archiveReference: 'A 12',
  };
}

function inDays(days: number): string {
  const day = new Date(Date.now() + days * DAY_MS);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
