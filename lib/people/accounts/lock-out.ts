import { singleton } from '#lib/singletons';

type CallerEnder = (callers: readonly string[]) => void;

/** Registers what ends the requests of callers that may not go on, streams included. */
export function onLockOut(end: CallerEnder): void {
  enders().push(end);
}

/** Ends everything that these callers have in progress. */
export function lockOut(callers: readonly string[]): void {
  for (const end of enders()) end(callers);
}

function enders(): CallerEnder[] {
  return singleton<CallerEnder[]>('people.caller-enders', () => []);
}
