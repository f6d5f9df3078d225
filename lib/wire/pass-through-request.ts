import { z } from 'zod';
import { optional } from '#lib/wire/optional';

/** JSON for an endpoint of the model server that is passed on: only the model is read here. */
export const passedRequestSchema = z.looseObject({
  model: optional(z.string()).describe('Chooses the model server. All fields are passed on as they are.'),
});
