import { LRUCache } from 'lru-cache';
import type { ModelEvent, ModelRequest } from '#lib/models/provider';

/**
 * Models that write their reasoning as `<think>…</think>` into their text. Servers that know such a
 * model send the reasoning apart; others pass the text as it is. The tags count at the very start
 * of a response only, and only where the model reasons or the request asks for it: anywhere else
 * they are text, as in code that removes them.
 */

const OPEN_TAG = '<think>';
const CLOSE_TAG = '</think>';
/** Blank space in front of the opening tag. More of it is text. */
const MAX_BLANK_CHARACTERS = 1_024;
/** Text that waits for its closing tag. Longer text is sent on as the response's text. */
const MAX_HELD_CHARACTERS = 1024 * 1024;
/** Closing tags in code that are passed over, each at the cost of a look at the whole text. */
const MAX_CLOSINGS_IN_CODE = 8;
const MAX_REMEMBERED_MODELS = 500;

const REASONING_NAME =
  /\br1\b|\bqwq\b|\bqwen-?3(?!.*(?:instruct|coder|embed))|think|reason|magistral|\bgpt-oss|\bglm-?(?:4\.[5-9]|5|z1)|marco-o1|minimax-m\d|hunyuan|cogito|exaone-deep|nemotron|\bo[134]\b/i;
/** Their chat templates end with the opening tag, so that the response has only the closing one. */
const OPENS_IN_TEMPLATE = /\br1\b|\bqwq\b|thinking|reasoner|\bglm-z1|minimax-m\d|nemotron/i;
/** Hosted models that never write tags: nothing of theirs is held back. */
const HOSTED_NAME = /\bgpt-(?!oss)|\bo[134]\b|claude|gemini|grok/i;

type TextEvent = Extract<ModelEvent, { text: string }>;
type MaybePromise = boolean | Promise<boolean>;

/** What a provider knows of a response in which the model may have written its reasoning. */
export interface ThinkRules {
  /** Whether `<think>` at the start opens reasoning. Asked only where the text starts with it. */
  opens(): MaybePromise;
  /**
   * Whether the text may be reasoning up to a `</think>` that nothing opened. Asked only where no
   * tag opens the text.
   */
  opensInTemplate(): MaybePromise;
  /** Under which responses are remembered that are alike in this. */
  memoryKey: string;
}

/**
 * Whether a request's text is to be looked at for tags at all: never in JSON, nor where thinking is
 * switched off.
 */
export function mayContainThinkTags({ think, format }: ModelRequest): boolean {
  return think !== false && format === undefined;
}

export function isReasoningModelName(model: string): boolean {
  return REASONING_NAME.test(model);
}

/** By a model's name and what is asked, where nothing more is known. */
export function thinkRulesByName({ model, think }: ModelRequest, isKnownToReason = false): ThinkRules {
  const isAsked = think !== undefined && think !== false;
  return {
    opens: () => isAsked || isKnownToReason || isReasoningModelName(model),
    opensInTemplate: () => OPENS_IN_TEMPLATE.test(model) || (isAsked && !HOSTED_NAME.test(model)),
    memoryKey: `${model}\n${think ?? ''}`,
  };
}

/**
 * Turns reasoning in the text into `thinking` events, unless the provider sends its own reasoning.
 * Remembers how the responses of a model begin, so that only the first one without an opening tag
 * is held back.
 */
export class ThinkReader {
  /** `plain`: text without tags. `open`: reasoning up to a closing tag. */
  readonly #habits = new LRUCache<string, 'plain' | 'open'>({ max: MAX_REMEMBERED_MODELS });

