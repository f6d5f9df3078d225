import { withCallerSignal } from '#lib/http/open-work';
import type { Runner } from '#lib/runner/runner';

/** Decorates a runner: ends what a caller runs or checks when that caller is locked out. */
export function endWithCaller<R extends Pick<Runner, 'run' | 'validate'>>(runner: R): R {
  return {
    ...runner,
    run: (request, options) =>
      withCallerSignal(options.caller, options.signal, (signal) => runner.run(request, { ...options, signal })),
    validate: (request, options) =>
      withCallerSignal(options.caller, options.signal, (signal) => runner.validate(request, { ...options, signal })),
  };
}
