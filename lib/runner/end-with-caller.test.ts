import { describe, expect, it } from 'vitest';
import { revoke } from '#lib/http/open-work';
import { endWithCaller } from '#lib/runner/end-with-caller';
import type { Runner } from '#lib/runner/runner';

/** Runs and checks until its signal aborts. */
const endless: Pick<Runner, 'run' | 'validate'> = {
  run: (_request, { signal }) => untilAborted(signal),
  validate: (_request, { signal }) => untilAborted(signal),
};

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = () => reject(signal?.reason);
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end);
  });
}

const PROGRAM = { language: 'python', code: 'while True: pass' };

describe('endWithCaller', () => {
  it.each(['run', 'validate'] as const)('ends a %s when its caller is locked out, and no other', async (work) => {
    const runner = endWithCaller(endless);
    const left = new AbortController();
    const own = runner[work](PROGRAM, { caller: 'user:ann' });
    const endUser = runner[work](PROGRAM, { caller: 'key:front/alice' });
    const other = runner[work](PROGRAM, { caller: 'user:bob', signal: left.signal });
    revoke(['user:ann', 'key:front']);
    await expect(own).rejects.toMatchObject({ code: 'cancelled' });
    await expect(endUser).rejects.toMatchObject({ code: 'cancelled' });
    left.abort(new Error('the client has left'));
    await expect(other).rejects.toThrow('the client has left');
  });
});
