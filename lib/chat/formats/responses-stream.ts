import { QueueComments } from '#lib/chat/formats/queue-comment';
import {
  callItem,
  finalState,
  isWhole,
  itemId,
  messageItem,
  type ResponsesState,
  reasoningItem,
  responseJson,
  textPart,
  toLogprob,
  unfinishedState,
} from '#lib/chat/formats/responses';
import type { ResponsesToolNames } from '#lib/chat/formats/responses-tools';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenLogprob, ToolCall } from '#lib/wire/chat';
import type { ResponsesEvent, ResponsesOutputItem, UnnumberedEvent } from '#lib/wire/responses-response';

export interface ResponsesStreamOptions {
  /** The JSON of the object that a response repeats of its request. */
  readonly parameters: () => string;
  readonly names: ResponsesToolNames;
  /** Whether the stream says that the request waited: a replay has the numbers of the original. */
  readonly hasWaited?: () => boolean;
  /** Called when the stream says so. */
  readonly onWaiting?: (() => void) | undefined;
  /** Begins at once, so that a failure is an event also before the first token. */
  readonly isEager?: boolean;
  /** Events up to this number are left out. */
  readonly startingAfter?: number;
}

/**
 * The stream of a response. While a request waits, comments say its place in the queue.
 * https://platform.openai.com/docs/api-reference/responses-streaming
 */
export function responsesStreamEncoder(request: RequestView, options: ResponsesStreamOptions): StreamEncoder {
  const { isEager = false, startingAfter } = options;
  const encoder = new ResponsesEncoder(request, options);
  const preamble = isEager ? ': responses\n\n' : '';
  return {
    preamble,
    get heartbeat() {
      return encoder.comments.heartbeat;
    },
    encode: (event) => {
      const text = encoder.encode(event);
      return startingAfter === undefined ? text : eventsAfter(text, startingAfter);
    },
  };
}

/**
 * The number of the last event before the output. These events are the same in each life of a
 * request, which another server or a restart may begin again as long as it has no output.
 */
export function lastLeadingNumber(hasWaited: boolean): number {
  return hasWaited ? 2 : 1;
}

const NUMBER = /"sequence_number":(\d+)/;

/** The events of `text` with a number above `number`. */
function eventsAfter(text: string, number: number): string {
  return text
    .split(/(?<=\n\n)/)
    .filter((event) => Number(NUMBER.exec(event)?.[1]) > number)
    .join('');
}

/** A text of the model that is still being written: the one part of a message or of reasoning. */
interface OpenText {
  readonly type: 'content' | 'thinking';
  readonly id: string;
  readonly index: number;
  text: string;
  readonly logprobs: TokenLogprob[];
  /** A delta up to its number. The text follows as its last member. */
  readonly frame: string;
}

class ResponsesEncoder {
  readonly comments = new QueueComments();
  readonly #request: RequestView;
  readonly #options: ResponsesStreamOptions;
  #number = 0;
  #isCreated = false;
  #isInProgress = false;
  readonly #output: ResponsesOutputItem[] = [];
  #open: OpenText | undefined;
  #logprobs: TokenLogprob[] | undefined;
  #calls = 0;

  constructor(request: RequestView, options: ResponsesStreamOptions) {
    this.#request = request;
    this.#options = options;
  }

  encode(event: GenerationEvent): string {
    switch (event.type) {
      case 'status':
        if (event.status === 'queued') return this.#waitAgain() + this.comments.next(event);
        if (event.connection_lost === true) return this.comments.next(event);
        this.comments.next(event);
        return this.#isCreated || this.#options.isEager === true ? this.#begin() : '';
      case 'content':
      case 'thinking':
        return this.#text(event.type, event.text);
      case 'tool_calls':
        return this.#begin() + this.#close(true) + event.tool_calls.map((call) => this.#call(call)).join('');
      case 'logprobs':
        // Sent with their text.
        this.#logprobs = this.#logprobs === undefined ? event.logprobs : [...this.#logprobs, ...event.logprobs];
        return '';
      case 'error':
      case 'done':
        return this.#end(event);
    }
  }

