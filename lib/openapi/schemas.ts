import { z } from 'zod';
import * as accounts from '#lib/wire/accounts';
import * as backends from '#lib/wire/admin-backends';
import { anthropicCountSchema, anthropicMessageSchema, anthropicRequestSchema } from '#lib/wire/anthropic-request';
import * as anthropic from '#lib/wire/anthropic-response';
import * as chat from '#lib/wire/chat';
import * as queue from '#lib/wire/chat-queue';
import * as code from '#lib/wire/code';
import * as embeddingRequests from '#lib/wire/embeddings-request';
import * as embeddingResponses from '#lib/wire/embeddings-response';
import { errorBodySchema, errorDetailSchema } from '#lib/wire/error';
import * as executor from '#lib/wire/executor';
import { backendStatsSchema, gatewayStatsSchema } from '#lib/wire/gateway';
import { gatewayHealthSchema, healthSchema, readinessPartSchema, serverReadinessSchema } from '#lib/wire/health';
import { infillRequestSchema, infillResponseSchema } from '#lib/wire/infill';
import { limitListSchema, limitsChangeSchema, scopedLimitsSchema, shareStatusSchema } from '#lib/wire/limits';
import { modelInfoSchema, modelsSchema, providerStateSchema } from '#lib/wire/models';
import * as management from '#lib/wire/ollama-management';
import { ollamaChatSchema, ollamaGenerateSchema, ollamaShowSchema } from '#lib/wire/ollama-request';
import * as ollama from '#lib/wire/ollama-response';
import { openAiCompletionRequestSchema } from '#lib/wire/openai-completion-request';
import { textCompletionSchema } from '#lib/wire/openai-completion-response';
import { openAiMessageSchema, openAiRequestSchema } from '#lib/wire/openai-request';
import * as openAi from '#lib/wire/openai-response';
import { passedRequestSchema } from '#lib/wire/pass-through-request';
import * as people from '#lib/wire/people';
import * as admin from '#lib/wire/people-admin';
import { responsesRequestSchema, responsesTokensSchema } from '#lib/wire/responses-request';
import * as responses from '#lib/wire/responses-response';
import * as stats from '#lib/wire/server-stats';
import { sessionSchema, signedInSchema, signInSchema } from '#lib/wire/session';
import {
  gatewaySeriesSchema,
  historyLimitsSchema,
  serverSeriesSchema,
  statsHistorySchema,
} from '#lib/wire/stats-history';
import * as usage from '#lib/wire/usage';

// Names in the published document. Clients may have generated code from them.
const CHAT_RESPONSE = 'ChatAnswer' as const;
const OLLAMA_CHAT_RESPONSE = 'OllamaChatAnswer' as const;
const OLLAMA_GENERATE_RESPONSE = 'OllamaGenerateAnswer' as const;

