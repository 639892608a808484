/** `kortd database list`: what `system.health` says of databases that were replaced. */
import { languageOf } from '../prompt/agent/language.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printResult } from './output.ts';

export async function runDatabaseList(flags: { readonly dataDir: string; readonly json?: true }): Promise<void> {
  const { client } = await connectToDaemon(flags.dataDir);
  try {
    const { problems } = await client.call('system.health');
    const replaced = problems.filter(({ code }) => code.startsWith('database_'));
    const language = languageOf(process.env);
    if (flags.json) printResult(JSON.stringify({ databases: replaced }, undefined, 2));
    else if (replaced.length === 0) printResult('No database waits to be acknowledged.');
    for (const problem of flags.json ? [] : replaced) printResult(`${problem.since ?? ''} ${problem[language]}`);
  } finally {
    client.close();
  }
}
