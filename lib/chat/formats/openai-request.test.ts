import { describe, expect, it } from 'vitest';
import { passthroughOf } from '#lib/chat/formats/openai-request';

describe('fields that are passed on', () => {
  it('leave out empty values without effect', () => {
    expect(passthroughOf({ metadata: {}, logit_bias: {}, stop_token_ids: [], user: undefined })).toBeUndefined();
  });

  it('keep the empty values that turn something on', () => {
    const fields = { web_search_options: {}, guided_json: {}, samplers: [] };
    expect(passthroughOf(fields)).toEqual(fields);
  });
});
