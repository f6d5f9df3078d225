import {
  CACHE_HEADER,
  CHAT_ERROR_CODES,
  QUEUE_COMMENTS,
  REQUEST_POLICY_PARAMETERS,
} from '#lib/openapi/chat-operations';
import type { SchemaName } from '#lib/openapi/schemas';

/** Of a body whose fields carry notes. */
export const NOTED_FIELDS =
  'A field without a note is passed to every model server. Unknown fields are reported in `X-Ignored-Fields`.';

/** The texts and schemas of a response that is one body or a stream. */
interface GenerationResponse {
  readonly description: string;
  readonly body: SchemaName;
  readonly event: SchemaName;
  /** What the last line of the stream is. */
  readonly end: string;
}

/** What the operations share that generate a text with the queue, the cache and OpenAI's errors. */
export function openAiGeneration({ description, body, event, end }: GenerationResponse) {
  return {
    tag: 'OpenAI',
    method: 'post',
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    responses: {
      200: {
        description,
        content: {
          'application/json': { schema: body },
          'text/event-stream': {
            description: `\`data:\` lines; ${end}. ${QUEUE_COMMENTS}`,
            events: [{ schema: event }, { schema: 'OpenAiError' }],
          },
        },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'OpenAiError',
  } as const;
}
