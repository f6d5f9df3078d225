import type { ModelInfo } from '#lib/wire/models';

/**
 * Anthropic's API: models in its format.
 * https://platform.claude.com/docs/en/api/models
 */

/** The epoch stands for a time that the provider does not report. */
const UNKNOWN_TIME = '1970-01-01T00:00:00Z';
const DEFAULT_PAGE = 20;
const MAX_PAGE = 1_000;

export function anthropicModel({ id, modified_at, capabilities, ...model }: ModelInfo) {
  const { thinking, vision } = capabilities;
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: modified_at ?? UNKNOWN_TIME,
    deprecated_at: null,
    retires_at: null,
    lifecycle: 'active',
    line: null,
    max_input_tokens: model.usable_context_length ?? model.context_length,
    max_tokens: null,
    capabilities: {
      batch: NO,
      citations: NO,
      code_execution: NO,
      context_management: null,
      effort: { supported: thinking, low: is(thinking), medium: is(thinking), high: is(thinking), xhigh: NO, max: NO },
      image_input: is(vision),
      pdf_input: NO,
      server_tools: { supported: false, code_execution: NO, web_search: NO },
      structured_outputs: YES,
      thinking: {
        supported: thinking,
        types: { adaptive: is(thinking), between_tools: NO, disabled: is(thinking), enabled: is(thinking) },
      },
    },
  };
}

/** One page of models, by the query that the SDKs send. */
export function anthropicModels(models: readonly ModelInfo[], query: URLSearchParams) {
  const lifecycles = [...query.getAll('lifecycle'), ...query.getAll('lifecycle[]')];
  const all = lifecycles.length === 0 || lifecycles.includes('active') ? models : [];
  const limit = pageSize(query.get('limit'));
  const before = indexOf(all, query.get('before_id'));
  const after = indexOf(all, query.get('after_id'));
  const from = before === undefined ? (after ?? -1) + 1 : Math.max(0, before - limit);
  const to = Math.min(before ?? all.length, from + limit);
  const page = all.slice(from, to);
  return {
    data: page.map(anthropicModel),
    has_more: before === undefined ? to < all.length : from > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

const YES = { supported: true };
const NO = { supported: false };

function is(supported: boolean) {
  return supported ? YES : NO;
}

function pageSize(limit: string | null): number {
  const size = /^\d{1,4}$/.test(limit ?? '') ? Number(limit) : DEFAULT_PAGE;
  return Math.min(MAX_PAGE, Math.max(1, size));
}

function indexOf(models: readonly ModelInfo[], id: string | null): number | undefined {
  const at = models.findIndex((model) => model.id === id);
  return at === -1 ? undefined : at;
}
