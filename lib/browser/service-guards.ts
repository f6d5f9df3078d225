import { hasShape } from '#lib/browser/type-guards';
import type { RunnerHealth } from '#lib/wire/code';
import type { ErrorBody } from '#lib/wire/error';
import type { Models } from '#lib/wire/models';

/** Guards of responses that the first view of every page reads. */

export const isErrorBody = hasShape<ErrorBody>({ error: 'string', code: 'string' });

export const isModels = hasShape<Models>({ models: 'array', default_model: 'string', providers: 'array' });

export const isRunnerHealth = hasShape<RunnerHealth>({
  status: 'string',
  service: 'string',
  version: 'string',
  languages: 'array',
  sandbox: 'string',
  versions: 'object',
});
