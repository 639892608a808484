/** Elements in one line each, and what is said to those who hear the page. */
type Child = Node | string | false | undefined;
type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void) | undefined>>;

/** A text attribute is set, `true` sets it empty, a function listens to the event of that name. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Of index.html, which is part of the page. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Said by a screen reader when it has finished what it says. */
export function announce(text: string): void {
  byId('polite').textContent = text;
}

/** A heading, say: it is no stop of the Tab key, but can be where reading goes on. */
export function focusOn(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus();
}
