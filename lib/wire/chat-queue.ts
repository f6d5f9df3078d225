import { z } from 'zod';
import { chatResponseSchema } from '#lib/wire/chat';
import { errorDataSchema } from '#lib/wire/error';
import { shareStatusSchema } from '#lib/wire/limits';

/** Wire of the queue routes below /api/chat-queue. See docs/contract.md#chat-requests. */

export const queueStateSchema = z.object({
  queue_position: z.number(),
  queue_length: z.number(),
  estimated_wait_time: z.number(),
  is_processing: z.boolean(),
  share: shareStatusSchema.optional().describe('While it waits behind others because its caller is above its share.'),
});

export const queueSubmittedSchema = z.object({
  request_id: z.string(),
  status: queueStateSchema.describe('An object; in QueueEntry it is a word.'),
  completed: z.boolean().optional(),
  cached: z.boolean().optional(),
  saved: z
    .literal(false)
    .optional()
    .describe('false: the database cannot be written, so a restart of the server would end the request.'),
});
export type QueueSubmitted = z.infer<typeof queueSubmittedSchema>;

export const queueEntrySchema = z.object({
  request_id: z.string(),
  status: z.enum(['queued', 'processing', 'completed', 'failed', 'cancelled']),
  completed: z.boolean(),
  queue_position: z.number().describe('From 1; 0 if it does not wait.'),
  queue_length: z.number(),
  estimated_wait_time: z.number().describe('Milliseconds, from measured run times.'),
  share: shareStatusSchema.optional().describe('While it waits behind others because its caller is above its share.'),
  connection_lost: z
    .boolean()
    .optional()
    .describe(
      'true while the server that responds does not reach the one that works on the request (`REDIS_URL`): what it says is what it knew last. false once after that, in a stream.',
    ),
  cached: z.boolean(),
  message: chatResponseSchema.shape.message.optional().describe('The answer, once it is complete.'),
  error: z.string().optional(),
  code: z.string().optional(),
  data: errorDataSchema.optional().describe('The figures of the error.'),
  created_at: z.string().describe('ISO 8601.'),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
});
export type QueueEntry = z.infer<typeof queueEntrySchema>;

const callerSchema = z.string().optional().describe('Whose request it is, for administrators and managers.');

export const queueOverviewSchema = z.object({
  queue_length: z.number(),
  is_processing: z.boolean(),
  processing: z.array(
    z.object({
      request_id: z.string().optional(),
      caller: callerSchema,
      model: z.string(),
      running_ms: z.number(),
      tokens: z.number().describe('Pieces of text so far. Most model servers send one per token.'),
      model_server: z.string().optional().describe('Its name. Missing if there is one server.'),
    }),
  ),
  pending: z
    .array(
      z.object({
        request_id: z.string().optional(),
        caller: callerSchema,
        model: z.string(),
        queue_position: z.number().describe('In the line of its model server.'),
        priority: z.number(),
        waiting_ms: z.number(),
        model_server: z.string().optional().describe('Its name. Missing if there is one server.'),
      }),
    )
    .describe(
      'In the order in which they will run. A caller sees the ids of its own requests, administrators those of all, and managers those of their group.',
    ),
  max_concurrent: z.number().describe('Of all model servers together.'),
  max_queue_size: z.number(),
  average_processing_time_ms: z.number().describe('Moving average.'),
  is_average_measured: z
    .boolean()
    .describe('false: nothing was measured yet, and the average is QUEUE_ESTIMATED_TIME_PER_REQUEST_MS.'),
});
export type QueueOverview = z.infer<typeof queueOverviewSchema>;

/** Who cancels: the user who sent the request, or the person who runs the server. */
export const cancelledBySchema = z.enum(['user', 'operator']);
export type CancelledBy = z.infer<typeof cancelledBySchema>;

export const queueCancelledSchema = z.object({
  request_id: z.string(),
  status: z.literal('cancelled'),
  cancelled: z.literal(true),
});