  async *split(events: AsyncIterable<ModelEvent>, rules: ThinkRules): AsyncGenerator<ModelEvent> {
    let start = '';
    let splitter: ThinkSplitter | undefined;
    let isNative = false;
    for await (const event of events) {
      if (event.type === 'content' && !isNative) {
        if (splitter === undefined) {
          start += event.text;
          const isTag = startsWithThinkTag(start);
          if (isTag === undefined) continue;
          const isOpened = isTag && (await rules.opens());
          splitter = new ThinkSplitter(isOpened ? 'thinking' : await this.#begin(rules));
          yield* splitter.push(isOpened ? start.trimStart().slice(OPEN_TAG.length) : start);
        } else if (splitter.isPlain) {
          // Responses of this kind do have closing tags: the next one is held back again.
          if (splitter.began === 'content' && event.text.includes(CLOSE_TAG)) this.#habits.delete(rules.memoryKey);
          yield event;
        } else yield* splitter.push(event.text);
        continue;
      }
      if (event.type === 'thinking' || event.type === 'tool_calls' || event.type === 'done') {
        const isWhole = event.type === 'done' && event.done_reason === 'stop';
        if (splitter !== undefined) {
          yield* splitter.end(isWhole);
          if (isWhole && !isNative) this.#learn(splitter, rules.memoryKey);
        } else if (start !== '') yield { type: 'content', text: start };
        // What comes after a tool call is not the start.
        if (event.type === 'thinking') isNative = true;
        else splitter ??= new ThinkSplitter('content');
      }
      yield event;
    }
  }

  async #begin(rules: ThinkRules): Promise<ThinkMode> {
    const habit = this.#habits.get(rules.memoryKey);
    if (habit === 'open') return 'open';
    return habit === undefined && (await rules.opensInTemplate()) ? 'held' : 'content';
  }

  #learn({ began, closed }: ThinkSplitter, habit: string): void {
    if (began === 'held' || began === 'open') this.#habits.set(habit, closed ? 'open' : 'plain');
  }
}

/**
 * How a text is read. `thinking` is reasoning after its opening tag, `open` is reasoning that had
 * none, and `held` is kept back until it is known what it is; all three end with the closing tag.
 * `content` never ends.
 */
type ThinkMode = 'thinking' | 'open' | 'held' | 'content';

/**
 * Splits one text. Any split of the same text into pushes gives the same concatenated thinking and
 * content. Blank space around the tags belongs to neither; every other byte is kept. Reasoning
 * without its closing tag is thinking to the end.
 */
export class ThinkSplitter {
  readonly began: ThinkMode;
  #mode: Exclude<ThinkMode, 'open'>;
  /** Whether the reasoning has ended. */
  closed = false;
  /** The start of what may become a closing tag; shorter than one. */
  #partial = '';
  #skipsBlank: boolean;
  /** The text so far of `held` and `open`, which may turn out to be the response's. */
  #pieces: string[] = [];
  #length = 0;
  #rejected = 0;

  constructor(mode: ThinkMode) {
    this.began = mode;
    this.#mode = mode === 'open' ? 'thinking' : mode;
    this.#skipsBlank = this.#mode === 'thinking';
  }

  /** Whether all that follows is the response's text as it is. */
  get isPlain(): boolean {
    return this.#mode === 'content' && !this.#skipsBlank;
  }

