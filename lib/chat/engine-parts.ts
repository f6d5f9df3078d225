import type { CacheAccess } from '#lib/chat/cache/cache-access';
import type { ChatCounts } from '#lib/chat/chat-counts';
import type { Clock } from '#lib/chat/clock';
import type { Conversations } from '#lib/chat/conversations';
import type { SharedSubmissions } from '#lib/chat/generation/shared-submissions';
import type { SavedRequests } from '#lib/chat/persistence/saved-requests';
import type { Flights, Requests, SharedAdmission, WorkQueue } from '#lib/chat/seams';
import type { Config } from '#lib/config/config';
import type { ResolvedModel } from '#lib/models/model-route';
import type { ModelServers } from '#lib/models/servers';
import type { UsageRecorder } from '#lib/people/usage/usage-recorder';
import type { Metrics } from '#lib/telemetry/metrics';

export interface ModelResolver {
  /** The model servers in use; undefined if each provider is its own. */
  readonly servers?: ModelServers;
  /** Throws an `AppError` if there is no such model or no model server is reachable. */
  resolve(model: string | undefined): Promise<ResolvedModel>;
  /** Like `resolve`, at once. Undefined if that takes I/O, or if `resolve` is to throw. */
  resolveKnown?(model: string | undefined): ResolvedModel | undefined;
}

/** The state that all parts of the chat engine share. */
export interface EngineParts {
  readonly settings: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly usage: UsageRecorder;
  readonly directory: ModelResolver;
  readonly counts: ChatCounts;
  readonly cache: CacheAccess;
  readonly conversations: Conversations;
  /** Undefined if idempotency keys are those of this process alone. */
  readonly submissions?: SharedSubmissions | undefined;
  readonly inFlight: Flights & Requests;
  readonly scheduler: WorkQueue;
  /** Undefined if accepted requests live in this process alone. */
  readonly savedRequests: SavedRequests | undefined;
  /** Undefined if the queue is that of this process alone. */
  readonly shared?: SharedAdmission | undefined;
}
