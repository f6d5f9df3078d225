import type { ModelRequest } from '#lib/models/provider';

const REASONING_NAME =
  /\br1\b|\bqwq\b|\bqwen-?3(?!.*(?:instruct|coder|embed))|think|reason|magistral|\bgpt-oss|\bglm-?(?:4\.[5-9]|5|z1)|marco-o1|minimax-m\d|hunyuan|cogito|exaone-deep|nemotron|\bo[134]\b/i;
/** Their chat templates end with the opening tag, so the response has only the closing one. */
const OPENS_IN_TEMPLATE = /\br1\b|\bqwq\b|thinking|reasoner|\bglm-z1|minimax-m\d|nemotron/i;
/** Hosted models never write tags, so their text is not held back. */
const HOSTED_NAME = /\bgpt-(?!oss)|\bo[134]\b|claude|gemini|grok/i;

type MaybePromise = boolean | Promise<boolean>;

/** How to read a response in which the model may have written its reasoning. */
export interface ThinkRules {
  /** Whether `<think>` at the start opens reasoning. Called only if the text starts with it. */
  opens(): MaybePromise;
  /**
   * Whether the text may be reasoning up to a `</think>` without an opening tag. Called only if
   * the text starts without a tag.
   */
  opensInTemplate(): MaybePromise;
  /** Responses with the same key start alike. */
  memoryKey: string;
}

/** Whether to look for tags: not in JSON, and not if thinking is switched off. */
export function mayContainThinkTags({ think, format }: ModelRequest): boolean {
  return think !== false && format === undefined;
}

export function isReasoningModelName(model: string): boolean {
  return REASONING_NAME.test(model);
}

/** The rules by a model's name and the request alone. */
export function thinkRulesByName({ model, think }: ModelRequest, isKnownToReason = false): ThinkRules {
  const isRequested = think !== undefined && think !== false;
  return {
    opens: () => isRequested || isKnownToReason || isReasoningModelName(model),
    opensInTemplate: () => OPENS_IN_TEMPLATE.test(model) || (isRequested && !HOSTED_NAME.test(model)),
    memoryKey: `${model}\n${think ?? ''}`,
  };
}
