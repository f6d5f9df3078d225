// Imported since Next replaces the global function with a slower one.
import { setImmediate } from 'node:timers';

export interface TurnTask {
  endTurn(): void;
}

const tasks: TurnTask[] = [];

/** Calls `task.endTurn` at the end of this turn of the event loop. Tasks share one immediate. */
export function atEndOfTurn(task: TurnTask): void {
  if (tasks.push(task) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  for (const task of tasks.splice(0)) task.endTurn();
}
