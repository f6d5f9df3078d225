import type { Message, ToolCall } from '#lib/wire/chat';

/** A tool call of the latest assistant message, without a result so far. */
interface PendingToolCall {
  id: string;
  name: string;
}

/**
 * Maps messages to OpenAI's API. There every tool call has an id and every result names its call;
 * clients of Ollama may send neither. A missing id derives from the call's position, so it is
 * stable. A result without an id belongs to the first pending call of its tool, else to the first
 * pending call.
 */
export function openAiMessages(messages: readonly Message[]) {
  let open: PendingToolCall[] = [];
  let made = 0;
  return messages.map((message, at) => {
    const { role, content, tool_calls: calls, thinking, name } = message;
    if (role === 'tool') return toolMessage(message, open);
    if (calls === undefined || calls.length === 0) return plainMessage(message);
    const results = resultsAfter(messages, at);
    const sent = calls.map((call) => openAiToolCall(call, call.id ?? takeId(results, call) ?? callId(made++)));
    open = sent.map((call) => ({ id: call.id, name: call.function.name }));
    return { role, content, ...withName(name), ...withReasoning(thinking), tool_calls: sent };
  });
}

function toolMessage(message: Message, open: PendingToolCall[]) {
  const { content, tool_call_id: given, tool_name: name } = message;
  const named = given === undefined ? open.find((call) => call.name === name) : open.find(({ id }) => id === given);
  const call = named ?? (given === undefined ? open[0] : undefined);
  if (call !== undefined) open.splice(open.indexOf(call), 1);
  const id = given ?? call?.id;
  // Servers reject a result without a call.
  return id === undefined ? plainMessage({ ...message, role: 'user' }) : { role: 'tool', content, tool_call_id: id };
}

/** The tool results that follow the message at `at`. */
function resultsAfter(messages: readonly Message[], at: number): Message[] {
  const results: Message[] = [];
  for (let next = at + 1; messages[next]?.role === 'tool'; next++) results.push(...messages.slice(next, next + 1));
  return results;
}

/** Takes the id of the result for a call without an id. */
function takeId(results: Message[], call: ToolCall): string | undefined {
  const at = results.findIndex(
    (result) => result.tool_call_id !== undefined && result.tool_name === call.function.name,
  );
  return at === -1 ? undefined : results.splice(at, 1)[0]?.tool_call_id;
}

/** Nine letters and digits, the only form that Mistral accepts. */
function callId(place: number): string {
  return `call${String(place).padStart(5, '0')}`;
}

function openAiToolCall({ function: { name, arguments: given } }: ToolCall, id: string) {
  return {
    id,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  };
}

function plainMessage({ role, content, images, image_detail: detail, name, thinking }: Message) {
  if (images === undefined || images.length === 0)
    return { role, content, ...withName(name), ...withReasoning(thinking) };
  return {
    role,
    content: [
      { type: 'text', text: content },
      ...images.map((image) => ({
        type: 'image_url',
        image_url: {
          url: `data:${imageType(image)};base64,${image}`,
          ...(detail === undefined ? {} : { detail }),
        },
      })),
    ],
    ...withName(name),
  };
}

function withName(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name };
}

function withReasoning(thinking: string | undefined): { reasoning_content?: string } {
  return thinking === undefined ? {} : { reasoning_content: thinking };
}

/** Recognises the type by the first bytes. */
function imageType(base64: string): string {
  if (base64.startsWith('/9j/')) return 'image/jpeg';
  if (base64.startsWith('R0lGOD')) return 'image/gif';
  if (base64.startsWith('UklGR')) return 'image/webp';
  return 'image/png';
}
