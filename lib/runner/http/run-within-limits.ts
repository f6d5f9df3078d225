import type { Config } from '#lib/config/config';
import type { Principal } from '#lib/http/principal';
import { requestLimits } from '#lib/http/request-limits';
import { findLanguage } from '#lib/languages/index';
import { maxRunMs } from '#lib/runner/remote/remote-executor';
import type { CodeRequest, CodeResult } from '#lib/wire/code';

/**
 * Runs a program of a caller, and counts its CPU time. Throws `rate_limited` if the caller has too
 * many open requests or no time left today.
 *
 * `run` calls its argument when the program is admitted. A run that fails afterwards has no CPU
 * time to count, as one on a remote executor that its client leaves: its duration counts, up to
 * what the program may take.
 */
export async function runWithinLimits(
  principal: Principal,
  { language, timeout }: Pick<CodeRequest, 'language' | 'timeout'>,
  settings: Config,
  run: (onStart: () => void) => Promise<CodeResult>,
): Promise<CodeResult> {
  const allowance = requestLimits()?.allowanceOf(principal);
  if (allowance === undefined) return await run(() => {});
  const leave = allowance.enter('code');
  let startedMs: number | undefined;
  try {
    const result = await run(() => {
      startedMs ??= performance.now();
    });
    allowance.spendCpu(result.cpu_ms);
    return result;
  } catch (error) {
    const known = findLanguage(language);
    if (startedMs !== undefined && known !== undefined) {
      const mostMs = maxRunMs(known, timeout ?? settings.CODE_TIMEOUT_SECONDS, settings);
      allowance.spendCpu(Math.min(performance.now() - startedMs, mostMs));
    }
    throw error;
  } finally {
    leave();
  }
}