/** Named schemas of the document: request bodies that the routes parse, and their responses. */
export const SCHEMAS = {
  ChatRequest: chat.chatRequestSchema,
  AttachRequest: chat.attachRequestSchema,
  Message: chat.messageSchema,
  Tool: chat.toolSchema,
  ToolCall: chat.toolCallSchema,
  [CHAT_RESPONSE]: chat.chatResponseSchema,
  ChatEvent: chat.chatEventSchema,
  Usage: chat.tokenUsageSchema,
  Timings: chat.timingsSchema,
  QueueSubmitted: queue.queueSubmittedSchema,
  QueueEntry: queue.queueEntrySchema,
  QueueOverview: queue.queueOverviewSchema,
  QueueCancelled: queue.queueCancelledSchema,
  Me: people.meSchema,
  AdminModels: admin.adminModelsSchema,
  AdminModel: admin.adminModelSchema,
  AdminModelChange: admin.modelPatchSchema,
  RuntimeSettings: admin.runtimeSettingsSchema,
  SettingsChange: admin.settingsChangeSchema,
  Banner: admin.bannerSchema,
  BannerState: admin.bannerStateSchema,
  AdminBackends: backends.adminBackendsSchema,
  AdminBackend: backends.adminBackendSchema,
  NewBackend: backends.newBackendSchema,
  BackendChange: backends.backendChangeSchema,
  Models: modelsSchema,
  Model: modelInfoSchema,
  Provider: providerStateSchema,
  OpenAiRequest: openAiRequestSchema,
  OpenAiMessage: openAiMessageSchema,
  OpenAiCompletion: openAi.openAiCompletionSchema,
  OpenAiChunk: openAi.openAiChunkSchema,
  OpenAiModel: openAi.openAiModelSchema,
  OpenAiModels: openAi.openAiModelsSchema,
  OpenAiError: openAi.openAiErrorSchema,
  TextCompletionRequest: openAiCompletionRequestSchema,
  TextCompletion: textCompletionSchema,
  InfillRequest: infillRequestSchema,
  InfillResponse: infillResponseSchema,
  OpenAiEmbeddings: embeddingRequests.openAiEmbeddingsSchema,
  OpenAiEmbeddingList: embeddingResponses.openAiEmbeddingListSchema,
  PassedRequest: passedRequestSchema,
  AnthropicRequest: anthropicRequestSchema,
  AnthropicInputMessage: anthropicMessageSchema,
  AnthropicCountRequest: anthropicCountSchema,
  AnthropicMessage: anthropic.anthropicResponseSchema,
  AnthropicMessageStart: anthropic.ANTHROPIC_EVENT_SCHEMAS.message_start,
  AnthropicContentBlockStart: anthropic.ANTHROPIC_EVENT_SCHEMAS.content_block_start,
  AnthropicContentBlockDelta: anthropic.ANTHROPIC_EVENT_SCHEMAS.content_block_delta,
  AnthropicContentBlockStop: anthropic.ANTHROPIC_EVENT_SCHEMAS.content_block_stop,
  AnthropicMessageDelta: anthropic.ANTHROPIC_EVENT_SCHEMAS.message_delta,
  AnthropicMessageStop: anthropic.ANTHROPIC_EVENT_SCHEMAS.message_stop,
  AnthropicPing: anthropic.ANTHROPIC_EVENT_SCHEMAS.ping,
  AnthropicTokenCount: anthropic.anthropicCountResponseSchema,
  AnthropicModel: anthropic.anthropicModelSchema,
  AnthropicModels: anthropic.anthropicModelsSchema,
  AnthropicError: anthropic.anthropicErrorSchema,
  ResponsesRequest: responsesRequestSchema,
  ResponsesResponse: responses.responsesResponseSchema,
  ResponsesLifeCycle: responses.responsesLifeCycleSchema,
  ResponsesItemEvent: responses.responsesItemEventSchema,
  ResponsesPartEvent: responses.responsesPartEventSchema,
  ResponsesDelta: responses.responsesDeltaSchema,
  ResponsesDone: responses.responsesDoneSchema,
  ResponsesDeleted: responses.responsesDeletedSchema,
  ResponsesItems: responses.responsesItemsSchema,
  ResponsesTokens: responsesTokensSchema,
  ResponsesTokenCount: responses.responsesTokenCountSchema,
  OllamaChat: ollamaChatSchema,
  OllamaGenerate: ollamaGenerateSchema,
  OllamaShow: ollamaShowSchema,
  [OLLAMA_CHAT_RESPONSE]: ollama.ollamaChatResponseSchema,
  [OLLAMA_GENERATE_RESPONSE]: ollama.ollamaGenerateResponseSchema,
  OllamaFailure: ollama.ollamaStreamErrorSchema,
  OllamaModel: ollama.ollamaTagSchema,
  OllamaModels: ollama.ollamaTagsSchema,
  OllamaShown: ollama.ollamaShowResponseSchema,
  OllamaVersion: ollama.ollamaVersionSchema,
  OllamaRunning: ollama.ollamaRunningSchema,
  OllamaEmbed: embeddingRequests.ollamaEmbedSchema,
  OllamaEmbeddings: embeddingRequests.ollamaEmbeddingsSchema,
  OllamaEmbeddingList: embeddingResponses.ollamaEmbeddingListSchema,
  OllamaEmbedding: embeddingResponses.ollamaEmbeddingSchema,
  OllamaTransfer: management.ollamaTransferSchema,
  OllamaCreate: management.ollamaCreateSchema,
  OllamaCopy: management.ollamaCopySchema,
  OllamaDelete: management.ollamaDeleteSchema,
  OllamaProgress: management.ollamaProgressSchema,
  CodeRequest: code.codeRequestSchema,
  SourceFile: code.sourceFileSchema,
  CodeResult: code.codeResultSchema,
  CodeOutput: code.codeChunkSchema,
  UnsupportedLanguage: code.unsupportedLanguageSchema,
  RunnerHealth: code.runnerHealthSchema,
  ExecuteRequest: executor.executeRequestSchema,
  ExecuteResult: executor.executeResultSchema,
  ValidateRequest: executor.validateRequestSchema,
  ValidateResult: executor.validateResultSchema,
  ExecutorHealth: executor.executorHealthSchema,
  ExecutorInfo: executor.executorInfoSchema,
  MicroservicesHealth: executor.microservicesHealthSchema,
  LimitList: limitListSchema,
  LimitsChange: limitsChangeSchema,
  ScopedLimits: scopedLimitsSchema,
  Share: shareStatusSchema,
  Stats: stats.serverStatsSchema,
  CacheStats: stats.cacheStatsSchema,
  BatchStats: stats.batchStatsSchema,
  RunnerStats: stats.runnerStatsSchema,
  StatsHistory: statsHistorySchema,
  ServerSeries: serverSeriesSchema,
  GatewaySeries: gatewaySeriesSchema,
  HistoryLimits: historyLimitsSchema,
  UsageReport: usage.usageReportSchema,
  UsageRow: usage.usageRowSchema,
  UsageFigures: usage.usageFiguresSchema,
  Percentiles: stats.percentilesSchema,
  StatsAction: stats.statsActionSchema,
  StatsActionResult: stats.statsActionResultSchema,
  Health: healthSchema,
  Ready: serverReadinessSchema,
  ReadyPart: readinessPartSchema,
  SignIn: signInSchema,
  Session: sessionSchema,
  SignedIn: signedInSchema,
  GatewayHealth: gatewayHealthSchema,
  GatewayStats: gatewayStatsSchema,
  BackendStats: backendStatsSchema,
  Error: errorBodySchema,
  ErrorDetail: errorDetailSchema,
  ...accounts.AUTH_REQUEST_SCHEMAS,
  SetUp: accounts.setUpRequestSchema,
  SetUpState: accounts.setUpStateSchema,
  Join: accounts.joinRequestSchema,
  SignedUp: accounts.signedUpSchema,
  OpenInvitation: people.openInvitationSchema,
  KeyRequest: accounts.keyRequestSchema,
  KeyChange: accounts.keyChangeSchema,
  ServiceKeyRequest: accounts.serviceKeyRequestSchema,
  Key: people.accessKeySchema,
  KeyList: people.keyListSchema,
  CreatedKey: people.createdKeySchema,
  AccountExport: accounts.accountExportSchema,
  Person: people.memberSchema,
  PersonList: people.memberListSchema,
  PersonChange: accounts.userChangeSchema,
  PersonSessions: accounts.sessionListSchema,
  ResetLinkRequest: accounts.resetLinkRequestSchema,
  ResetLink: accounts.resetLinkSchema,
  TemporaryPassword: accounts.temporaryPasswordSchema,
  Invitation: people.invitationSchema,
  InvitationList: people.invitationListSchema,
  NewInvitation: accounts.newInvitationSchema,
  CreatedInvitation: people.createdInvitationSchema,
  Group: people.groupSchema,
  GroupList: people.groupListSchema,
  NewGroup: accounts.newGroupSchema,
  GroupChange: accounts.groupChangeSchema,
  AuditEntry: people.auditEntrySchema,
  AuditList: people.auditListSchema,
} satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;

/** The part of JSON Schema that this folder and the page read. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  $ref?: string;
}

export const SCHEMA_PREFIX = '#/components/schemas/';
const SHARED = `${SCHEMA_PREFIX}__shared#`;

/**
 * Returns the schemas as JSON Schema 2020-12, by name. All are of the input side of a parser: the
 * server's for requests, the client's for responses. So defaults may be missing and additional
 * fields are allowed. Field descriptions are those of the zod schemas.
 */
export function jsonSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: (id) => SCHEMA_PREFIX + id });
  const { __shared: _shared, ...named } = JSON.parse(JSON.stringify(schemas, withoutNoise));
  return named;
}

/** Drops keys without information. The recursive definition of any JSON value becomes `{}`. */
function withoutNoise(key: string, value: unknown): unknown {
  if (key === '$id' || key === '$schema' || key === 'propertyNames') return undefined;
  if (typeof value === 'object' && value !== null && '$ref' in value && String(value.$ref).startsWith(SHARED))
    return {};
  return value;
}
