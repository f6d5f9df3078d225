/** Whose waiting line a server reports figures of: its own, or the one that all share. */
export type LineScope = 'instance' | 'cluster';

/**
 * A figure of the waiting line over all servers. Separate lines are summed. Servers that share one
 * line all report the same figure, which counts once: as `own` reports it, or the largest if `own`
 * still has a separate line, as during an update.
 */
export function sumOfLines<T extends { readonly head: { readonly line: LineScope } }>(
  own: T,
  others: readonly T[],
  figure: (one: T) => number,
): number {
  const reported = (line: LineScope) => [own, ...others].filter(({ head }) => head.line === line).map(figure);
  const apart = reported('instance').reduce((sum, one) => sum + one, 0);
  return apart + (own.head.line === 'cluster' ? figure(own) : Math.max(0, ...reported('cluster')));
}
