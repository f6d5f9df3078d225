/** What one caller has in a line that is full; in places or in bytes. */
export interface QueueShare {
  /** All that the caller has in it. */
  held: number;
  /** What would be freed by its newest request that may be displaced; undefined if none may. */
  displaceable: number | undefined;
}

/**
 * Max-min fairness for a full line: returns the caller whose newest request gives way to one of
 * `newcomer`, or undefined if the newcomer is refused. That is the caller who holds most, and only
 * one that still holds at least as much as the newcomer once the two have changed places. So
 * nothing is displaced for a caller who holds as much or more, and two callers never displace one
 * another in turns.
 *
 * `held` of the newcomer is what its caller has in the line, `adds` what its request takes; both in
 * the unit of the shares.
 */
export function chooseDisplaced(
  shares: Iterable<readonly [caller: string, share: QueueShare]>,
  newcomer: { caller: string; held: number; adds: number },
): string | undefined {
  let most: string | undefined;
  let mostHeld = 0;
  for (const [caller, { held, displaceable: newest }] of shares) {
    if (caller === newcomer.caller || newest === undefined || held <= mostHeld) continue;
    if (held - newest < newcomer.held + newcomer.adds) continue;
    most = caller;
    mostHeld = held;
  }
  return most;
}
