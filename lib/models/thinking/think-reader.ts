import { LRUCache } from 'lru-cache';
import type { ModelEvent, ModelEventListener, TextEvent } from '#lib/models/provider';
import type { ThinkRules } from '#lib/models/thinking/think-rules';
import { type ThinkMode, ThinkSplitter } from '#lib/models/thinking/think-splitter';
import { CLOSE_TAG, OPEN_TAG } from '#lib/models/thinking/think-tags';

/**
 * Some models write their reasoning as `<think>…</think>` into their text. Servers that know such
 * a model send the reasoning separately; others pass the text unchanged. The tags count only at
 * the start of a response, and only if the model reasons or the request asks for it. Anywhere else
 * they are text, as in code that removes them.
 */

/** The longest blank space before the opening tag. Longer blank space is text. */
const MAX_BLANK_CHARACTERS = 1_024;
const MAX_REMEMBERED_MODELS = 500;

/**
 * How the responses of a model start. `plain`: without tags. `open`: reasoning up to a closing tag.
 */
type Memory = LRUCache<string, 'plain' | 'open'>;

/**
 * Turns reasoning in the text into `thinking` events, unless the provider sends its own reasoning.
 * Remembers how the responses of a model start, so only the first response without an opening tag
 * is held back.
 */
export class ThinkReader {
  readonly #memory: Memory = new LRUCache({ max: MAX_REMEMBERED_MODELS });

  /** A filter for one response, which passes its events to `emit`. */
  filter(rules: ThinkRules, emit: ModelEventListener): ThinkFilter {
    return new ThinkFilter(this.#memory, rules, emit);
  }
}

/** The events of one response, with the reasoning in its text as `thinking`. */
export class ThinkFilter {
  readonly #memory: Memory;
  readonly #rules: ThinkRules;
  readonly #emit: ModelEventListener;
  /** The text before it is known how the response starts. */
  #start = '';
  #splitter: ThinkSplitter | undefined;
  #isNative = false;
  /** Events that arrive while a rule is looked up. */
  #waiting: ModelEvent[] | undefined;
  #lookup: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(memory: Memory, rules: ThinkRules, emit: ModelEventListener) {
    this.#memory = memory;
    this.#rules = rules;
    this.#emit = emit;
  }

  readonly push = (event: ModelEvent): void => {
    if (this.#waiting !== undefined) this.#waiting.push(event);
    else if (event.type === 'content' && !this.#isNative) this.#readText(event);
    else this.#readOther(event);
  };

  /** Resolves when all events were passed on. Throws the error of a rule's look-up. */
  async settled(): Promise<void> {
    await this.#lookup;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #readText(event: TextEvent): void {
    const splitter = this.#splitter;
    if (splitter === undefined) {
      this.#start += event.text;
      const isTag = startsWithThinkTag(this.#start);
      if (isTag === undefined) return;
      const mode = isTag ? then(this.#rules.opens(), (opens) => (opens ? 'thinking' : this.#mode())) : this.#mode();
      if (mode instanceof Promise) this.#wait(mode);
      else this.#begin(mode);
    } else if (splitter.isPlain) {
      // Responses of this model do have closing tags, so the next one is held back again.
      const { text } = event;
      if (splitter.began === 'content' && text.length >= CLOSE_TAG.length && text.includes(CLOSE_TAG))
        this.#memory.delete(this.#rules.memoryKey);
      this.#emit(event);
    } else this.#emitAll(splitter.push(event.text));
  }

  #readOther(event: ModelEvent): void {
    if (event.type === 'thinking' || event.type === 'tool_calls' || event.type === 'done') {
      const isWhole = event.type === 'done' && event.done_reason === 'stop';
      if (this.#splitter !== undefined) {
        this.#emitAll(this.#splitter.end(isWhole));
        if (isWhole && !this.#isNative) this.#learn(this.#splitter);
      } else if (this.#start !== '') this.#emit({ type: 'content', text: this.#start });
      // Text after a tool call is not the start of the response.
      if (event.type === 'thinking') this.#isNative = true;
      else this.#splitter ??= new ThinkSplitter('content');
    }
    this.#emit(event);
  }

  #wait(mode: Promise<ThinkMode>): void {
    this.#waiting = [];
    this.#lookup = mode.then(
      (found) => {
        const waiting = this.#waiting ?? [];
        this.#waiting = undefined;
        this.#begin(found);
        for (const event of waiting) this.push(event);
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  #begin(mode: ThinkMode): void {
    this.#splitter = new ThinkSplitter(mode);
    const start = mode === 'thinking' ? this.#start.trimStart().slice(OPEN_TAG.length) : this.#start;
    this.#emitAll(this.#splitter.push(start));
  }

  /** How a response without an opening tag starts. */
  #mode(): ThinkMode | Promise<ThinkMode> {
    const remembered = this.#memory.get(this.#rules.memoryKey);
    if (remembered !== undefined) return remembered === 'open' ? 'open' : 'content';
    return then(this.#rules.opensInTemplate(), (opens) => (opens ? 'held' : 'content'));
  }

  #learn({ began, closed }: ThinkSplitter): void {
    if (began === 'held' || began === 'open') this.#memory.set(this.#rules.memoryKey, closed ? 'open' : 'plain');
  }

  #emitAll(events: readonly TextEvent[]): void {
    for (const event of events) this.#emit(event);
  }
}

/** Applies `use` at once if the value is there already. */
function then<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** Whether a response starts with the opening tag; undefined while it still may. */
function startsWithThinkTag(text: string): boolean | undefined {
  const start = text.trimStart();
  if (start.startsWith(OPEN_TAG)) return true;
  return OPEN_TAG.startsWith(start) && text.length <= MAX_BLANK_CHARACTERS ? undefined : false;
}
