import type { FunctionComponent } from 'react';

/**
 * Code that is fetched on demand, whose scripts a server-rendered page lists, so that a browser
 * fetches them along with the page's own:
 *
 *     const code = new ListedCode<typeof import('./code.ts')>();
 *     const Preloaded = dynamic(code.list(() => import('./code.ts')));
 *
 * Next finds only an `import()` that stands in the call of `dynamic` itself, and no two calls of
 * `import()` share their scripts. So `fetch` uses the one that is listed.
 */
export class ListedCode<Code> {
  #fetchCode: (() => Promise<Code>) | undefined;

  /** Rejects if the code cannot be fetched. Throws before `list`. */
  readonly fetch = (): Promise<Code> => {
    if (this.#fetchCode === undefined) throw new Error('The code is not listed: call list() first.');
    return this.#fetchCode();
  };

  /** The loader of a component that lists the scripts, and renders nothing. */
  list(fetchCode: () => Promise<Code>): () => Promise<FunctionComponent> {
    this.#fetchCode = fetchCode;
    return () =>
      typeof window === 'undefined'
        ? Promise.resolve(Nothing)
        : fetchCode().then(
            () => Nothing,
            // What needs the code fetches it again, and shows the failure.
            () => Nothing,
          );
  }
}

function Nothing() {
  return null;
}
