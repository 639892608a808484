/** The manual page, in the macros of man(7). What each command takes is told by `kortd --help`. */
import { product } from '../product.ts';
import { layout } from './layout.ts';

const FILES: readonly (readonly [string, string])[] = [
  [layout.policy, 'Policy files: which web origins may call, roles of readers, authorities, modules of vendors.'],
  [layout.state, 'Databases, keys and audit log of the service.'],
  [`${layout.state}/former`, 'Databases as they were before the last upgrade.'],
  [layout.socket, `Where native programs call; for members of the group ${product.service.group}.`],
];

const COMMANDS: readonly (readonly [string, string])[] = [
  ['kortd status', 'readers and cards'],
  ['kortd call METHOD [JSON]', 'one call of the API'],
  ['kortd grant list', 'web pages that ask for access'],
  ['kortd role list', 'which reader is whose'],
  ['kortd agent', 'prompts for PINs in this session'],
  ['kortd open', 'the console in the browser'],
  ['kortd audit export', 'the audit log'],
];

export function manualPage({ epoch }: { readonly epoch: number }): string {
  const date = new Date(epoch * 1_000).toISOString().slice(0, 10);
  const rows = (table: typeof FILES): string =>
    table.map(([name, text]) => `.TP\n.B ${escape(name)}\n${escape(text)}`).join('\n');
  return `.TH KORTD 1 ${date} "${product.name} ${product.version}" "User Commands"
.SH NAME
kortd \\- ${escape(product.summary)}
.SH SYNOPSIS
.B kortd
.I COMMAND
[\\fIOPTIONS\\fR]
.SH DESCRIPTION
${product.description.map(escape).join('\n.PP\n')}
.PP
The service listens on 127.0.0.1 and [::1], port ${product.ports.api}; its console on port ${product.ports.console}.
.SH COMMANDS
${rows(COMMANDS)}
.PP
.B kortd \\-\\-help
lists all of them.
.SH FILES
${rows(FILES)}
.SH SEE ALSO
.BR pcscd (8),
.BR systemctl (1)
`;
}

/** A hyphen is a minus in what is typed; a line does not begin as a request. */
function escape(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&');
}
