import { z } from 'zod';
import { errorBodySchema } from '#lib/wire/error';

/** The wire of POST /api/v1/code/run and GET /api/v1/health (SPEC §3). */

export const languageIdSchema = z.enum(['python', 'javascript', 'typescript', 'java', 'cpp', 'go', 'rust']);
export type LanguageId = z.infer<typeof languageIdSchema>;

export const sourceFileSchema = z.object({ name: z.string().min(1).max(200), content: z.string() });

export const codeRequestSchema = z.object({
  language: z.string().min(1).max(40),
  code: z.string().min(1, 'must not be empty: send the program to run'),
  stdin: z.string().optional(),
  args: z.array(z.string()).max(100).optional(),
  /** Seconds of wall time. */
  timeout: z.number().positive().optional(),
  files: z.array(sourceFileSchema).max(50).optional(),
});
export type CodeRequest = z.infer<typeof codeRequestSchema>;

/** The refusal of a language that is not known here: shaped like a run that never began. */
export const unsupportedLanguageSchema = errorBodySchema.extend({
  exit_code: z.literal(-1),
  languages: z.array(z.string()),
});

export const RUN_STATUSES = [
  'success',
  'runtime_error',
  'compile_error',
  'timeout',
  'memory_limit',
  'output_limit',
  'killed',
  'internal_error',
] as const;
export const runStatusSchema = z.enum(RUN_STATUSES);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const codeResultSchema = z.object({
  stdout: z.string(),
  stderr: z.string(),
  /** −1 where there is none, 128 + n where signal n ended it. */
  exit_code: z.number(),
  duration_ms: z.number(),
  /** Null where the program ended by itself, with 0 or not; otherwise a sentence. */
  error: z.string().nullable(),
  status: runStatusSchema,
  stage: z.enum(['compile', 'run']),
  truncated: z.boolean(),
  compile: z
    .object({ stdout: z.string(), stderr: z.string(), exit_code: z.number(), duration_ms: z.number() })
    .optional(),
  cpu_ms: z.number(),
  memory_kb: z.number(),
});
export type CodeResult = z.infer<typeof codeResultSchema>;

/** One event of a run with `Accept: text/event-stream`: `event: stdout|stderr` with text, then `event: result`, or `event: error`. */
export const codeChunkSchema = z.object({ text: z.string() });

export const runnerHealthSchema = z.object({
  status: z.literal('ok'),
  service: z.literal('chill-space-code-runner'),
  version: z.string(),
  languages: z.array(z.string()),
  /** The tier in force: bubblewrap, gvisor, none (bare, where the operator said so) or unavailable. */
  sandbox: z.string(),
  versions: z.record(z.string(), z.string()),
  /** What to do where the sandbox or a language is missing. */
  notices: z.array(z.string()).optional(),
});
export type RunnerHealth = z.infer<typeof runnerHealthSchema>;
