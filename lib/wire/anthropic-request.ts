import { z } from 'zod';
import { ANTHROPIC_FIELDS } from '#lib/wire/anthropic-field-support';
import { imageSchema, REQUEST_POLICY_DESCRIPTIONS, REQUEST_POLICY_SHAPE, toolArgumentsSchema } from '#lib/wire/chat';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { jsonObjectSchema } from '#lib/wire/json-values';
import { optional, withDefault } from '#lib/wire/optional';
import { describeSupportOf } from '#lib/wire/request-field-support';

/**
 * Requests of Anthropic's Messages API. See docs/contract.md#anthropic.
 * `anthropic-field-support.ts` lists what each model server supports. Fields that are not declared
 * here have no effect, and are reported in the response header `X-Ignored-Fields`.
 */

/** A conversation with tools has two short messages for each call. */
const MAX_MESSAGES = 2_000;
/** Blocks of one message. */
const MAX_BLOCKS = 2_000;
/** A client with several MCP servers sends hundreds. */
const MAX_TOOLS = 512;
const MAX_STOPS = 1_000;
const MAX_NAME_CHARACTERS = 256;

/** Declared only to be refused by name. */
const refused = optional(z.unknown());

/** An object of a type that is refused by name. */
function otherThan(...known: readonly string[]) {
  return z
    .looseObject({
      type: z.string().refine((type) => !known.includes(type), {
        abort: true,
        error: 'must have what its type needs',
      }),
    })
    .transform(({ type }) => ({ type: 'refused' as const, name: type }));
}

const nameSchema = z.string().min(1).max(MAX_NAME_CHARACTERS);

const textBlockSchema = z.object({ type: z.literal('text'), text: z.string() });

const imageBlockSchema = z.object({
  type: z.literal('image'),
  source: z.union([
    z.object({ type: z.literal('base64'), media_type: optional(z.string()), data: imageSchema }),
    otherThan('base64'),
  ]),
});

const documentBlockSchema = z.object({
  type: z.literal('document'),
  source: z.union([
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('text'), media_type: optional(z.string()), data: z.string() }),
      z.object({
        type: z.literal('content'),
        content: z.union([
          z.string(),
          failFastArray(
            z.union([z.discriminatedUnion('type', [textBlockSchema, imageBlockSchema]), otherThan('text', 'image')]),
          ).max(MAX_BLOCKS),
        ]),
      }),
    ]),
    otherThan('text', 'content'),
  ]),
  title: optional(z.string()),
  context: optional(z.string()),
  citations: optional(z.object({ enabled: optional(z.boolean()) })),
});

const searchResultBlockSchema = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: failFastArray(textBlockSchema).max(MAX_BLOCKS),
  citations: optional(z.object({ enabled: optional(z.boolean()) })),
});

const toolResultBlockSchema = z.object({
  type: z.literal('tool_result'),
  tool_use_id: nameSchema,
  content: optional(
    z.union([
      z.string(),
      failFastArray(
        z.union([
          z.discriminatedUnion('type', [
            textBlockSchema,
            imageBlockSchema,
            documentBlockSchema,
            searchResultBlockSchema,
          ]),
          otherThan('text', 'image', 'document', 'search_result'),
        ]),
      ).max(MAX_BLOCKS),
    ]),
  ),
  is_error: optional(z.boolean()),
});

const toolUseBlockSchema = z.object({
  type: z.literal('tool_use'),
  id: nameSchema,
  name: nameSchema,
  input: z
    .union([toolArgumentsSchema, z.null()])
    .transform((written) => written ?? {})
    .default({}),
  caller: optional(z.union([z.object({ type: z.literal('direct') }), otherThan('direct')])),
});

/** Signatures are not checked: the text of the reasoning is what a model reads. */
const thinkingBlockSchema = z.object({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: optional(z.string()),
});

/** Encrypted for Anthropic's models. Its data has no effect. */
const redactedThinkingBlockSchema = z.object({ type: z.literal('redacted_thinking') });

const KNOWN_BLOCKS = [
  'text',
  'image',
  'document',
  'search_result',
  'tool_use',
  'tool_result',
  'thinking',
  'redacted_thinking',
] as const;

