import { plainText } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { setStatGauges } from '#lib/server/stat-gauges';
import { metrics, metricsExposition } from '#lib/telemetry/metrics';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/metrics',
  {
    GET: async () => {
      const all = metrics();
      await setStatGauges(all);
      return plainText(await metricsExposition(all), { 'content-type': all.promRegistry.contentType });
    },
  },
  { right: 'stats', quiet: true },
);
