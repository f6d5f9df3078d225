/**
 * Of what a reply names, whether other servers know it: undefined if they do, or a promise of it.
 * See `SharedValues.settled`.
 */
export type Settlement = Promise<boolean> | undefined;

/** Whether other servers know both. */
export function bothSettled(one: Settlement, other: Settlement): Settlement {
  if (one === undefined || other === undefined) return one ?? other;
  return Promise.all([one, other]).then(([isOne, isOther]) => isOne && isOther);
}
