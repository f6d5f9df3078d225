import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Scheduler } from '#lib/chat/scheduler/scheduler';

/**
 * What several instances share of the chat engine. Each is implemented in this process by the class
 * that its type names, without a cost per request. docs/decisions/0036-cluster.md says by what each
 * is replaced where instances share a queue.
 */

/** Single flight: one unfinished generation for each key. */
export type Flights = Pick<InFlight, 'findLeader' | 'registerLeader'>;

/** Requests that are unfinished, or whose result is kept. */
export type Requests = Pick<
  InFlight,
  | 'isFull'
  | 'find'
  | 'unfinished'
  | 'hasUnsavedWork'
  | 'chooseId'
  | 'add'
  | 'addBegun'
  | 'restoreResult'
  | 'cancel'
  | 'requestsOf'
  | 'settle'
  | 'handleReader'
  | 'handleRead'
>;

/** How generations come into a line, as the parts see it that submit and end them. */
export type GenerationQueue = Pick<
  Scheduler,
  'ensureCapacity' | 'admit' | 'raisePriority' | 'watchPosition' | 'handleDone' | 'queueStatus'
>;

/** What is said of all lines and slots together. */
export type QueueFigures = Pick<
  Scheduler['view'],
  | 'queueLength'
  | 'waitingBytes'
  | 'runningCount'
  | 'isRunning'
  | 'running'
  | 'waiting'
  | 'tokens'
  | 'releasedBatches'
  | 'averageMs'
  | 'isAverageMeasured'
  | 'slots'
  | 'areServersSeveral'
  | 'laneOf'
  | 'usesOf'
>;

/** The rest of a scheduler. */
export type WorkQueue = GenerationQueue & { readonly view: QueueFigures } & Pick<
    Scheduler,
    'closed' | 'throwIfClosed' | 'reserve' | 'close'
  >;
