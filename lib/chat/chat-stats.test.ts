import { describe, expect, it } from 'vitest';
import { batchStats, PercentileWindow } from '#lib/chat/chat-stats';

describe('PercentileWindow', () => {
  it('has no percentiles before the first value', () => {
    expect(new PercentileWindow().percentiles()).toEqual({ p50: null, p95: null, p99: null });
  });

  it('takes percentiles by nearest rank over the newest thousand', () => {
    const values = new PercentileWindow();
    for (let value = 1; value <= 100; value += 1) values.add(value);
    expect(values.percentiles()).toEqual({ p50: 50, p95: 95, p99: 99 });
    for (let value = 0; value < 1000; value += 1) values.add(7);
    expect(values.percentiles()).toEqual({ p50: 7, p95: 7, p99: 7 });
  });
});

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
