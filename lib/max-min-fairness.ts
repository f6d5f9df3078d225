/** The requests of one caller in a full queue, in places or in bytes. */
export interface QueueShare {
  /** The caller's total. */
  held: number;
  /** The size of the caller's newest displaceable request; undefined if none may be displaced. */
  displaceable: number | undefined;
}

/**
 * Max-min fairness for a full queue. Returns the caller whose newest request is displaced by a
 * request of `newcomer`, or undefined if the newcomer is rejected.
 *
 * The displaced caller is the one with the largest share, and it still holds at least as much as
 * the newcomer afterwards. So a caller never displaces one that holds less, and two callers never
 * displace each other in turn.
 *
 * `newcomer.held` is the share of its caller, `newcomer.adds` the size of its request; both have
 * the unit of the shares. https://en.wikipedia.org/wiki/Max-min_fairness
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
