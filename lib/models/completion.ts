import type { FieldReport } from '#lib/models/field-support';
import type { ModelEvent, ModelEventListener, ModelRequest } from '#lib/models/provider';

/** What the providers share about completions. */

/**
 * A listener that gets `prompt` as a piece of text in front of the first event, so that an attempt
 * without an event can still be repeated.
 */
export function echoing(prompt: string, emit: ModelEventListener): ModelEventListener {
  let isFirst = true;
  return (event: ModelEvent) => {
    if (isFirst) {
      isFirst = false;
      emit({ type: 'content', text: prompt });
    }
    emit(event);
  };
}

/** Reports the files of a completion for any server but llama.cpp. */
export function ignoreFiles({ completion }: ModelRequest, report: FieldReport): void {
  if (completion?.files !== undefined) report.ignore('input_extra');
}

/** Reports the fields that only Ollama's own API has. */
export function checkOllamaOnlyFields({ completion, truncate, shift }: ModelRequest, report: FieldReport): void {
  if (truncate !== undefined) report.ignore('truncate');
  if (shift !== undefined) report.ignore('shift');
  if (completion === undefined) return;
  const { template, context = [], images = [] } = completion;
  if (template !== undefined) report.reject('template', 'only Ollama reads templates');
  if (context.length > 0) report.reject('context', 'send the conversation to /api/chat');
  if (images.length > 0) report.reject('images', 'a text without a chat template has no place for them');
}

/** Reports a completion for a server that takes text only. */
export function checkTextOnly({ completion, logprobs }: ModelRequest, report: FieldReport): void {
  if (completion === undefined) return;
  if (typeof completion.prompt !== 'string') report.rejectWith('prompt', 'must be text: tokens cannot be passed on');
  if (completion.echo === true && logprobs === true)
    report.rejectWith('echo', 'cannot be combined with logprobs: those of the prompt are not known');
}
