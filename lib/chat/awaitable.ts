/**
 * A value that is there at once, or a promise of it. Callers await it: that adds no promise to a
 * value.
 */
export type Awaitable<T> = T | Promise<T>;
