import type { RouteHandler } from '#lib/http/route';

/** Handlers by method. `ANY` is for methods that a route file cannot export. */
export type MethodHandlers = Partial<Readonly<Record<string, RouteHandler>>>;

/** Handlers that are loaded by the first request for them, so that a start loads few of them. */
export class LazyHandlers {
  readonly #load: () => Promise<MethodHandlers>;
  #loaded: MethodHandlers | undefined;

  constructor(load: () => Promise<MethodHandlers>) {
    this.#load = load;
  }

  /** Undefined until `load` has resolved once, so that later requests wait for nothing. */
  get loaded(): MethodHandlers | undefined {
    return this.#loaded;
  }

  async load(): Promise<MethodHandlers> {
    this.#loaded = await this.#load();
    return this.#loaded;
  }
}
