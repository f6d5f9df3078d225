import { setTimeout as delay } from 'node:timers/promises';
import { ollama, type Script } from './faulty-model-server.ts';

/** The last message of a chat request. */
export function questionOf(body: unknown): string {
  return (body as { messages: { content: string }[] }).messages.at(-1)?.content ?? '';
}

function words(count: number, pauseMs: number): Script {
  return [
    ...Array.from({ length: count }, (_, index) => [
      { send: ollama.text(`${index + 1} `) },
      ...(pauseMs > 0 ? [{ wait: delay(pauseMs * (index + 1)) }] : []),
    ]).flat(),
    { send: ollama.done() },
  ];
}

/** What the model says to a question is in the question. */
export function scriptOf(body: unknown): Script {
  const question = questionOf(body);
  const [, count = '', pauseMs = '0'] = /count to (\d+)(?: each (\d+) ms)?/.exec(question) ?? [];
  if (count !== '') return words(Number(count), Number(pauseMs));
  if (question.startsWith('hang after')) return [{ send: ollama.text('one ') }, 'hang'];
  if (question.startsWith('hang')) return ['hang'];
  if (question.startsWith('slow'))
    return [{ wait: delay(500) }, { send: ollama.text('late') }, { send: ollama.done() }];
  return [{ send: ollama.text(`You said: ${question}`) }, { send: ollama.done() }];
}
