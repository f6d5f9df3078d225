import { fromDataUrl, sameDetail } from '#lib/chat/formats/openai-request';
import { toModelCall } from '#lib/chat/formats/responses-tools';
import { AppError } from '#lib/errors';
import type { Message, ToolCall } from '#lib/wire/chat';
import { type ConversationItem, isKnownPart, type KnownPart, type ResponsesPart } from '#lib/wire/responses-request';

/** An item with the name of its place in the request, for errors. */
export interface PlacedItem {
  readonly item: ConversationItem;
  readonly field: string;
}

/**
 * The messages of a conversation: the items of one turn of the model (reasoning, text, calls) are
 * one message. System messages at the start are one too, since templates of models accept only
 * one.
 */
export function messagesOf(instructions: string | undefined, items: readonly PlacedItem[]): Message[] {
  const conversation = new Conversation();
  if (instructions !== undefined && instructions !== '') conversation.add({ role: 'system', content: instructions });
  for (const { item, field } of items) addItem(conversation, item, field);
  return conversation.finish();
}

class Conversation {
  readonly #messages: Message[] = [];
  /** The model's turn, while further items may belong to it. */
  #turn: { thinking?: string; content?: string; calls: ToolCall[] } | undefined;
  /** Names of called tools, by the id of the call. */
  readonly #toolNames = new Map<string, string>();
  /** Images of tool results: a tool's message has none. */
  #toolImages: Pick<Message, 'images' | 'image_detail'>[] = [];

  add(message: Message): void {
    this.#endTurn();
    this.#endResults();
    const first = this.#messages[0];
    const isLeading = this.#messages.length === 1 && first?.role === 'system' && message.role === 'system';
    if (isLeading) this.#messages[0] = { ...first, content: `${first.content}\n\n${message.content}` };
    else this.#messages.push(message);
  }

  addThinking(thinking: string): void {
    this.#endResults();
    if (this.#turn?.content !== undefined || (this.#turn?.calls.length ?? 0) > 0) this.#endTurn();
    const before = this.#turn?.thinking;
    this.#turn = { thinking: before === undefined ? thinking : `${before}\n${thinking}`, calls: [] };
  }

  addText(content: string): void {
    this.#endResults();
    if (this.#turn?.content !== undefined || (this.#turn?.calls.length ?? 0) > 0) this.#endTurn();
    this.#turn = { ...this.#turn, content, calls: [] };
  }

  addCall(call: ToolCall): void {
    this.#endResults();
    this.#turn ??= { calls: [] };
    this.#turn.calls.push(call);
    if (call.id !== undefined) this.#toolNames.set(call.id, call.function.name);
  }

  addResult(id: string | undefined, name: string | undefined, { images, image_detail, content }: MessageContent): void {
    this.#endTurn();
    const toolName = (id === undefined ? undefined : this.#toolNames.get(id)) ?? name;
    this.#messages.push({
      role: 'tool',
      content,
      ...(id === undefined ? {} : { tool_call_id: id }),
      ...(toolName === undefined ? {} : { tool_name: toolName }),
    });
    if (images !== undefined)
      this.#toolImages.push({ images, ...(image_detail === undefined ? {} : { image_detail }) });
  }

  finish(): Message[] {
    this.#endTurn();
    this.#endResults();
    return this.#messages;
  }

  #endTurn(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const { thinking, content, calls } = turn;
    this.#messages.push({
      role: 'assistant',
      content: content ?? '',
      ...(thinking === undefined ? {} : { thinking }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    });
  }

  /** A message between two results of one turn would separate them from their calls. */
  #endResults(): void {
    const images = this.#toolImages;
    if (images.length === 0) return;
    this.#toolImages = [];
    for (const shown of images) this.#messages.push({ role: 'user', content: TOOL_IMAGES, ...shown });
  }
}

const TOOL_IMAGES = 'Images that the tool returned:';

function addItem(conversation: Conversation, item: ConversationItem, field: string): void {
  switch (item.type) {
    case 'message': {
      const content = contentOf(item.content, `${field}.content`);
      if (item.role === 'assistant' && content.images === undefined) conversation.addText(content.content);
      else conversation.add({ role: item.role === 'developer' ? 'system' : item.role, ...content });
      return;
    }
    case 'reasoning': {
      const text = (item.content ?? []).map((part) => part.text).join('\n');
      const summary = (item.summary ?? []).map((part) => part.text).join('\n');
      if (text !== '' || summary !== '') conversation.addThinking(text === '' ? summary : text);
      return;
    }
    case 'function_call':
      conversation.addCall(toModelCall(item.call_id, item.name, item.namespace, { arguments: item.arguments }));
      return;
    case 'custom_tool_call':
      conversation.addCall(toModelCall(item.call_id, item.name, item.namespace, { input: item.input }));
      return;
    case 'function_call_output':
      conversation.addResult(item.call_id, item.name, contentOf(item.output, `${field}.output`));
      return;
    case 'custom_tool_call_output':
      conversation.addResult(item.call_id, undefined, contentOf(item.output, `${field}.output`));
  }
}

type MessageContent = Pick<Message, 'content' | 'images' | 'image_detail'>;

function contentOf(content: string | readonly ResponsesPart[], field: string): MessageContent {
  if (typeof content === 'string') return { content };
  const parts = content.filter(isKnownPart);
  const images = parts.flatMap((part) =>
    part.type === 'input_image' && part.image_url !== undefined
      ? [{ data: fromDataUrl(part.image_url, field), detail: part.detail === 'auto' ? undefined : part.detail }]
      : [],
  );
  const detail = sameDetail(images, `${field}.detail`);
  return {
    content: parts.flatMap((part) => textOf(part, field)).join('\n'),
    ...(images.length === 0 ? {} : { images: images.map(({ data }) => data) }),
    ...(detail === undefined ? {} : { image_detail: detail }),
  };
}

function textOf(part: KnownPart, field: string): string[] {
  switch (part.type) {
    case 'input_image':
      return [];
    case 'refusal':
      return [part.refusal];
    case 'input_file':
      return [fileText(part.file_data ?? '', part.filename, `${field}.file_data`)];
    default:
      return [part.text];
  }
}

const DATA_URL = /^data:([^,;]*)(?:;[^,]*)?,/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a file in base64. Throws `unsupported_value` for anything but text. */
function fileText(data: string, name: string | undefined, field: string): string {
  const refuse = (message: string) =>
    new AppError('unsupported_value', `The file ${message}.`, { details: [{ field, message }] });
  const base64 = data.slice(DATA_URL.exec(data)?.[0].length ?? 0).replace(/\s+/g, '');
  if (base64 === '') throw refuse('is empty');
  if (!BASE64.test(base64)) throw refuse('must be base64, or a data URL with it');
  let text: string;
  try {
    text = utf8.decode(Buffer.from(base64, 'base64'));
  } catch {
    throw refuse(NO_TEXT);
  }
  if (text.startsWith('%PDF-') || text.includes('\0')) throw refuse(NO_TEXT);
  return name === undefined ? text : `File ${name}:\n${text}`;
}

const NO_TEXT = 'must be a text file: models read the text of other files only after it was taken out of them';
