import { AppError } from '#lib/errors';

/** Words of servers that know the path, and not the model, the file or the like. */
const NAMES_A_THING = /\b(model|deployment|adapter|lora|digest|blob|voice)\b/i;

/**
 * Whether an error response means that the server has no such endpoint: 501, 405, or a 404 that
 * names nothing that was asked for.
 */
export function isMissingEndpoint(status: number, sentence: string | undefined): boolean {
  return status === 501 || status === 405 || (status === 404 && !NAMES_A_THING.test(sentence ?? ''));
}

/** The error for a path that the chosen model server does not have. */
export function missingEndpoint(path: string, sentence?: string): AppError {
  const reason = sentence === undefined ? '' : ` It says: ${sentence}`;
  return new AppError('unsupported_by_model_server', `The model server does not offer ${path}.${reason}`);
}
