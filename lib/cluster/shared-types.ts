import type { ChainableCommander } from 'ioredis';
import type { FinalEvent, Generation, GenerationState } from '#lib/chat/generation/generation';
import type { Lane } from '#lib/chat/scheduler/lane';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import type { WorkQueue } from '#lib/chat/seams';
import type { SharedChange } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection, ConnectionOptions } from '#lib/cluster/redis';
import type { Config } from '#lib/config/config';

/**
 * The types in which the parts of a shared queue meet: runs and their logs on the one side, the
 * line of waiting runs on the other.
 *
 * A run is a generation as Redis has it. Its id is `Generation.id`, and is the id of its job. The
 * lane of a run is the id of its model server (`ModelServer.id`), which all instances compute from
 * the same settings.
 */

/** What all parts get of the cluster that this instance is in. */
export interface ClusterLink {
  readonly instanceId: string;
  readonly keys: RedisKeys;
  /** Of the request path: a command fails after 500 ms, and at once while the guard is open. */
  readonly connection: CommandConnection;
  /** Of another connection, such as one that blocks. */
  readonly connectionOptions: ConnectionOptions;
  /** Ids of the instances with a heartbeat, as last seen, this one included. */
  instanceIds(): readonly string[];
  /** Whether another instance, as last seen, is there and does not stop. */
  othersServe(): boolean;
  /** Reports a change to the other instances; see `Cluster.share`. */
  share(change: SharedChange): void;
}

/** What the engine does with work: a generation in a lane of the local scheduler. */
export type LocalLane = Lane<Generation | RunnableTask>;

/** A run as it stands in Redis, in the hash `run:<run>`. Times are those of Redis. */
export interface RunRecord {
  readonly id: string;
  readonly state: GenerationState;
  readonly lane: string;
  /** `batchGroup` of the generation, for the name of the job. */
  readonly group: string;
  readonly caller: string;
  /** On arrival, after what a caller above its share loses. */
  readonly priority: number;
  readonly model: string;
  readonly createdAt: number;
  /** Of the turn that it was given; undefined until `Runs.addPlace`. */
  readonly turn: number | undefined;
  /** `sortKeyOf(turn, priority)`, the priority of its job; undefined until `Runs.addPlace`. */
  readonly sortKey: number | undefined;
  /** How often it was taken by a worker. */
  readonly attempt: number;
  /** The instance that works on it, or did so last; empty before the first one. */
  readonly owner: string;
  /** Whether it is to end: who cancelled it. Undefined if it goes on. */
  readonly cancelledBy: string | undefined;
}

/** A run to create. */
export interface NewRun {
  readonly generation: Generation;
  /** `ModelServer.id` of the lane that was chosen for it. */
  readonly lane: string;
}

/** What the line needs of runs. */
export interface Runs {
  /**
   * A generation was given to the line, which is called in the turn of its submission. Its events
   * are read from here on.
   */
  handleSubmitted(run: NewRun): void;
  /**
   * Adds the commands to `commands` that create a run with its first ticket: `req`, `run`,
   * `ticket`, `tickets`, `want`, `open`. The caller adds its own (the turn), and executes them.
   */
  addCreation(commands: ChainableCommander, run: NewRun): void;
  /** Adds the command that notes turn and sort key of a run. */
  addPlace(commands: ChainableCommander, run: string, place: { readonly turn: number; readonly sortKey: number }): void;
  /** Adds the command that notes that another lane has the run. */
  addLane(commands: ChainableCommander, run: string, lane: string): void;
  /** Whether a run is on its way into the line. */
  isEntering(run: string): boolean;
  /** The run is in Redis and its job in the line: what waits for that goes on. */
  handleAdmitted(generation: Generation): void;
  /**
   * It is not in the line. With `error` it is refused (`queue_full`): its keys are removed, and the
   * generation ends with the error. Without, Redis has failed, and the caller has started it on
   * the local scheduler; what may be in Redis of it is removed once that is possible.
   */
  handleNotAdmitted(generation: Generation, error?: FinalEvent & { readonly type: 'error' }): void;
  /** Redis is away: the generation was given to the local scheduler. */
  handleUnshared(run: NewRun): void;
  /** Undefined if there is no such run (any more). Rejects if Redis does. */
  read(run: string): Promise<RunRecord | undefined>;
  /**
   * Lets a run wait again whose instance is lost. Resolves with false if there is text of it, or no
   * request. Rejects if Redis does.
   */
  requeue(run: string): Promise<boolean>;
  /** Whether an instance or a detached request wants it still. Rejects if Redis does. */
  isWanted(run: string): Promise<boolean>;
  /** Which of these runs wait behind others, for a share that is used up. Rejects if Redis does. */
  stillBehind(runs: readonly string[]): Promise<ReadonlySet<string>>;
  /** Ids of unfinished runs that were not touched for `ms`, the oldest first. */
  untouched(ms: number, count: number): Promise<string[]>;
  /** Marks runs as looked after, for `untouched`. */
  touch(runs: readonly string[]): Promise<void>;
  /** Keeps the keys of unfinished runs for their whole time from now on. Rejects if Redis does. */
  renew(runs: readonly string[]): Promise<void>;
  /**
   * Ends a run that no instance works on: appends the event to its log behind an attempt of its
   * own, by which an owner that comes back is refused, and removes it from `open`. Does not remove
   * a job. Resolves with false if it has ended already. Rejects if Redis does.
   */
  end(run: string, event: FinalEvent): Promise<boolean>;
}

