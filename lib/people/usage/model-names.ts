import { storableText } from '#lib/storable-text';

/** Model and key of the row in which other names are added up. */
export const OTHER = 'other';
/** Names of models come from their servers, and from clients where a server lists none. */
const MAX_NAME_CHARACTERS = 200;
/** Listed names that are remembered. */
const MAX_LISTED = 1_000;
/** Names that no server lists and that a response vouches for, until the server is restarted. */
export const MAX_UNLISTED = 100;

/**
 * Which names of models become rows: those that a server lists or a setting names, and a bounded
 * number that a server has responded to. Some servers respond to any name, and clients could fill
 * the database with them.
 */
export class ModelNames {
  readonly #isKnown: (model: string) => boolean;
  readonly #listed = new Set<string>();
  readonly #unlisted = new Set<string>();

  /** `isKnown`: whether a server lists the model, or a setting names it. */
  constructor(isKnown: (model: string) => boolean) {
    this.#isKnown = isKnown;
  }

  /** The name of the row: `OTHER` for one that no one vouches for. Empty for programs. */
  rowName(model: string, hasResponse: boolean): string {
    if (model === '' || this.#listed.has(model) || this.#unlisted.has(model)) return model;
    const name = storableName(model);
    if (name === '') return OTHER;
    if (this.#listed.has(name) || this.#unlisted.has(name)) return name;
    if (this.#isKnown(model)) {
      if (this.#listed.size < MAX_LISTED) this.#listed.add(name);
      return name;
    }
    if (!hasResponse || this.#unlisted.size >= MAX_UNLISTED) return OTHER;
    this.#unlisted.add(name);
    return name;
  }
}

/** Without control characters, which no report could show. */
function storableName(model: string): string {
  return storableText(model.slice(0, MAX_NAME_CHARACTERS)).replaceAll(/\p{Cc}/gu, '');
}
