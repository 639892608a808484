/** The page that shows the desk, put together: language, session, connection, and the frame with its views. */
import { render } from 'preact';
import type { Client } from '../../../api-spec/client/client.ts';
import { beginLanguage } from './language.ts';
import { Live } from './live.ts';
import { takeCode, watchAddress } from './route.ts';
import { beginSession, connectionsOf } from './session.ts';
import { Shell } from './shell.tsx';
import { LiveContext } from './use-live.ts';

/** A window in the background draws no frames; what came is given out all the same. */
const BACKGROUND_MS = 250;

let user = '';
let connections: (() => Promise<Client>) | undefined;
const code = takeCode();

async function open(): Promise<Client> {
  if (!connections) {
    const session = await beginSession(code);
    user = session.user;
    connections = connectionsOf(session);
    draw();
  }
  return await connections();
}

const live = new Live({
  open,
  nextFrame: (callback) => {
    if (document.hidden) setTimeout(callback, BACKGROUND_MS);
    else requestAnimationFrame(callback);
  },
  later: (callback, delayMs) => void setTimeout(callback, delayMs),
});

function draw(): void {
  const root = document.getElementById('root');
  if (!root) throw new Error('the page has no #root');
  render(
    <LiveContext.Provider value={live}>
      <Shell user={user} />
    </LiveContext.Provider>,
    root,
  );
}

beginLanguage();
watchAddress();
draw();
await live.start();
