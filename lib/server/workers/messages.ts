import { z } from 'zod';

/** Of the topic `life`, from the supervisor: end as after SIGTERM, or at once. */
export const lifeOrderSchema = z.enum(['stop', 'exit']);
export type LifeOrder = z.infer<typeof lifeOrderSchema>;

/** Of the topic `life`, to the supervisor: the banner is written. */
export const lifeReportSchema = z.literal('announced');

/** Of the topic `metrics`, to the supervisor: asks for those of the others, or has its own. */
export const metricsReportSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('collect'), id: z.int() }),
  z.object({ type: z.literal('read'), id: z.int(), text: z.string() }),
]);
export type MetricsReport = z.infer<typeof metricsReportSchema>;

/** Of the topic `metrics`, from the supervisor: asks for its own, or has those of the others. */
export const metricsOrderSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('read'), id: z.int() }),
  z.object({
    type: z.literal('collected'),
    id: z.int(),
    others: z.array(z.object({ worker: z.int(), text: z.string() })),
  }),
]);
export type MetricsOrder = z.infer<typeof metricsOrderSchema>;
