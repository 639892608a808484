/** The reference page of the configuration file, written from its schema. */
import { allowedBy } from './allowed.ts';
import { defaultOf } from './option.ts';
import { FileSchema, OPTIONS, type Option } from './schema.ts';

const HEAD = `<!-- Written by daemon/configuration/generate.ts from daemon/configuration/schema.ts; do not edit. -->

# The configuration file

\`/etc/kortd/kortd.json\` (on Windows \`%ProgramData%\\kortd\\kortd.json\`), or another that \`kortd serve --config FILE\` names. It is JSON, so that every configuration
management writes it and every editor checks it against its schema (\`kortd config schema\`). It may be missing, and everything in it may be absent. What \`kortd serve\` is given on its command line wins.

\`\`\`json
{
  "listen": { "port": 27150, "userSockets": "/run/kortd/users" },
  "folders": { "data": "/var/lib/kortd" },
  "log": { "level": "warn" }
}
\`\`\`

- \`kortd config check\` says what is wrong with it and with the policy folder, without a daemon; \`kortd config show\` says what is in force, and who said it.
- \`kortd reload\`, SIGHUP and \`system.reload\` read it anew: all or nothing. A file that is refused leaves everything as it was, and is named in the answer, the log and
  \`system.health\`. At the start a file that is refused is an error, with exit status 1.
- *live*: a reload is enough. *restart*: the daemon takes it at its next start; until then the reload and \`system.health\` name it.
- It belongs to root or to the user of kortd, and nobody else may write it. It holds 256 KiB at most.
`;

export function configurationReference(): string {
  const sections = [...new Set(OPTIONS.map(({ section }) => section))];
  return [HEAD, ...sections.map(sectionText), swedish()].join('\n');
}

function sectionText(section: string): string {
  return [`## \`${section}\``, '', ...OPTIONS.filter((option) => option.section === section).map(optionText)].join('\n');
}

function optionText({ path, schema, notes }: Option): string {
  const facts = [
    `- allowed: ${allowedBy(schema).en}`,
    `- default: ${defaultText(schema, notes.otherwise?.en)}`,
    `- changes: ${notes.reload}`,
    ...(notes.flag === undefined ? [] : [`- command line: \`${notes.flag}\``]),
  ];
  return `### \`${path}\`\n\n${notes.en}\n\n${facts.join('\n')}\n`;
}

function defaultText(schema: Option['schema'], otherwise = 'none'): string {
  const value = defaultOf(schema);
  return value === undefined ? otherwise : `\`${JSON.stringify(value)}\``;
}

function swedish(): string {
  const rows = OPTIONS.map(({ path, notes }) => `- \`${path}\`: ${notes.sv}`);
  const others = Object.keys(FileSchema.properties).filter((name) => !OPTIONS.some(({ section }) => section === name));
  const free = others.map((name) => `\`${name}\``).join(' and ');
  return `## Beside the sections\n\n${free} are texts for editors and people; kortd does not read them.\n\n## På svenska\n\n${rows.join('\n')}\n`;
}
