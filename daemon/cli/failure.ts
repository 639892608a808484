/** Why a command could not do its work, as one text for a person: in English, or in Swedish where the session is and the error has it. */
import { ConnectionError, type ConnectionReason } from '../../api-spec/client/client.ts';
import { swedishReason } from '../system-reasons.ts';
import { said } from './language.ts';

/** What the client says is for web pages. Sorted. */
const NO_CONNECTION: Partial<Record<ConnectionReason, string>> = {
  closed: 'anslutningen till kortd stängdes',
  'not-running': 'kortd svarar inte. Vad som är fel säger: kortd doctor',
  timeout: 'kortd svarade inte i tid. Vad som är fel säger: kortd doctor',
};

const PORT_TAKEN = {
  en: 'the port is taken by another program. Stop that, or choose other ports with --port and --console-port.',
  sv: 'porten används av ett annat program. Stoppa det, eller välj andra portar med --port och --console-port.',
};
const PORT_REFUSED = {
  en: 'the system does not let this user listen there. Choose ports from 1024 on with --port and --console-port.',
  sv: 'systemet låter inte den här användaren lyssna där. Välj portar från 1024 och uppåt med --port och --console-port.',
};

export function failureText(error: unknown): string {
  if (isListening(error, 'EADDRINUSE')) return said(PORT_TAKEN);
  if (isListening(error, 'EACCES')) return said({ en: `${messageOf(error)}: ${PORT_REFUSED.en}`, sv: PORT_REFUSED.sv });
  if (error instanceof ConnectionError) return said({ en: error.message, sv: NO_CONNECTION[error.reason] ?? error.sv });
  const sv = error instanceof Error && 'sv' in error && typeof error.sv === 'string' ? error.sv : swedishReason(error);
  return said({ en: messageOf(error), sv });
}

/** Of a port: a Unix socket has a path. */
function isListening(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code && 'port' in error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
