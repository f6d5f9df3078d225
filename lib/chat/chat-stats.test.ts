import { describe, expect, it } from 'vitest';
import { batchStats } from '#lib/chat/chat-stats';

describe('batchStats', () => {
  it('rounds rates to whole per cents and the size to one decimal', () => {
    expect(batchStats({ total: 3, cached: 1, joined: 2 }, { batches: 3, requests: 7 })).toEqual({
      total_requests: 3,
      cached_responses: 1,
      deduplicated_requests: 2,
      batches_processed: 3,
      average_batch_size: 2.3,
      cache_hit_rate: 33,
      deduplication_rate: 67,
    });
    expect(batchStats({ total: 0, cached: 0, joined: 0 }, { batches: 0, requests: 0 })).toMatchObject({
      average_batch_size: 0,
      cache_hit_rate: 0,
    });
  });
});