  push(text: string): TextEvent[] {
    if (this.#mode === 'held') return this.#hold(text);
    const events: TextEvent[] = [];
    let rest = text;
    if (this.#mode === 'thinking') {
      if (this.began === 'open' && this.#remember(text) > MAX_HELD_CHARACTERS) this.#pieces = [];
      rest = this.#think(events, this.#partial + text);
    }
    if (this.#mode === 'content') this.#emit(events, rest);
    return events;
  }

  /**
   * Returns the text held back. `isWhole` says that the response ended by itself; a tool call or
   * native reasoning only ends the reasoning, and later text is content.
   */
  end(isWhole: boolean): TextEvent[] {
    if (this.#mode === 'held') return this.#release();
    const events: TextEvent[] = [];
    this.#emit(events, this.#partial);
    this.#partial = '';
    // A whole response that is all reasoning was none: it is the response's text.
    if (isWhole && this.began === 'open' && !this.closed) {
      this.#skipsBlank = false;
      events.push(...this.#release());
    } else if (this.#mode === 'thinking') this.#close();
    return events;
  }

  /** Adds the reasoning in `text` to `events`; returns what follows the closing tag. */
  #think(events: TextEvent[], text: string): string {
    this.#partial = '';
    const at = text.indexOf(CLOSE_TAG);
    if (at !== -1) {
      this.#emit(events, text.slice(0, at));
      this.#close();
      return text.slice(at + CLOSE_TAG.length);
    }
    const held = partialTagLength(text, CLOSE_TAG);
    this.#partial = text.slice(text.length - held);
    this.#emit(events, text.slice(0, text.length - held));
    return '';
  }

  #hold(text: string): TextEvent[] {
    const length = this.#remember(text);
    const near = this.#partial + text;
    // The closing tag may be split: its start is in what came last.
    this.#partial = near.slice(1 - CLOSE_TAG.length);
    if (near.includes(CLOSE_TAG)) {
      const whole = this.#pieces.join('');
      const at = indexOfCloseTagOutsideCode(whole);
      if (at !== -1) {
        this.#skipsBlank = true;
        const events: TextEvent[] = [];
        this.#mode = 'thinking';
        this.#emit(events, whole.slice(0, at));
        this.#close();
        this.#emit(events, whole.slice(at + CLOSE_TAG.length));
        return events;
      }
      this.#pieces = [whole];
      this.#rejected += 1;
    }
    // An empty event shows that the model is at work.
    if (length <= MAX_HELD_CHARACTERS && this.#rejected <= MAX_CLOSINGS_IN_CODE)
      return [{ type: 'thinking', text: '' }];
    return this.#release();
  }

  #release(): TextEvent[] {
    this.#mode = 'content';
    this.#partial = '';
    const events: TextEvent[] = [];
    this.#emit(events, this.#pieces.join(''));
    this.#pieces = [];
    return events;
  }

  #close(): void {
    this.closed = true;
    this.#mode = 'content';
    this.#partial = '';
    this.#skipsBlank = true;
    this.#pieces = [];
  }

  /** The length of all that there was. */
  #remember(text: string): number {
    this.#pieces.push(text);
    this.#length += text.length;
    return this.#length;
  }

  #emit(events: TextEvent[], text: string): void {
    const shown = this.#skipsBlank ? text.trimStart() : text;
    if (shown === '') return;
    this.#skipsBlank = false;
    events.push({ type: this.#mode === 'thinking' ? 'thinking' : 'content', text: shown });
  }
}

/** Whether a response begins with the opening tag; undefined while it could still become one. */
function startsWithThinkTag(text: string): boolean | undefined {
  const start = text.trimStart();
  if (start.startsWith(OPEN_TAG)) return true;
  return OPEN_TAG.startsWith(start) && text.length <= MAX_BLANK_CHARACTERS ? undefined : false;
}

/**
 * Where a closing tag ends reasoning that nothing opened; −1 where each one is in code, or belongs
 * to an opening one.
 */
function indexOfCloseTagOutsideCode(text: string): number {
  let at = text.indexOf(CLOSE_TAG);
  for (let looks = 0; at !== -1 && looks <= MAX_CLOSINGS_IN_CODE; looks++) {
    const before = text.slice(0, at);
    if (before.includes(OPEN_TAG)) return -1;
    const line = before.slice(before.lastIndexOf('\n') + 1);
    const isFenced = (before.match(/^ {0,3}(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
    if (!isFenced && line.split('`').length % 2 === 1) return at;
    at = text.indexOf(CLOSE_TAG, at + 1);
  }
  return -1;
}

/** Length of the longest end of `text` with which `tag` could begin. */
function partialTagLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length;
  return 0;
}
