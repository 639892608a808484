/** A web page asks the daemon for access, and a person answers in the dialog of `kortd agent`. The whole way, with nothing in between that is not the real thing. */
import { expect, it } from 'vitest';
import { http, openBench, outcomeOf, PIN, watchedPivCard, WRONG_PIN, type Bench, type HttpAnswer } from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { openPseudoTerminal, until } from '../pinentry/pseudo-terminal.ts';
import { startAgent } from './agent-process.ts';

const PAGE = 'https://certificates.example';

function askForAccess(bench: Bench): Promise<HttpAnswer> {
  return http({
    port: bench.port,
    method: 'POST',
    path: '/v1/access/request',
    headers: { host: `127.0.0.1:${bench.port}`, origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['card.read', 'sign'], reason: 'to \u202e sign' }),
  });
}

it.each(['pinentry-tty', 'pinentry-curses'])('a person allows a page what it asks for, or denies it, in %s', async (name) => {
  await using bench = await openBench();
  await using terminal = await openPseudoTerminal();
  await using agent = startAgent(['--data-dir', bench.dataFolder, '--pinentry', `/usr/bin/${name}`], {
    GPG_TTY: terminal.device,
  });
  await until(
    () => agent.output() === 'kortd agent ready\n',
    () => `the agent: ${agent.log()}`,
  );
  const denied = askForAccess(bench);
  await terminal.waitFor(/https:\/\/certificates\.example[^]*See readers[^]*Have a card sign[^]*“to \? sign”[^]*eny/);
  await terminal.press(name === 'pinentry-tty' ? 'd' : '\r');
  const refusal = await denied;
  expect(refusal.status).toBe(403);
  expect((JSON.parse(refusal.text) as { error: { code: string } }).error.code).toBe('access_denied');
  expect(terminal.echoes()).toBe(true);
});

it('a page gets its token when a person allowed it', async () => {
  await using bench = await openBench();
  await using terminal = await openPseudoTerminal();
  await using agent = startAgent(['--data-dir', bench.dataFolder, '--pinentry', '/usr/bin/pinentry-curses'], {
    GPG_TTY: terminal.device,
  });
  await until(
    () => agent.output() === 'kortd agent ready\n',
    () => `the agent: ${agent.log()}`,
  );
  const allowed = askForAccess(bench);
  await terminal.waitFor(/https:\/\/certificates\.example[^]*eny[^]*llow/);
  await terminal.press('\t\r');
  const grant = await allowed;
  expect(grant.status).toBe(200);
  expect((JSON.parse(grant.text) as { token: string }).token).toMatch(/^\S{20,}$/);
  agent.kill('SIGTERM');
  expect(await agent.ended()).toBe(0);
});

it('a program’s wrong PIN and then its right one go from the dialog to the card, and nothing keeps them', async () => {
  await using bench = await openBench();
  const card = watchedPivCard();
  const id = await bench.insert(card);
  await using terminal = await openPseudoTerminal();
  await using agent = startAgent(['--data-dir', bench.dataFolder, '--pinentry', '/usr/bin/pinentry-tty'], {
    GPG_TTY: terminal.device,
  });
  await until(
    () => agent.output() === 'kortd agent ready\n',
    () => `the agent: ${agent.log()}`,
  );
  const api = await bench.socket();
  for (const [pin, tries, outcome] of [
    [WRONG_PIN, 3, 'pin_rejected'],
    [PIN, 2, 'ok'],
  ] as const) {
    noteTyped(pin);
    const answer = api.call('pin.verify', { card: id, purpose: 'Sign the receipt' });
    await terminal.waitFor(new RegExp(`Bench 0[^]*“Sign the receipt”[^]*Tries left: ${tries}[^]*PIN:`));
    await terminal.press(`${pin}\r`);
    expect(outcomeOf(await answer)).toBe(outcome);
  }
  expect(card.inner.state().pin.attemptsRemaining).toBe(3);
  const abandoned = new AbortController();
  const lost = api.call('pin.verify', { card: id }, { signal: abandoned.signal });
  await terminal.waitFor(/Tries left: 3[^]*PIN:/);
  abandoned.abort();
  expect(outcomeOf(await lost)).toBe('call_cancelled');
  await until(
    () => terminal.echoes(),
    () => 'the dialog stays when its caller is gone',
  );
  for (const pin of [PIN, WRONG_PIN]) expect(agent.log() + agent.output()).not.toContain(pin);
});