  /**
   * A continued stream has the numbers of the first one: it says that the request waits only if
   * that did, also where the request waits again because its server was lost.
   */
  #waitAgain(): string {
    const { startingAfter, hasWaited } = this.#options;
    return startingAfter !== undefined && hasWaited?.() === false ? '' : this.#wait();
  }

  /** The request waits. Said once: comments have its place in the queue. */
  #wait(): string {
    if (this.#isCreated) return '';
    this.#options.onWaiting?.();
    return this.#create('queued') + this.#lifeCycle('response.queued', unfinishedState('queued'));
  }

  #create(status: 'queued' | 'in_progress'): string {
    this.#isCreated = true;
    return this.#lifeCycle('response.created', unfinishedState(status));
  }

  #begin(): string {
    if (this.#isInProgress) return '';
    this.#isInProgress = true;
    let text = '';
    if (!this.#isCreated) text = this.#options.hasWaited?.() === true ? this.#wait() : this.#create('in_progress');
    return text + this.#lifeCycle('response.in_progress', unfinishedState('in_progress'));
  }

  #text(type: 'content' | 'thinking', delta: string): string {
    const before = this.#open?.type === type ? '' : this.#begin() + this.#close(true) + this.#openText(type);
    const open = this.#open;
    if (open === undefined) return before;
    open.text += delta;
    const logprobs = type === 'content' ? this.#logprobs : undefined;
    if (logprobs === undefined) return `${before}${open.frame}${this.#number++},"delta":${JSON.stringify(delta)}}\n\n`;
    this.#logprobs = undefined;
    for (const logprob of logprobs) open.logprobs.push(logprob);
    return (
      before +
      this.#event({
        type: 'response.output_text.delta',
        item_id: open.id,
        output_index: open.index,
        content_index: 0,
        delta,
        logprobs: logprobs.map(toLogprob),
      })
    );
  }

  #openText(type: OpenText['type']): string {
    const index = this.#output.length;
    const isContent = type === 'content';
    const id = itemId(isContent ? 'msg' : 'rs', this.#request.id, index);
    this.#open = { type, id, index, text: '', logprobs: [], frame: textFrame(type, id, index) };
    const item = isContent
      ? messageItem(this.#request, index, [], 'in_progress')
      : reasoningItem(this.#request, index, undefined, 'in_progress');
    const part = isContent ? textPart('', []) : { type: 'reasoning_text' as const, text: '' };
    return (
      this.#event({ type: 'response.output_item.added', output_index: index, item }) +
      this.#event({
        type: 'response.content_part.added',
        item_id: id,
        output_index: index,
        content_index: 0,
        part,
      })
    );
  }

  /** Ends the text that is being written, if any. */
  #close(isWhole: boolean): string {
    const open = this.#open;
    if (open === undefined) return '';
    const { type, id, index, text } = open;
    const place = { item_id: id, output_index: index, content_index: 0 };
    const status = isWhole ? 'completed' : 'incomplete';
    let ended: string;
    if (type === 'content') {
      for (const logprob of this.#logprobs ?? []) open.logprobs.push(logprob);
      this.#logprobs = undefined;
      const part = textPart(text, open.logprobs);
      this.#output.push(messageItem(this.#request, index, [part], status));
      ended =
        this.#event({ type: 'response.output_text.done', ...place, text, logprobs: part.logprobs }) +
        this.#event({ type: 'response.content_part.done', ...place, part });
    } else {
      this.#output.push(reasoningItem(this.#request, index, text, status));
      ended =
        this.#event({ type: 'response.reasoning_text.done', ...place, text }) +
        this.#event({ type: 'response.content_part.done', ...place, part: { type: 'reasoning_text', text } });
    }
    this.#open = undefined;
    return ended + this.#itemDone(index);
  }

  /** Model servers' calls arrive whole, so one delta has all of the arguments. */
  #call(call: ToolCall): string {
    const index = this.#output.length;
    const at = this.#calls++;
    const { names } = this.#options;
    const item = callItem(this.#request, index, call, at, names, 'completed');
    this.#output.push(item);
    const place = { item_id: item.id, output_index: index };
    const added = this.#event({
      type: 'response.output_item.added',
      output_index: index,
      item: callItem(this.#request, index, call, at, names, 'in_progress'),
    });
    let written = '';
    if (item.type === 'function_call')
      written =
        this.#event({ type: 'response.function_call_arguments.delta', ...place, delta: item.arguments }) +
        this.#event({
          type: 'response.function_call_arguments.done',
          ...place,
          name: item.name,
          arguments: item.arguments,
        });
    else if (item.type === 'custom_tool_call')
      written =
        this.#event({ type: 'response.custom_tool_call_input.delta', ...place, delta: item.input }) +
        this.#event({ type: 'response.custom_tool_call_input.done', ...place, input: item.input });
    return added + written + this.#itemDone(index);
  }

  #itemDone(index: number): string {
    const item = this.#output[index];
    return item === undefined ? '' : this.#event({ type: 'response.output_item.done', output_index: index, item });
  }

  #end(last: Extract<GenerationEvent, { type: 'done' | 'error' }>): string {
    const begun = this.#begin();
    const closed = this.#close(isWhole(last));
    const state = finalState(this.#request, this.#output, last);
    const type =
      state.status === 'completed' || state.status === 'incomplete'
        ? (`response.${state.status}` as const)
        : 'response.failed';
    return begun + closed + this.#lifeCycle(type, state);
  }

  #lifeCycle(type: Extract<ResponsesEvent, { response: object }>['type'], state: ResponsesState): string {
    const response = responseJson(this.#request, this.#options.parameters(), state);
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#number++},"response":${response}}\n\n`;
  }

  #event(event: UnnumberedEvent): string {
    const { type } = event;
    const data = JSON.stringify(event);
    return `event: ${type}\ndata: ${data.slice(0, -1)},"sequence_number":${this.#number++}}\n\n`;
  }
}

function textFrame(type: OpenText['type'], id: string, index: number): string {
  const name = type === 'content' ? 'response.output_text.delta' : 'response.reasoning_text.delta';
  const logprobs = type === 'content' ? '"logprobs":[],' : '';
  return `event: ${name}\ndata: {"type":"${name}","item_id":"${id}","output_index":${index},"content_index":0,${logprobs}"sequence_number":`;
}
