import type { Clock } from '#lib/chat/clock';
import type { Lanes } from '#lib/chat/scheduler/lanes';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { Config } from '#lib/config/config';
import type { ModelServers } from '#lib/models/servers';

/** What the parts of a scheduler share. */
export interface SchedulerParts<T extends QueuedWork> {
  readonly settings: Config;
  readonly clock: Clock;
  /** Of the directory. Undefined if it has none: each provider is a server then. */
  readonly servers: ModelServers | undefined;
  readonly lanes: Lanes<T>;
}
