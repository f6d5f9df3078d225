/** Tasks that run before other connections are served. */
const MAX_TASKS_PER_TURN = 256;

let waiting: (() => void)[] = [];
let isScheduled = false;

/**
 * Calls `task` at the end of this turn of the event loop, after all input that has arrived was
 * read: what comes in one turn is written at once. Tasks above MAX_TASKS_PER_TURN run in later
 * turns, so that a new connection never waits for the flow of the others. `task` must not throw.
 */
export function atTurnEnd(task: () => void): void {
  waiting.push(task);
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(run);
}

function run(): void {
  const tasks = waiting;
  if (tasks.length <= MAX_TASKS_PER_TURN) {
    waiting = [];
    isScheduled = false;
  } else {
    waiting = tasks.splice(MAX_TASKS_PER_TURN);
    setImmediate(run);
  }
  for (const task of tasks) task();
}

/** A reader gets at most one piece in this time: a fast model does not cost a write per token. */
const PIECE_INTERVAL_MS = 4;

const TIMER_RESOLUTION_MS = 1;

let later: { dueMs: number; task: () => void }[] = [];
let isTimerSet = false;

/**
 * Calls `task` at the end of a turn, but not before `sinceMs` (of `performance.now()`) is
 * PIECE_INTERVAL_MS ago. `task` must not throw.
 */
export function atPieceEnd(task: () => void, sinceMs: number): void {
  const dueMs = sinceMs + PIECE_INTERVAL_MS;
  if (performance.now() >= dueMs) atTurnEnd(task);
  else {
    later.push({ dueMs, task });
    if (!isTimerSet) startTimer(dueMs);
  }
}

function startTimer(dueMs: number): void {
  isTimerSet = true;
  setTimeout(runDue, Math.max(0, dueMs - performance.now()));
}

function runDue(): void {
  isTimerSet = false;
  // Timers have a resolution of a millisecond, and may fire that much too early.
  const nowMs = performance.now() + TIMER_RESOLUTION_MS;
  const rest: typeof later = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const one of later)
    if (one.dueMs <= nowMs) atTurnEnd(one.task);
    else {
      rest.push(one);
      nextMs = Math.min(nextMs, one.dueMs);
    }
  later = rest;
  if (later.length > 0) startTimer(nextMs);
}
