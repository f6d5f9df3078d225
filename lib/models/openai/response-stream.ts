import { AppError } from '#lib/errors';
import { isAborted } from '#lib/models/openai/finish-reason';
import { isResponse, type OpenAiEvent, readEvent, textEvent, textOfJson } from '#lib/models/openai/response-event';
import { parseJson } from '#lib/models/parse-json';
import type { Durations, ModelEventListener } from '#lib/models/provider';
import { BoundedText, LineReader } from '#lib/models/text-stream';
import { ToolCallAssembler } from '#lib/models/tool-call-assembler';
import { UsualLine } from '#lib/models/usual-line';
import type { TokenUsage } from '#lib/wire/chat';

/** The errors of the model server that sends the response, safe to show to callers. */
export interface ResponseErrors {
  /** The sentence in an error body. */
  errorText(body: unknown): string | undefined;
  /** The error for an error object in the stream. */
  streamedError(body: unknown): AppError;
}

/**
 * One response of OpenAI's chat completions while it arrives. A JSON body of a server that does not
 * stream is one event, whatever its content type. Drops values of an unknown form.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class OpenAiResponse {
  readonly #emit: ModelEventListener;
  readonly #errors: ResponseErrors;
  readonly #stops: unknown;
  readonly #lines = new LineReader();
  readonly #events = new SseReader();
  readonly #calls = new ToolCallAssembler();
  #reason: string | undefined;
  #stopSequence: string | undefined;
  #usage: TokenUsage = { prompt_tokens: 0, completion_tokens: 0 };
  #durations: Durations | undefined;
  #isDone = false;
  /** An error in the stream ends the response. */
  #error: AppError | undefined;

  /** `stops` are the stop sequences of the request. */
  constructor(emit: ModelEventListener, errors: ResponseErrors, stops?: unknown) {
    this.#emit = emit;
    this.#errors = errors;
    this.#stops = stops;
  }

  /** Returns true once the response is complete. Throws `upstream_failed` for invalid JSON. */
  readonly push = (bytes: Buffer): boolean => {
    const lines = this.#lines;
    const text = lines.decode(bytes);
    for (let at = this.#takeUsual(text, 0); ; at = this.#takeUsual(text, lines.next)) {
      const line = lines.lineAt(text, at);
      if (line === undefined) return this.#isDone;
      this.#take(this.#events.line(line));
    }
  };

  /** Fast path: takes the usual events that stand at `from`. Returns where others begin. */
  #takeUsual(text: string, from: number): number {
    if (this.#isDone || !this.#lines.isAtLineStart || !this.#events.isBetweenEvents) return from;
    const { usual } = this.#events;
    let at = from;
    while (text.startsWith(USUAL_EVENT_START, at)) {
      const piece = usual.textAt(text, at + USUAL_EVENT_START.length);
      if (piece === undefined || !text.startsWith(USUAL_EVENT_END, usual.end)) break;
      at = usual.end + USUAL_EVENT_END.length;
      if (piece !== '') this.#emit({ type: 'content', text: piece });
    }
    return at;
  }

  /**
   * The body has ended. Throws the error that the model server sent, or `upstream_truncated` for
   * an incomplete response.
   */
  end(): void {
    if (!this.#isDone) {
      for (const line of this.#lines.end()) this.#take(this.#events.line(line));
      for (const event of this.#events.end()) this.#take(event);
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#isDone) return;
    if (this.#reason === undefined) throw new AppError('upstream_truncated', 'The answer ended early.');
    this.#finish(this.#reason);
    if (this.#error !== undefined) throw this.#error;
  }

  #take(event: OpenAiEvent | undefined): void {
    if (event === undefined || this.#isDone) return;
    if (event.type === 'text') this.#emit({ type: 'content', text: event.text });
    // `[DONE]` without a reason is a regular end too.
    else if (event.type === 'done') this.#finish(this.#reason ?? 'stop');
    else if (event.type === 'error') {
      this.#isDone = true;
      this.#error = this.#errors.streamedError(event.body);
    } else if (event.type === 'invalid') {
      // Servers write an exception there. A broken proxy writes anything.
      const says = this.#errors.errorText({ error: event.data }) ?? '';
      throw new AppError('upstream_failed', `The model server sent an event that is not JSON: ${says}`);
    } else {
      if (event.logprobs !== undefined) this.#emit({ type: 'logprobs', logprobs: event.logprobs });
      for (const text of event.texts) this.#emit(text);
      for (const call of event.tool_calls) this.#calls.add(call);
      this.#reason = event.finish_reason ?? this.#reason;
      this.#stopSequence = event.stop_sequence ?? this.#stopSequence;
      if (event.usage !== undefined) this.#usage = { ...this.#usage, ...event.usage };
      this.#durations = event.durations ?? this.#durations;
    }
  }

  #finish(reason: string): void {
    this.#isDone = true;
    if (isAborted(reason)) {
      this.#error = new AppError('upstream_truncated', `The model server ended the answer early (${reason}).`);
      return;
    }
    const toolCalls = this.#calls.finish();
    if (toolCalls.length > 0) this.#emit({ type: 'tool_calls', tool_calls: toolCalls });
    const measured = this.#durations === undefined ? {} : { durations: this.#durations };
    // Gateways send reasons of other APIs in the same field.
    const isStop = Array.isArray(this.#stops) && this.#stops.includes(this.#stopSequence);
    const stop = isStop ? { stop_sequence: this.#stopSequence } : {};
    this.#emit({ type: 'done', done_reason: reason, usage: this.#usage, ...measured, ...stop });
  }
}

const USUAL_EVENT_START = 'data: ';
const USUAL_EVENT_END = '\n\n';

class SseReader {
  readonly #data = new BoundedText();
  /** A JSON body instead of a stream. */
  readonly #body = new BoundedText();
  readonly usual = new UsualLine(textOfJson);
  #name = '';
  #isFirst = true;

  /** Whether the next line is the first of an event. */
  get isBetweenEvents(): boolean {
    return this.#data.isEmpty && this.#name === '' && this.#body.isEmpty;
  }

  line(line: string): OpenAiEvent | undefined {
    if (!this.#body.isEmpty) {
      this.#body.add(line);
      return undefined;
    }
    if (line === '') return this.#dispatch();
    if (this.#isFirst && line.trim() === '') return undefined;
    if (this.#isFirst && /^\s*[{[]/.test(line)) this.#body.add(line);
    this.#isFirst = false;
    if (line.startsWith('data:')) this.#data.add(line.slice(5));
    else if (line.startsWith('event:')) this.#name = line.slice(6).trim();
    else if (line.startsWith('error:')) {
      // Older llama.cpp servers send errors in a field of this name.
      this.#name = 'error';
      this.#data.add(line.slice(6));
    }
    return undefined;
  }

  /** Ends the stream. The last event needs no blank line. */
  *end(): Generator<OpenAiEvent> {
    if (!this.#body.isEmpty) {
      const json = parseJson(this.#body.take('\n'));
      if (json === undefined)
        throw new AppError('upstream_failed', 'The model server sent a response that is not JSON.');
      const part = readEvent(json);
      if (part === undefined) return;
      yield part;
      if (part.type === 'part' && isResponse(json)) yield { type: 'done' };
      return;
    }
    const isError = this.#name === 'error';
    const data = this.#takeData();
    if (data === '[DONE]') yield { type: 'done' };
    const json = parseJson(data);
    const part = json === undefined ? undefined : readEvent(json, isError);
    if (part !== undefined) yield part;
  }

  #dispatch(): OpenAiEvent | undefined {
    const isError = this.#name === 'error';
    this.#name = '';
    if (this.#data.isEmpty) return undefined;
    const data = this.#takeData();
    if (data === '') return undefined;
    if (data === '[DONE]') return { type: 'done' };
    const usual = isError ? undefined : this.usual.textOf(data);
    if (usual !== undefined) return textEvent(usual);
    const json = parseJson(data);
    if (json !== undefined) {
      const event = readEvent(json, isError);
      if (event?.type === 'text') this.usual.learn(data, event.text);
      return event;
    }
    if (isError) return { type: 'error', body: { error: data } };
    return { type: 'invalid', data };
  }

  #takeData(): string {
    return this.#data.take('\n').trim();
  }
}
