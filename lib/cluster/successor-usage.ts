import { setTimeout as delay } from 'node:timers/promises';
import type { FinalEvent, Generation } from '#lib/chat/generation/generation';
import type { GenerationLog } from '#lib/chat/generation/generation-log';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { requestUsage, spentTokens } from '#lib/chat/usage-of-request';
import { TAKEN_OVER } from '#lib/cluster/lost-runs';
import { isFinal } from '#lib/cluster/run-format';
import type { Allowance } from '#lib/http/request-limits';
import { SECOND_MS } from '#lib/units';

type Usage = ReturnType<typeof requestUsage>;

export interface SuccessorUsageOptions {
  /** The generation of a run on this instance; see `Mirrors.of`. */
  readonly generationOf: (run: string) => Promise<Generation | undefined>;
  readonly record: (usage: Usage) => void;
}

/** Who pays for a run that was submitted here, and what is known here of its price. */
export interface RunAccount {
  readonly run: string;
  /** The first one pays. */
  readonly requests: readonly PendingRequest[];
  readonly allowance: Allowance | undefined;
  /** Estimated. */
  readonly promptTokens: number;
}

/** Undefined for a run that another instance counts, or that no request of this one wants. */
export function accountOf(generation: Generation, requests: readonly PendingRequest[]): RunAccount | undefined {
  const own = requests.filter(({ isCopy }) => !isCopy);
  if (generation.isMirror || own.length === 0) return undefined;
  const request = generation.request ?? generation.packedRequest?.unpack();
  return {
    run: generation.id,
    requests: own,
    allowance: generation.allowance,
    promptTokens: spentTokens({ firstTokenAt: 0, request, tokens: 0 }).prompt_tokens,
  };
}

/**
 * Charges for runs that were submitted here and have begun again elsewhere, once each of them has
 * ended: for the other instance they are a mirror, for which it charges no one.
 */
export class SuccessorUsage {
  readonly #options: SuccessorUsageOptions;
  #isClosed = false;

  constructor(options: SuccessorUsageOptions) {
    this.#options = options;
  }

  /** Charges when the run has ended. Never rejects. */
  async charge(account: RunAccount): Promise<void> {
    while (!this.#isClosed) {
      try {
        const generation = await this.#options.generationOf(account.run);
        // Its result has expired, so that nothing is known of it.
        if (generation === undefined) return;
        const end = await endOf(generation.log);
        const error = end.type === 'error' ? end.error : undefined;
        // It has begun once more, or is not looked at here any more.
        if (error === TAKEN_OVER.error) continue;
        // This server stops, and not the run.
        if (error?.code === 'shutting_down') return;
        this.#charge(account, generation);
        return;
      } catch {
        // The guard has recorded the failure of Redis.
        await delay(SECOND_MS, undefined, { ref: false });
      }
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  #charge({ requests, allowance, promptTokens }: RunAccount, generation: Generation): void {
    const { response, tokens, firstTokenAt } = generation;
    const isUsed = response !== undefined || firstTokenAt !== undefined;
    const used = response?.usage ?? generation.spent ?? { prompt_tokens: 0, completion_tokens: 0 };
    // Not all model servers count, and none does that was interrupted.
    const usage = {
      prompt_tokens: used.prompt_tokens || (isUsed ? promptTokens : 0),
      completion_tokens: used.completion_tokens || tokens,
    };
    allowance?.spendTokens(usage.prompt_tokens + usage.completion_tokens);
    if (response === undefined) generation.spent = usage;
    for (const [index, request] of requests.entries())
      this.#options.record(requestUsage(inPlaceOf(request, generation), index === 0));
  }
}

/** The same request of another generation. */
function inPlaceOf(request: PendingRequest, generation: Generation): PendingRequest {
  const { id, caller, principal, createdAt, cacheStatus, ignoredFields, droppedFields, detached } = request;
  return new PendingRequest(generation, {
    ...{ id, caller, principal, createdAt, cacheStatus, ignoredFields, droppedFields, detached },
    conversation: undefined,
  });
}

/** The last event of a log. */
function endOf(log: GenerationLog): Promise<FinalEvent> {
  const last = () => {
    const event = log.eventAt(log.lastNumber);
    return log.ended && isFinal(event) ? event : undefined;
  };
  return new Promise((resolve) => {
    const end = last();
    if (end !== undefined) {
      resolve(end);
      return;
    }
    const stop = log.listen(() => {
      const ended = last();
      if (ended === undefined) return;
      stop();
      resolve(ended);
    });
  });
}
