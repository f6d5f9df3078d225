/** What the choice between backends depends on. */
export interface BackendLoad {
  readonly pending: number;
  readonly isDown: boolean;
}

/**
 * The less busy of two random backends among those that are well; where none is, among all, since one that was down may be
 * back. `tried` are left out. Undefined where none is left. Pure but for `random`, which gives numbers from 0 up to 1.
 *
 * Two random ones come close to always taking the least busy, and do not send every request of a moment to the same one.
 */
export function chooseBackend<B extends BackendLoad>(
  backends: readonly B[],
  random: () => number,
  tried?: ReadonlySet<B>,
): B | undefined {
  if (backends.length === 1) return tried === undefined || tried.size === 0 ? backends[0] : undefined;
  const untried = tried === undefined ? backends : backends.filter((backend) => !tried.has(backend));
  const well = untried.filter((backend) => !backend.isDown);
  const open = well.length > 0 ? well : untried;
  if (open.length < 2) return open[0];
  const first = Math.floor(random() * open.length);
  // Any of the others, each as likely.
  const second = (first + 1 + Math.floor(random() * (open.length - 1))) % open.length;
  const [a, b] = [open[first], open[second]];
  return a === undefined || b === undefined ? (a ?? b) : b.pending < a.pending ? b : a;
}
