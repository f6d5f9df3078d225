import type { AssistantMessage, ResponseFailure } from './conversation.ts';
import { STREAM_EXPIRED } from './follow-response.ts';

/** The one step that helps after a failure. */
export type FailureAction = 'choose-model' | 'continue' | 'regenerate' | 'try-again' | 'none';

const OTHER_MODEL = new Set([
  'model_not_found',
  'model_load_failed',
  'unsupported_value',
  'unsupported_parameter',
  // Another model may read more.
  'context_length_exceeded',
]);
/** The same request fails again: the question or the server has to change. */
const HOPELESS = new Set([
  'body_too_large',
  'invalid_request',
  'invalid_json',
  'unsupported_media_type',
  'not_configured',
  'forbidden',
  'origin_not_allowed',
  'host_not_allowed',
]);

export function failureAction(
  { content }: Pick<AssistantMessage, 'content'>,
  { code, data }: ResponseFailure,
  isSignedOut: boolean,
): FailureAction {
  // The frame of the page has the button that signs in.
  if (code === 'unauthorized' && isSignedOut) return 'none';
  if (HOPELESS.has(code)) return 'none';
  if (OTHER_MODEL.has(code)) return 'choose-model';
  // Another model may be on another server, which responds.
  if (code === 'provider_unavailable' && content === '' && data?.model_server !== undefined) return 'choose-model';
  if (code === STREAM_EXPIRED) return 'regenerate';
  return content === '' ? 'try-again' : 'continue';
}
