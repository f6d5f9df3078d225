/** Models that have labels of their own. */
const MAX_MODELS = 100;
/** Label of all further models, and of names that no server has. */
const OTHER_MODELS = 'other';

/** How requests to models ended. */
const OUTCOMES = ['generated', 'cached', 'joined', 'failed'] as const;
type Outcome = (typeof OUTCOMES)[number];

const TOKEN_KINDS = ['prompt', 'completion', 'saved'] as const;
type TokenKind = (typeof TOKEN_KINDS)[number];

/** The part of a finished request that is counted. */
export interface CountedRequest {
  readonly cached: boolean;
  readonly joined: boolean;
  /** It goes on after a restart: its tokens are counted, and the request is later. */
  readonly goesOn?: boolean | undefined;
  readonly error?: string | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly savedTokens: number;
  readonly generationMs: number;
}

/** Counts since the process started, of one combination of labels. */
export class SeriesCounts {
  readonly model: string;
  readonly server: string;
  readonly role: string;
  generated = 0;
  cached = 0;
  joined = 0;
  failed = 0;
  promptTokens = 0;
  completionTokens = 0;
  savedTokens = 0;
  generationMs = 0;

  constructor(model: string, server: string, role: string) {
    this.model = model;
    this.server = server;
    this.role = role;
  }

  add(request: CountedRequest): void {
    if (request.goesOn !== true) this.#countOutcome(request);
    this.promptTokens += request.promptTokens;
    this.completionTokens += request.completionTokens;
    this.savedTokens += request.savedTokens;
    this.generationMs += request.generationMs;
  }

  #countOutcome(request: CountedRequest): void {
    if (request.error !== undefined) this.failed += 1;
    else if (request.cached) this.cached += 1;
    else if (request.joined) this.joined += 1;
    else this.generated += 1;
  }

  get labels(): { model: string; server: string; role: string } {
    return { model: this.model, server: this.server, role: this.role };
  }

  requestsBy(): readonly (readonly [Outcome, number])[] {
    return OUTCOMES.map((outcome) => [outcome, this[outcome]] as const);
  }

  tokensBy(): readonly (readonly [TokenKind, number])[] {
    const { promptTokens, completionTokens, savedTokens } = this;
    const counts: Record<TokenKind, number> = {
      prompt: promptTokens,
      completion: completionTokens,
      saved: savedTokens,
    };
    return TOKEN_KINDS.map((kind) => [kind, counts[kind]] as const);
  }
}

/**
 * Requests and tokens by model, model server and role of the caller, for Prometheus. The number of
 * series is bounded: servers are those of the settings, and models above the bound share a label.
 */
export class UsageSeries {
  readonly #maxModels: number;
  readonly #models = new Set<string>();
  readonly #series = new Map<string, SeriesCounts>();

  constructor(maxModels = MAX_MODELS) {
    this.#maxModels = maxModels;
  }

  of(model: string, server: string, role: string): SeriesCounts {
    const label = this.#labelOf(model);
    const name = `${label}\n${server}\n${role}`;
    const found = this.#series.get(name);
    if (found !== undefined) return found;
    const created = new SeriesCounts(label, server, role);
    this.#series.set(name, created);
    return created;
  }

  all(): Iterable<SeriesCounts> {
    return this.#series.values();
  }

  #labelOf(model: string): string {
    if (this.#models.has(model)) return model;
    if (this.#models.size >= this.#maxModels) return OTHER_MODELS;
    this.#models.add(model);
    return model;
  }
}
