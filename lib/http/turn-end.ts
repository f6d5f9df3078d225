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
