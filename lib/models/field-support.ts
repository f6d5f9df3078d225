import { AppError } from '#lib/errors';
import type { ModelRequest } from '#lib/models/provider';
import type { ErrorDetail } from '#lib/wire/error';
import {
  type FieldSupportByServer,
  type ModelServerKind,
  PASSTHROUGH_SUPPORT,
  supportsOption,
} from '#lib/wire/request-field-support';

/**
 * `ModelProvider.review` for a kind of model server, by the table of `request-fields.ts`: the wire
 * names of the fields of `request` that have no effect there. Throws `unsupported_parameter` with
 * all those that would change the answer and cannot be expressed there. Does no I/O.
 */
export function checkFieldSupport(server: ModelServerKind, request: ModelRequest): readonly string[] {
  const ignored = new Set<string>();
  const refused: ErrorDetail[] = [];
  const refuse = (field: string, message = UNSUPPORTED_SENTENCES[server]) => refused.push({ field, message });

  for (const name of Object.keys(request.options)) if (!supportsOption(server, name)) ignored.add(`options.${name}`);
  for (const [name, value] of Object.entries(request.passthrough ?? {})) {
    const use = usesOf(name)?.[server] ?? 'refused';
    if (name === 'reasoning_effort' && value === 'none') continue;
    if (use === 'no effect') ignored.add(name);
    else if (use === 'refused' && !(name === 'chat_template_kwargs' && isThinkingToggle(value))) refuse(name);
  }
  if (server !== 'openai') checkNonOpenAiFields(server, request, ignored, refuse);
  else {
    if (request.keepAlive !== undefined) ignored.add('keep_alive');
    const said = request.passthrough?.reasoning_effort ?? request.passthrough?.chat_template_kwargs;
    if (typeof request.think === 'boolean' && said === undefined) ignored.add('think');
  }
  if (refused.length > 0) throw AppError.unsupportedParameters(refused);
  return [...ignored];
}

const UNSUPPORTED_SENTENCES: Record<ModelServerKind, string> = {
  openai: 'this model server does not know it',
  ollama: 'Ollama has no such setting',
  embedded: 'the built-in model has no such setting',
};

function checkNonOpenAiFields(
  server: 'ollama' | 'embedded',
  request: ModelRequest,
  ignored: Set<string>,
  refuse: (field: string, message?: string) => void,
): void {
  const { tools, toolChoice, think, passthrough } = request;
  const hasTools = tools !== undefined && tools.length > 0;
  if (toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none')
    refuse('tool_choice', `${UNSUPPORTED_SENTENCES[server]}: only auto and none can be asked for`);
  if (request.parallelToolCalls === false) {
    if (hasTools) refuse('parallel_tool_calls', `${UNSUPPORTED_SENTENCES[server]}: false cannot be asked for`);
    else ignored.add('parallel_tool_calls');
  }
  if (tools?.some((tool) => tool.function.strict !== undefined)) ignored.add('tools.function.strict');
  for (const { name, image_detail: detail } of request.messages) {
    if (name !== undefined) ignored.add('messages.name');
    if (detail !== undefined) ignored.add('messages.image_detail');
  }
  if (request.formatDetails?.description !== undefined) ignored.add('format_details.description');
  if (server === 'ollama') return;
  if (hasTools) refuse('tools', 'the built-in model does not support tools');
  if (request.messages.some(({ images }) => images !== undefined && images.length > 0))
    refuse('messages.images', 'the built-in model does not see images');
  if (request.logprobs === true) refuse('logprobs');
  if (request.keepAlive !== undefined) ignored.add('keep_alive');
  if (typeof think === 'string' && passthrough?.reasoning_effort === undefined) ignored.add('think');
  for (const { thinking, tool_name: tool, tool_call_id: id, tool_calls: calls } of request.messages) {
    if (thinking !== undefined) ignored.add('messages.thinking');
    if (tool !== undefined && id === undefined) ignored.add('messages.tool_name');
    if (id !== undefined) ignored.add('messages.tool_call_id');
    if (calls !== undefined && calls.length > 0) ignored.add('messages.tool_calls');
  }
}

function usesOf(name: string): FieldSupportByServer | undefined {
  const uses: Readonly<Record<string, FieldSupportByServer>> = PASSTHROUGH_SUPPORT;
  return Object.hasOwn(uses, name) ? uses[name] : undefined;
}

/**
 * Template arguments that say only whether to reason, which every kind of server is asked in its
 * own way.
 */
function isThinkingToggle(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  return entries.every(([name, on]) => (name === 'enable_thinking' || name === 'thinking') && typeof on === 'boolean');
}
