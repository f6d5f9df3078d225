import type { Timings } from '#lib/wire/chat';

/** A request as the formats of responses see it. */
export interface RequestView {
  readonly id: string;
  /** Undefined if the response is made for no caller in particular. */
  readonly caller?: string;
  /** Of the generation that the request shares: ids of tool calls are derived from it. */
  readonly generationId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly model: string;
  /** Whether the response comes from the cache. */
  readonly cached: boolean;
  readonly conversation: { readonly state: 'new' | 'continued' } | undefined;
  timings(): Timings;
}
