/** One run: load and events at the same time, until the time is over and all has settled. */
import { setTimeout as delay } from 'node:timers/promises';
import { sendEvenly } from '../send-evenly.ts';
import type { Incident } from './causes.ts';
import { ChaosLoad } from './kinds.ts';
import { type Outcome, outcomeOf, type RequestRecord } from './outcomes.ts';
import { type ChaosRun, type OutcomeCounts, summaryOf } from './report.ts';
import { chaosEvents, describeEvent, type Fleet } from './schedule.ts';
import type { Stage } from './stage.ts';

/** Of load alone before the first event, so that all code has run once. */
const WARM_UP_MS = 3_000;
const REPORT_EVERY_MS = 30_000;
/** For calls that are closed late. */
const LAST_CALLS_MS = 3_000;
/**
 * More are not open at a time, about 40 s of work: on a machine that is too slow for the rate, the
 * line would grow until all clients give up.
 */
const MAX_OPEN = 1_000;

export interface RunOptions {
  seed: number;
  fleet: Fleet;
  perSecond: number;
  seconds: number;
  /** A line of the run's log. */
  report: (line: string) => void;
  /** Ends the run before its time: what is open settles, and the report has it. */
  signal: AbortSignal;
}

export interface DoneRun extends ChaosRun {
  readonly outcomes: OutcomeCounts;
  /** How long it was, until the last event had ended. */
  readonly seconds: number;
  /** Starts that did not happen, because too many requests were open. */
  readonly heldBack: number;
}

/** Never rejects for what a server does. Rejects where the run itself has a fault. */
export async function runChaos(
  stage: Stage,
  { seed, fleet, perSecond, seconds, report, signal }: RunOptions,
): Promise<DoneRun> {
  const load = new ChaosLoad(stage.url, seed);
  const records: RequestRecord[] = [];
  const outcomes = new Map<Outcome, number>();
  const open = new Set<Promise<unknown>>();
  const incidents: Incident[] = [];
  const notBack: string[] = [];
  const startedMs = performance.now();
  const passed = () => ((performance.now() - startedMs) / 1_000).toFixed(0).padStart(4);
  let isOver = false;
  let lastedSeconds = 0;
  let heldBack = 0;

  const causing = (async () => {
    await delay(WARM_UP_MS);
    for (const event of chaosEvents(seed, fleet)) {
      await delay(event.waitMs);
      if (signal.aborted || performance.now() - startedMs >= seconds * 1_000) return;
      const incident = {
        kind: event.kind,
        startMs: performance.now(),
        endMs: Number.POSITIVE_INFINITY,
        ...('server' in event ? { server: event.server } : {}),
      };
      incidents.push(incident);
      report(`${passed()} s: ${describeEvent(event)}`);
      try {
        await stage.perform(event);
      } catch (error) {
        notBack.push(`${event.kind}: ${error instanceof Error ? error.message : String(error)}`);
        report(`${passed()} s: ${notBack.at(-1)}`);
      }
      incident.endMs = performance.now();
    }
  })().finally(() => {
    // The load goes on until the last event has ended.
    isOver = true;
    lastedSeconds = Math.round((performance.now() - startedMs) / 1_000);
  });

  const reporting = setInterval(() => {
    report(`${passed()} s: ${open.size} open, ${summaryOf(outcomes) || 'none has ended'}`);
  }, REPORT_EVERY_MS);
  const handleEnd = (record: RequestRecord) => {
    records.push(record);
    const outcome = outcomeOf(record);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  const start = () => {
    if (open.size >= MAX_OPEN) {
      heldBack += 1;
      return;
    }
    for (const request of load.start()) {
      const settled = request.then(handleEnd).finally(() => open.delete(settled));
      open.add(settled);
    }
  };
  try {
    await Promise.all([sendEvenly(perSecond, start, () => isOver), causing]);
    await Promise.all(open);
    await delay(LAST_CALLS_MS);
  } finally {
    clearInterval(reporting);
  }
  return { records, outcomes, calls: stage.models.calls, incidents, notBack, seconds: lastedSeconds, heldBack };
}
