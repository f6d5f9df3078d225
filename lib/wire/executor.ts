import { z } from 'zod';
import { codeRequestSchema } from '#lib/wire/code';

/**
 * Wire of /api/executors/{language}/… and /api/microservices/…. Some field names are camelCase for
 * older clients. See docs/contract.md#executors.
 */

export const EXECUTE_TIMEOUT_SECONDS = 30;

export const executeRequestSchema = z.object({
  code: codeRequestSchema.shape.code,
  input_data: z.string().default('').describe('Standard input. Also inputData.'),
  timeout: z.number().positive().default(EXECUTE_TIMEOUT_SECONDS).describe('Seconds of wall time.'),
});
/** Wire names that are also accepted in camelCase. */
export const EXECUTE_FIELDS = Object.keys(executeRequestSchema.shape);

export const executeStatusSchema = z.enum(['success', 'error', 'timeout', 'memory_limit', 'output_limit', 'killed']);
export type ExecuteStatus = z.infer<typeof executeStatusSchema>;

export const executeResultSchema = z.object({
  output: z.string(),
  error: z.string().describe('Errors of the program or its compiler; empty if it exited with 0.'),
  executionTime: z.number().describe('Seconds, including compilation.'),
  status: executeStatusSchema,
});
export type ExecuteResult = z.infer<typeof executeResultSchema>;

export const validateRequestSchema = executeRequestSchema
  .pick({ code: true })
  .extend({ files: codeRequestSchema.shape.files });
export const VALIDATE_FIELDS = Object.keys(validateRequestSchema.shape);

const diagnosticSchema = z.object({
  /** From 1. */
  line: z.number(),
  /** From 1, in UTF-16 units. */
  column: z.number(),
  message: z.string(),
});
export const validateResultSchema = z.object({
  isValid: z.boolean(),
  errors: z.array(diagnosticSchema),
  warnings: z.array(diagnosticSchema),
});
export type ValidateResult = z.infer<typeof validateResultSchema>;

export const executorHealthSchema = z.object({
  status: z.enum(['healthy', 'unavailable']),
  language: z.string(),
  version: z.string().nullable().describe('Null if it is not installed.'),
  sandbox: z.string(),
  notice: z.string().nullable().describe('What to do if it is unavailable.'),
});
export type ExecutorHealth = z.infer<typeof executorHealthSchema>;

export const executorInfoSchema = z.object({
  language: z.string(),
  name: z.string(),
  aliases: z.array(z.string()),
  version: z.string().nullable(),
  limits: z.object({
    timeout_seconds: z.number(),
    max_timeout_seconds: z.number(),
    max_code_bytes: z.number(),
    max_output_bytes: z.number(),
    memory_mb: z.number(),
    max_processes: z.number(),
    disk_mb: z.number(),
  }),
  features: z.array(z.string()),
  sample: z.string(),
});
export type ExecutorInfo = z.infer<typeof executorInfoSchema>;

export const microservicesHealthSchema = z.object({
  status: z.enum(['healthy', 'degraded']),
  services: z.array(executorHealthSchema.extend({ latency_ms: z.number() })),
});
export type MicroservicesHealth = z.infer<typeof microservicesHealthSchema>;
