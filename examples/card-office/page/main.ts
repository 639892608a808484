/** The page put together: connection, desk, and the case that the address names. Everything that it shows is kortd's to tell; it keeps nothing but the language. */
import type { Routine } from './case.ts';
import { CaseView } from './case-view.ts';
import { Desk } from './desk.ts';
import { announce, byId, focusOn, h } from './dom.ts';
import { chooseLanguage, language, say, type Language } from './language.ts';
import { Kortd, type DeskEvent, type Link } from './kortd.ts';
import { explain } from './problems.ts';
import { SimulatedDesk } from './simulated-desk.ts';
import { createStart } from './start-view.ts';
import { WORDS } from './words.ts';

interface Config {
  readonly kortd: string;
  readonly isSimulated: boolean;
}

const config = (await (await fetch('/config.json')).json()) as Config;
const content = byId('content');
let routines: readonly Routine[] = [];
let shown: CaseView | undefined;
let link: Link = { state: 'connecting' };

const kortd = new Kortd({
  url: config.kortd,
  scopes: ['card.read', 'issuance', ...(config.isSimulated ? ['simulation' as const] : [])],
  reason: say(WORDS.title),
  onLink: (now) => {
    link = now;
    renderFrame();
    if (now.state === 'connected') attempt(arrive);
  },
  onEvent: handleEvent,
});
const desk = new Desk(kortd, () => shown?.deskChanged());
const simulatedDesk = config.isSimulated ? new SimulatedDesk(kortd) : undefined;

chooseLanguage(language());
renderFrame();
window.addEventListener('hashchange', () => attempt(() => show({ focuses: true })));
for (const button of document.querySelectorAll<HTMLButtonElement>('#languages button'))
  button.addEventListener('click', () => switchLanguage(button.lang === 'sv' ? 'sv' : 'en'));
byId('skip').addEventListener('click', (event) => {
  // The address is for cases alone.
  event.preventDefault();
  content.focus();
});
byId('connect').addEventListener('click', () => void kortd.open());
await kortd.open();

/** Connected, for the first time or again: what was shown may be old. */
async function arrive(): Promise<void> {
  ({ routines } = await kortd.call('issuance.listRoutines', {}));
  desk.refresh();
  await Promise.all([simulatedDesk?.refresh(), show({ focuses: false })]);
}

/** The address says which case: a reload, a bookmark and the back button lead to it. */
async function show({ focuses }: { readonly focuses: boolean }): Promise<void> {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id !== '' && shown?.id === id) {
    await shown.refresh();
    return;
  }
  shown?.leave();
  shown = undefined;
  await (id === '' ? showStart() : showCase(id));
  const title = content.querySelector('h1');
  if (focuses && title) focusOn(title);
}

async function showStart(): Promise<void> {
  const { ceremonies } = await kortd.call('issuance.list', { limit: 50 });
  content.replaceChildren(createStart({ routines, ceremonies, begin: (routine) => attempt(() => begin(routine)) }));
  document.title = say(WORDS.title);
}

async function showCase(id: string): Promise<void> {
  const ceremony = await kortd.call('issuance.get', { ceremony: id });
  const routine = routines.find((one) => one.id === ceremony.routine.id);
  if (!routine) throw new Error(`kortd does not list the routine ${ceremony.routine.id}`);
  shown = new CaseView({ kortd, desk, routine, ceremony, isSimulated: config.isSimulated });
  content.replaceChildren(shown.element);
  document.title = `${say(routine.title)} – ${say(WORDS.title)}`;
}

async function begin({ id }: Routine): Promise<void> {
  const { ceremony } = await kortd.call('issuance.start', { routine: id });
  location.hash = ceremony;
}

function handleEvent(event: DeskEvent): void {
  const { name } = event;
  if (event.name === 'issuance.changed') {
    if (shown?.id === event.data.ceremony) attempt(() => shown?.refresh());
    else if (!shown) attempt(showStart);
  } else if (event.name === 'pin.prompted') shown?.pinPrompted(event.data.where);
  else if (name.startsWith('card.') || name.startsWith('reader.')) {
    desk.refresh();
    if (name !== 'card.changed') attempt(() => simulatedDesk?.refresh());
  }
}

/** What fails while the page is put together is shown in its place. */
function attempt(work: () => Promise<void> | undefined): void {
  work()?.catch((error: unknown) => {
    if (link.state === 'lost') return;
    content.replaceChildren(
      h(
        'div',
        { class: 'alarm', role: 'alert' },
        h('h1', {}, say(WORDS.problem)),
        ...explain(error).map((line) => h('p', {}, line)),
      ),
      h('p', {}, h('a', { class: 'button', href: '#' }, say(WORDS.toStart))),
    );
  });
}

function switchLanguage(chosen: Language): void {
  chooseLanguage(chosen);
  renderFrame();
  simulatedDesk?.render();
  if (shown) shown.render();
  else if (link.state === 'connected') attempt(showStart);
}

function renderFrame(): void {
  byId('brand').textContent = say(WORDS.title);
  byId('skip').textContent = say(WORDS.skip);
  byId('languages').setAttribute('aria-label', say(WORDS.otherLanguage));
  byId('connect').textContent = say(WORDS.connectAgain);
  for (const button of document.querySelectorAll<HTMLButtonElement>('#languages button'))
    button.setAttribute('aria-pressed', String(button.lang === language()));
  const text = sayLink(link);
  const banner = byId('link');
  banner.dataset['state'] = link.state;
  byId('link-text').textContent = text;
  byId('connect').hidden = !(link.state === 'lost' && link.isFinal);
  document.body.dataset['link'] = link.state;
  if (link.state === 'lost') announce(text);
}

function sayLink(now: Link): string {
  if (now.state === 'connected') return say(WORDS.connected);
  // The page tries again by itself unless a person must do something first.
  if (now.state === 'lost') return `${say(WORDS.lost)}. ${now.isFinal ? say(now.error) : say(WORDS.goneOn)}`;
  return now.code === undefined ? say(WORDS.connecting) : say(WORDS.consent, { code: now.code });
}
