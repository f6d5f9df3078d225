import { z } from 'zod';
import { LANGUAGE_INFOS, type LanguageId } from '#lib/languages/infos';
import { describeLanguages } from '#lib/languages/language-names';
import { errorBodySchema } from '#lib/wire/error';

/** Wire of POST /api/v1/code/run and GET /api/v1/health. See docs/contract.md#code-runs. */

export const languageIdSchema = z.enum(LANGUAGE_INFOS.map(({ id }) => id));
export type { LanguageId };

export const sourceFileSchema = z.object({ name: z.string().min(1).max(200), content: z.string() });

export const codeRequestSchema = z.object({
  language: z.string().min(1).max(40).describe(describeLanguages()),
  code: z
    .string()
    .min(1, 'must not be empty: send the program to run')
    .describe('At most CODE_MAX_BYTES (50,000), files included.'),
  stdin: z.string().optional(),
  args: z.array(z.string()).max(100).optional().describe('Command-line arguments.'),
  timeout: z
    .number()
    .positive()
    .optional()
    .describe('Seconds of wall time, at most CODE_MAX_TIMEOUT_SECONDS (60). Default: CODE_TIMEOUT_SECONDS (10).'),
  files: z.array(sourceFileSchema).max(50).optional().describe('Additional files.'),
});
export type CodeRequest = z.infer<typeof codeRequestSchema>;

/** Error body for an unknown language. It has the fields of a run that never started. */
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
  exit_code: z.number().describe('−1 if there is none, 128 + n after signal n.'),
  duration_ms: z.number(),
  error: z.string().nullable().describe('A sentence, or null if the program ended by itself with any exit code.'),
  status: runStatusSchema,
  stage: z.enum(['compile', 'run']).describe('The last stage that was reached.'),
  truncated: z.boolean().describe('Whether output was cut at CODE_MAX_OUTPUT_BYTES.'),
  compile: z
    .object({ stdout: z.string(), stderr: z.string(), exit_code: z.number(), duration_ms: z.number() })
    .optional()
    .describe('Output of the compiler, for compiled languages.'),
  cpu_ms: z.number(),
  memory_kb: z.number().describe('Peak memory of all its processes together.'),
});
export type CodeResult = z.infer<typeof codeResultSchema>;

/** Data of the `stdout` and `stderr` events of a run with `Accept: text/event-stream`. */
export const codeChunkSchema = z.object({ text: z.string() });

export const runnerHealthSchema = z.object({
  status: z.literal('ok'),
  service: z.literal('chill-space-code-runner'),
  version: z.string(),
  languages: z.array(z.string()),
  sandbox: z.string().describe('The sandbox in use: bubblewrap, gvisor, none or unavailable.'),
  versions: z.record(z.string(), z.string()).describe('Version of each language.'),
  notices: z.array(z.string()).optional().describe('What to do if the sandbox or a language is missing.'),
});
export type RunnerHealth = z.infer<typeof runnerHealthSchema>;