const blockSchema = z.union([
  z.discriminatedUnion('type', [
    textBlockSchema,
    toolUseBlockSchema,
    toolResultBlockSchema,
    imageBlockSchema,
    thinkingBlockSchema,
    documentBlockSchema,
    searchResultBlockSchema,
    redactedThinkingBlockSchema,
  ]),
  otherThan(...KNOWN_BLOCKS),
]);
export type AnthropicBlock = z.infer<typeof blockSchema>;

const MESSAGE_SHAPE = {
  role: z.enum(['user', 'assistant', 'system'], { error: 'must be user, assistant or system' }),
  content: z.union([z.string(), failFastArray(blockSchema).max(MAX_BLOCKS)]),
};

export const anthropicMessageSchema = z.object(
  describeFields(MESSAGE_SHAPE, {
    content:
      'Text, or blocks: text, image (base64), document (text), search_result, tool_use, tool_result, thinking. A block of another type is rejected by name. `cache_control` has no effect.',
  }),
);
export type AnthropicMessage = z.infer<typeof anthropicMessageSchema>;

const toolSchema = z.union([
  z.object({
    type: optional(z.literal('custom')),
    name: nameSchema,
    description: optional(z.string()),
    input_schema: jsonObjectSchema,
    strict: optional(z.boolean()),
  }),
  otherThan('custom'),
]);

const toolChoiceSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), disable_parallel_tool_use: optional(z.boolean()) }),
  z.object({ type: z.literal('any'), disable_parallel_tool_use: optional(z.boolean()) }),
  z.object({ type: z.literal('tool'), name: nameSchema, disable_parallel_tool_use: optional(z.boolean()) }),
  z.object({ type: z.literal('none') }),
]);

const thinkingSchema = z.union([
  z.object({ type: z.enum(['enabled', 'adaptive', 'disabled']) }),
  otherThan('enabled', 'adaptive', 'disabled'),
]);

const formatSchema = z.object({ type: z.literal('json_schema'), schema: jsonObjectSchema });

/** What a request and a count of its tokens share. */
const PROMPT_SHAPE = {
  model: optional(z.string().min(1).max(MAX_NAME_CHARACTERS)),
  messages: failFastArray(anthropicMessageSchema)
    .min(1, 'needs at least one message')
    .max(MAX_MESSAGES, `takes at most ${MAX_MESSAGES} messages`),
  system: optional(z.union([z.string(), failFastArray(textBlockSchema).max(MAX_BLOCKS)])),
  tools: optional(failFastArray(toolSchema).max(MAX_TOOLS)),
  tool_choice: optional(toolChoiceSchema),
  thinking: optional(thinkingSchema),
  output_config: optional(
    z.object({
      effort: optional(z.enum(['low', 'medium', 'high', 'xhigh', 'max'])),
      format: optional(formatSchema),
    }),
  ),
  output_format: optional(formatSchema),
  ...REQUEST_POLICY_SHAPE,
  mcp_servers: refused,
  container: refused,
  inference_geo: refused,
  compaction: refused,
  thread: refused,
};

const REQUEST_SHAPE = {
  ...PROMPT_SHAPE,
  max_tokens: optional(z.int().positive('must be above 0')),
  stream: withDefault(z.boolean(), false),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int().min(0)),
  stop_sequences: optional(z.array(z.string()).max(MAX_STOPS)),
};

const DESCRIPTIONS = describeSupportOf(ANTHROPIC_FIELDS.MessageCreateParamsBase, {
  model: 'A model of this server, or an alias. Default: OLLAMA_MODEL.',
  messages: 'If the last message is from the assistant, the model continues it.',
  system: 'Default: OLLAMA_SYSTEM_PROMPT.',
  stream: 'true: server-sent events, as Anthropic sends them.',
  ...REQUEST_POLICY_DESCRIPTIONS,
});

export const anthropicRequestSchema = z.object(describeFields(REQUEST_SHAPE, DESCRIPTIONS));
export type AnthropicRequest = z.infer<typeof anthropicRequestSchema>;

/** POST /v1/messages/count_tokens. */
export const anthropicCountSchema = z.object(describeFields(PROMPT_SHAPE, DESCRIPTIONS));
export type AnthropicPrompt = z.infer<typeof anthropicCountSchema>;
