import { z } from 'zod';
import { optional } from '#lib/wire/optional';

/**
 * Requests of Ollama's management. Ollama gets them as they were sent; these schemas check that a
 * request names a model, and describe the fields. Further fields are passed on.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */

const nameSchema = z.string().min(1).max(512);

const named = {
  model: optional(nameSchema).describe('Also `name`, as in older clients.'),
  name: optional(nameSchema),
};

const hasName = ({ model, name }: { model?: string | undefined; name?: string | undefined }) =>
  model !== undefined || name !== undefined;
const needsName = { path: ['model'], error: 'is required: the name of a model' };

const transferSchema = z
  .looseObject({
    ...named,
    insecure: optional(z.boolean()),
    stream: optional(z.boolean()).describe('Default: true.'),
  })
  .refine(hasName, needsName);

export const ollamaCreateSchema = z
  .looseObject({
    ...named,
    from: optional(z.string()).describe('The model that the new one is made of.'),
    files: optional(z.record(z.string(), z.string())).describe('File names, with the digests of blobs.'),
    quantize: optional(z.string()),
    stream: optional(z.boolean()).describe('Default: true.'),
  })
  .refine(hasName, needsName);

export const ollamaCopySchema = z.looseObject({ source: nameSchema, destination: nameSchema });
export const ollamaDeleteSchema = z.looseObject(named).refine(hasName, needsName);
export const ollamaTransferSchema = transferSchema;

/** A line of a download, an upload or a new model. */
export const ollamaProgressSchema = z.looseObject({
  status: z.string().optional().describe('`success` in the last line.'),
  digest: z.string().optional(),
  total: z.number().optional().describe('Bytes.'),
  completed: z.number().optional(),
  error: z.string().optional(),
});

export const MANAGEMENT_SCHEMAS = {
  pull: transferSchema,
  push: transferSchema,
  create: ollamaCreateSchema,
  copy: ollamaCopySchema,
  delete: ollamaDeleteSchema,
} as const;

export type ManagementAction = keyof typeof MANAGEMENT_SCHEMAS;
