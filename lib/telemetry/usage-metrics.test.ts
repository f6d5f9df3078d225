import { expect, it } from 'vitest';
import { createMetrics } from '#lib/telemetry/metrics';

it('exposes requests, tokens and time by model, model server and role', async () => {
  const { promRegistry, usage } = createMetrics();
  const series = usage.of('llama3:8b', 'gpu-a', 'member');
  series.cached += 2;
  series.savedTokens += 16;
  const request = { cached: false, joined: false, promptTokens: 3, completionTokens: 5, savedTokens: 0 };
  series.add({ ...request, generationMs: 1_500 });
  series.add({ ...request, generationMs: 0, error: 'upstream_failed' });
  const text = await promRegistry.metrics();
  const labels = 'model="llama3:8b",server="gpu-a",role="member"';
  for (const line of [
    `chill_space_model_requests_total{${labels},outcome="generated"} 1`,
    `chill_space_model_requests_total{${labels},outcome="cached"} 2`,
    `chill_space_model_requests_total{${labels},outcome="joined"} 0`,
    `chill_space_model_requests_total{${labels},outcome="failed"} 1`,
    `chill_space_model_tokens_total{${labels},kind="prompt"} 6`,
    `chill_space_model_tokens_total{${labels},kind="completion"} 10`,
    `chill_space_model_tokens_total{${labels},kind="saved"} 16`,
    `chill_space_model_seconds_total{${labels}} 1.5`,
  ])
    expect(text.split('\n')).toContain(line);
  // Scraped again, the same.
  expect(await promRegistry.metrics()).toContain(`outcome="cached"} 2`);
});
