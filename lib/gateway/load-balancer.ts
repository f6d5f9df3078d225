export interface BackendLoad {
  readonly pending: number;
  readonly isDown: boolean;
}

/**
 * Power of two choices (P2C, Mitzenmacher 2001): returns the less busy of two random backends.
 * Considers those that are up, or all if none is, and never those in `tried`. Returns undefined if
 * none is left. `random` returns numbers from 0 up to 1.
 */
export function chooseBackend<B extends BackendLoad>(
  backends: readonly B[],
  random: () => number,
  tried?: ReadonlySet<B>,
): B | undefined {
  if (backends.length === 1) return tried === undefined || tried.size === 0 ? backends[0] : undefined;
  const untried = tried === undefined ? backends : backends.filter((backend) => !tried.has(backend));
  const up = untried.filter((backend) => !backend.isDown);
  const candidates = up.length > 0 ? up : untried;
  if (candidates.length < 2) return candidates[0];
  const first = Math.floor(random() * candidates.length);
  // One of the others, with equal probability.
  const second = (first + 1 + Math.floor(random() * (candidates.length - 1))) % candidates.length;
  const [a, b] = [candidates[first], candidates[second]];
  return a === undefined || b === undefined ? (a ?? b) : b.pending < a.pending ? b : a;
}
