import { z } from 'zod';

/**
 * Azure's verdicts on a choice, by category, each an object or a list of them: true if one says
 * that the text is blocked. With its asynchronous filter, that can follow the finish reason, in a
 * choice without one.
 * https://learn.microsoft.com/azure/foundry/openai/concepts/content-streaming
 */
export const isFilteredSchema = z
  .record(z.string(), z.unknown())
  .transform((verdicts) => Object.values(verdicts).flat().some(isBlocking))
  .optional()
  .catch(undefined);

function isBlocking(verdict: unknown): boolean {
  return typeof verdict === 'object' && verdict !== null && 'filtered' in verdict && verdict.filtered === true;
}
