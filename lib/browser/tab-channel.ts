/** A channel to the other tabs. Undefined where the browser blocks storage, as Firefox does. */
export function openTabChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