/** A job that a worker has taken. */
export interface TakenRun {
  readonly run: string;
  /** The lane of the worker. */
  readonly lane: string;
  /** How often the job was lost by a worker before: `stalledCounter` of BullMQ. */
  readonly stalled: number;
  /** Whether no worker has taken this job before. */
  readonly isFirst: boolean;
  /** Aborts when the job is another worker's, since the lock of this one has run out. */
  readonly signal: AbortSignal;
}

/**
 * What becomes of the job: it is removed, or it goes back to the line at its place, since this
 * instance stops (`job.moveToWait` and `WaitingError`).
 */
export type RunOutcome = 'ended' | 'again';

/** Works on a run that this instance has taken. Never rejects. */
export type RunProcessor = (taken: TakenRun) => Promise<RunOutcome>;

/**
 * The line of all instances. It is the `WorkQueue` of the engine: tasks, and generations of
 * servers that belong to one process, such as the embedded model's (`isShared`), go to the local
 * scheduler.
 */
export interface SharedLine extends WorkQueue {
  /** Whether generations of this lane are in the shared line. False for `embedded`. */
  isShared(lane: LocalLane): boolean;
  /** A generation of this priority may be submitted in a moment: reads what it needs by then. */
  readAhead(priority: number): void;
  /**
   * Removes the job of a waiting run. Resolves with false if a worker has it. The turn is given
   * back. Rejects if Redis does.
   */
  withdraw(run: string): Promise<boolean>;
  /**
   * Begins a waiting run in this process, since Redis is away: it leaves what this instance knows
   * of the shared line. Returns false if there is no room for it.
   */
  startHere(generation: Generation): boolean;
  /**
   * Workers take nothing until this is called with false: Redis was away for so long that instances
   * have begun waiting runs by themselves, and are to take these out of the line first.
   */
  hold(isHeld: boolean): void;
  /** Redis has lost a waiting run of this instance: it enters the line again, also a full one. */
  enterAgain(generation: Generation, lane: string): void;
  /** What workers have, and the first ones that wait. Rejects if Redis does. */
  work(): Promise<readonly LaneWork[]>;
  /**
   * Where a generation stands in the line of its lane, asked of Redis; zeros if it does not wait.
   * Rejects if Redis does.
   */
  standingOf(generation: Generation, lane: string): Promise<QueueStanding>;
  /**
   * The server begins to stop: its workers take nothing any more as long as another instance does.
   * Where all stop, each works on, so that what waits is not cut.
   */
  leave(): void;
  /** Workers take nothing any more; what they have goes on. */
  pause(): void;
  /** Waits until every job of the workers is ended or back in the line, at most `ms`. */
  stop(ms: number): Promise<void>;
}

/** Runs of a lane, by their ids. */
export interface LaneWork {
  readonly lane: string;
  readonly running: readonly string[];
  /** In their order. */
  readonly waiting: readonly string[];
}

/** What `SharedQueue` is made with. */
export interface SharedLineParts {
  readonly link: ClusterLink;
  readonly runs: Runs;
  readonly processor: RunProcessor;
  /** Has the lanes, starts what a worker has taken, and has what cannot be shared. */
  readonly local: WorkQueue & {
    /** The lane for work that arrives. */
    chooseLane(work: Generation | RunnableTask): LocalLane;
    /** The lanes of all model servers, for one worker each. */
    lanes(): readonly LocalLane[];
    /** Starts what may start by now in a lane whose bound was changed. */
    dispatch(lane: LocalLane): void;
  };
  readonly settings: Config;
}
