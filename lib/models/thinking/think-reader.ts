import { LRUCache } from 'lru-cache';
import type { ModelEvent } from '#lib/models/provider';
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
 * Turns reasoning in the text into `thinking` events, unless the provider sends its own reasoning.
 * Remembers how the responses of a model start, so only the first response without an opening tag
 * is held back.
 */
export class ThinkReader {
  /** `plain`: text without tags. `open`: reasoning up to a closing tag. */
  readonly #memory = new LRUCache<string, 'plain' | 'open'>({ max: MAX_REMEMBERED_MODELS });

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
          // Responses of this model do have closing tags, so the next one is held back again.
          if (splitter.began === 'content' && event.text.includes(CLOSE_TAG)) this.#memory.delete(rules.memoryKey);
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
        // Text after a tool call is not the start of the response.
        if (event.type === 'thinking') isNative = true;
        else splitter ??= new ThinkSplitter('content');
      }
      yield event;
    }
  }

  async #begin(rules: ThinkRules): Promise<ThinkMode> {
    const remembered = this.#memory.get(rules.memoryKey);
    if (remembered === 'open') return 'open';
    return remembered === undefined && (await rules.opensInTemplate()) ? 'held' : 'content';
  }

  #learn({ began, closed }: ThinkSplitter, memoryKey: string): void {
    if (began === 'held' || began === 'open') this.#memory.set(memoryKey, closed ? 'open' : 'plain');
  }
}

/** Whether a response starts with the opening tag; undefined while it still may. */
function startsWithThinkTag(text: string): boolean | undefined {
  const start = text.trimStart();
  if (start.startsWith(OPEN_TAG)) return true;
  return OPEN_TAG.startsWith(start) && text.length <= MAX_BLANK_CHARACTERS ? undefined : false;
}
