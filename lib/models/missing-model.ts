import { AppError } from '#lib/errors';
import type { RegisteredProvider } from '#lib/models/registered-providers';

/** What callers do about a model that is not there, who cannot install it. */
export const ASK_FOR_MODEL = 'Choose another one, or ask the operator of this server for it.';

/** The error of a model that no server has, with the command that gets it for operators. */
export function unknownModel(model: string, active: readonly RegisteredProvider[]): AppError {
  const command = active.map(({ definition }) => definition.pullCommand?.(model)).find((found) => found !== undefined);
  const missing = `Model ${model} is not available.`;
  const list = 'GET /api/models lists what is there.';
  return new AppError('model_not_found', `${missing} ${ASK_FOR_MODEL} ${list}`, {
    operatorMessage: command === undefined ? `${missing} ${list}` : `${missing} Get it with \`${command}\`; ${list}`,
  });
}
