import type { Principal } from '#lib/http/principal';
import { requestLimits } from '#lib/http/request-limits';
import type { CodeResult } from '#lib/wire/code';

/**
 * Runs a program of a caller, and counts its CPU time. Throws `rate_limited` if the caller has too
 * many open requests or no time left today.
 */
export async function runWithinLimits(principal: Principal, run: () => Promise<CodeResult>): Promise<CodeResult> {
  const allowance = requestLimits()?.allowanceOf(principal);
  if (allowance === undefined) return await run();
  const leave = allowance.enter('code');
  try {
    const result = await run();
    allowance.spendCpu(result.cpu_ms);
    return result;
  } finally {
    leave();
  }
}
