import type { ModelOptions } from '#lib/wire/chat';

/** The options with which Ollama starts its runner: a change of one makes it reload the model. */
export const RUNNER_OPTIONS = ['num_ctx', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'use_mmap'] as const;

/** Those of `options` that are about the runner; undefined without any. */
export function runnerOptionsOf(options: ModelOptions | undefined): ModelOptions | undefined {
  if (options === undefined) return undefined;
  const own = RUNNER_OPTIONS.filter((name) => options[name] !== undefined).map(
    (name) => [name, options[name]] as const,
  );
  return own.length === 0 ? undefined : (Object.fromEntries(own) as ModelOptions);
}
