/**
 * DisposableStack and AsyncDisposableStack for a Node that has none (22): Wine cannot run the Node that kortd ships, since it lacks the memory reservations of its V8. As
 * the proposal has them (ECMAScript Explicit Resource Management), as far as the daemon uses them.
 */
type Dispose = () => unknown;
type Resource = Partial<AsyncDisposable & Disposable>;

class Stack {
  #disposals: Dispose[] = [];

  use<T>(resource: T): T {
    const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = (resource ?? {}) as Resource;
    const dispose = later ?? now;
    if (dispose) this.defer(() => dispose.call(resource as never));
    return resource;
  }

  adopt<T>(value: T, dispose: (value: T) => unknown): T {
    this.defer(() => dispose(value));
    return value;
  }

  defer(dispose: Dispose): void {
    this.#disposals.push(dispose);
  }

  move(): Stack {
    const moved = new Stack();
    moved.#disposals = this.#disposals.splice(0);
    return moved;
  }

  dispose(): void {
    for (const dispose of this.#disposals.splice(0).reverse()) dispose();
  }

  async disposeAsync(): Promise<void> {
    for (const dispose of this.#disposals.splice(0).reverse()) await dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}

if (!('AsyncDisposableStack' in globalThis)) Object.assign(globalThis, { AsyncDisposableStack: Stack, DisposableStack: Stack });
