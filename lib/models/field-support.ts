import { AppError } from '#lib/errors';
import type { ModelRequest } from '#lib/models/provider';
import type { ErrorDetail } from '#lib/wire/error';
import type { ProviderId } from '#lib/wire/models';
import { type FieldSupportByServer, PASSTHROUGH_SUPPORT, supportsOption } from '#lib/wire/request-field-support';

/**
 * How a provider treats the request fields that its column of `request-field-support.ts` leaves
 * open.
 */
export interface FieldRules {
  id: ProviderId;
  /** The reason why a field is rejected, without a capital or a full stop. */
  unsupported: string;
  check(request: ModelRequest, report: FieldReport): void;
}

/** One more than `X-Ignored-Fields` lists, so that it ends in an ellipsis. */
const MAX_IGNORED_NAMES = 21;
const MAX_NAME_CHARACTERS = 64;

/**
 * Collects the wire names of fields that a provider ignores or rejects. Requests keep the ignored
 * ones as long as their result, so their number and length are bounded.
 */
export class FieldReport {
  readonly ignored = new Set<string>();
  readonly rejected: ErrorDetail[] = [];
  readonly #unsupported: string;

  constructor(unsupported: string) {
    this.#unsupported = unsupported;
  }

  ignore(field: string): void {
    if (this.ignored.size >= MAX_IGNORED_NAMES) return;
    // A copy: a slice would retain the whole string.
    const isLong = field.length > MAX_NAME_CHARACTERS;
    this.ignored.add(isLong ? Buffer.from(field.slice(0, MAX_NAME_CHARACTERS)).toString() : field);
  }

  /** `detail` follows the provider's reason. */
  reject(field: string, detail?: string): void {
    this.rejectWith(field, detail === undefined ? this.#unsupported : `${this.#unsupported}: ${detail}`);
  }

  rejectWith(field: string, message: string): void {
    this.rejected.push({ field, message });
  }
}

/**
 * Implements `ModelProvider.checkFieldSupport`. Returns the wire names of the fields of `request`
 * without an effect. Throws `unsupported_parameter` with all fields that would change the response
 * and that the provider cannot express. Does no I/O.
 */
export function checkFieldSupport(rules: FieldRules, request: ModelRequest): readonly string[] {
  const report = new FieldReport(rules.unsupported);
  for (const name of Object.keys(request.options))
    if (!supportsOption(rules.id, name)) report.ignore(`options.${name}`);
  for (const [name, value] of Object.entries(request.passthrough ?? {})) {
    const support = passthroughSupport(name)?.[rules.id] ?? 'refused';
    if (name === 'reasoning_effort' && value === 'none') continue;
    if (support === 'no effect') report.ignore(name);
    else if (support === 'refused' && !(name === 'chat_template_kwargs' && isThinkingToggle(value)))
      report.reject(name);
  }
  rules.check(request, report);
  if (report.rejected.length > 0) throw AppError.unsupportedParameters(report.rejected);
  return [...report.ignored];
}

/** The checks of providers without OpenAI's own fields for tools, names and formats. */
export function checkOpenAiOnlyFields(request: ModelRequest, report: FieldReport): void {
  const { tools, toolChoice } = request;
  if (toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none')
    report.reject('tool_choice', 'only auto and none can be asked for');
  if (request.parallelToolCalls === false) {
    if (tools !== undefined && tools.length > 0) report.reject('parallel_tool_calls', 'false cannot be asked for');
    else report.ignore('parallel_tool_calls');
  }
  if (tools?.some((tool) => tool.function.strict !== undefined)) report.ignore('tools.function.strict');
  for (const { name, image_detail: detail } of request.messages) {
    if (name !== undefined) report.ignore('messages.name');
    if (detail !== undefined) report.ignore('messages.image_detail');
  }
  if (request.formatDetails?.description !== undefined) report.ignore('format_details.description');
}

function passthroughSupport(name: string): FieldSupportByServer | undefined {
  const support: Readonly<Record<string, FieldSupportByServer>> = PASSTHROUGH_SUPPORT;
  return Object.hasOwn(support, name) ? support[name] : undefined;
}

/** Whether template arguments only switch thinking on or off, which every provider supports. */
function isThinkingToggle(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.entries(value);
  return entries.every(([name, on]) => (name === 'enable_thinking' || name === 'thinking') && typeof on === 'boolean');
}
