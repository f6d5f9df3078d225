import { randomInt } from 'node:crypto';
import { type ChatHistoryItem, getLlama, LlamaChat, LlamaLogLevel, resolveChatWrapper } from 'node-llama-cpp';
import { asError } from '#lib/errors';
import { complete, completionInput } from '#lib/models/embedded/completion';
import { createGrammar } from '#lib/models/embedded/grammar';
import { samplingOptions } from '#lib/models/embedded/sampling';
import type { WorkerCommand, WorkerMessage, WorkerSettings } from '#lib/models/embedded/worker-protocol';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';

/**
 * The process of the built-in model, forked by worker-client.ts. It keeps inference off the
 * server's event loop, and a native crash ends this process only. It lives as long as its parent.
 */

/**
 * Reserved, so that the library never shifts the context: that would drop messages silently.
 */
const SPARE_TOKENS = 16;
/** With less room in the context, a request is rejected. */
const MIN_RESPONSE_TOKENS = 64;
/** Seeds have 32 bits. */
const MAX_SEED = 2 ** 32;

/** Ctrl-C reaches the whole process group, but the parent ends this process. */
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

const settings: WorkerSettings = JSON.parse(process.argv[2] ?? '');
const model = await loadModel();
let running: { id: number; controller: AbortController } | undefined;

process.on('message', (message: WorkerCommand) => {
  if (message.type === 'stop') {
    if (running?.id === message.id) running.controller.abort();
    return;
  }
  if (message.type === 'count') {
    send({ type: 'counted', id: message.id, tokens: countTokens(message.messages) });
    return;
  }
  const { id, request } = message;
  const controller = new AbortController();
  running = { id, controller };
  void generate(id, request, controller.signal).finally(() => {
    running = undefined;
    send({ type: 'ended', id });
  });
});
send({ type: 'ready', contextTokens: model.contextTokens });

async function loadModel() {
  try {
    const llama = await getLlama({
      build: 'never',
      gpu: false,
      maxThreads: settings.threads,
      logLevel: LlamaLogLevel.error,
      logger: (_level, text) => process.stderr.write(`${text}\n`),
    });
    const loaded = await llama.loadModel({ modelPath: settings.path });
    const context = await loaded.createContext({
      sequences: 1,
      contextSize: Math.min(settings.contextTokens, loaded.trainContextSize),
      threads: settings.threads,
    });
    // Prefers the model's own template: a specialised wrapper may add a token that it does not
    // have.
    const hasTemplate = loaded.fileInfo.metadata.tokenizer.chat_template !== undefined;
    const wrapper = (isContinued: boolean) =>
      hasTemplate
        ? resolveChatWrapper(loaded, {
            type: 'jinjaTemplate',
            // A continuation may begin with the space between two words.
            customWrapperSettings: { jinjaTemplate: { trimLeadingWhitespaceInResponses: !isContinued } },
          })
        : resolveChatWrapper(loaded);
    const sequence = context.getSequence();
    const chatWrapper = wrapper(false);
    return { llama, tokenizer: loaded.tokenizer, wrapper, chatWrapper, sequence, contextTokens: context.contextSize };
  } catch (error) {
    const message: WorkerMessage = { type: 'not_loaded', reason: asError(error).message };
    await new Promise((sent) => process.send?.(message, sent));
    process.exit(1);
  }
}

async function generate(id: number, request: ModelRequest, signal: AbortSignal) {
  const { sequence, contextTokens } = model;
  try {
    if (request.completion !== undefined) return await generateCompletion(id, request, request.completion, signal);
    const { history, chatWrapper, tokens: promptTokens } = readPrompt(request.messages);
    const freeTokens = contextTokens - promptTokens - SPARE_TOKENS;
    if (freeTokens < MIN_RESPONSE_TOKENS) {
      const message =
        `The messages are ${promptTokens} tokens long, and the built-in model reads at most ${fittingTokens()}. ` +
        'Shorten them, start a new conversation, or raise EMBEDDED_CONTEXT_TOKENS.';
      send({ type: 'fault', id, code: 'context_length_exceeded', message });
      return;
    }
    const grammar = await grammarOf(request);
    if (grammar !== undefined && 'refused' in grammar) {
      send({ type: 'fault', id, code: 'unsupported_value', message: grammar.refused });
      return;
    }
    const before = sequence.tokenMeter.getState();
    const chat = new LlamaChat({ contextSequence: sequence, chatWrapper });
    try {
      const { metadata } = await chat.generateResponse(history, {
        // The library's own is the time in seconds, which several responses may share.
        seed: randomInt(MAX_SEED),
        ...samplingOptions(request.options, freeTokens),
        ...(grammar === undefined ? {} : { grammar: grammar.grammar }),
        ...(request.think === false ? { budgets: { thoughtTokens: 0 } } : {}),
        signal,
        onResponseChunk: (chunk) => {
          if (chunk.text === '') return;
          const type = chunk.type === 'segment' ? 'thinking' : 'content';
          send({ type: 'event', id, event: { type, text: chunk.text } });
        },
      });
      const { usedOutputTokens } = sequence.tokenMeter.diff(before);
      const done_reason = metadata.stopReason === 'maxTokens' ? 'length' : 'stop';
      const stop = metadata.stopReason === 'customStopTrigger' ? metadata.customStopTrigger : [];
      const stopSequence = stop.filter((part) => typeof part === 'string').join('');
      const usage = {
        prompt_tokens: promptTokens,
        completion_tokens: usedOutputTokens,
        context_length: contextTokens,
      };
      send({
        type: 'event',
        id,
        event: { type: 'done', done_reason, usage, ...(stopSequence === '' ? {} : { stop_sequence: stopSequence }) },
      });
    } finally {
      chat.dispose();
    }
  } catch (error) {
    if (signal.aborted) return;
    process.stderr.write(`${asError(error).stack}\n`);
    send({
      type: 'fault',
      id,
      code: 'upstream_failed',
      message: 'The built-in model stopped with an error.',
    });
  }
}

async function generateCompletion(
  id: number,
  request: ModelRequest,
  completion: ModelCompletion,
  signal: AbortSignal,
): Promise<void> {
  const { sequence, contextTokens } = model;
  const input = completionInput(sequence, completion);
  if ('refused' in input) return send({ type: 'fault', id, code: 'unsupported_value', message: input.refused });
  const freeTokens = contextTokens - input.length - SPARE_TOKENS;
  if (freeTokens < MIN_RESPONSE_TOKENS) {
    const message =
      `The prompt is ${input.length} tokens long, and the built-in model reads at most ${fittingTokens()}. ` +
      'Shorten it, or raise EMBEDDED_CONTEXT_TOKENS.';
    return send({ type: 'fault', id, code: 'context_length_exceeded', message });
  }
  const grammar = await grammarOf(request);
  if (grammar !== undefined && 'refused' in grammar)
    return send({ type: 'fault', id, code: 'unsupported_value', message: grammar.refused });
  const before = sequence.tokenMeter.getState();
  const done_reason = await complete(sequence, input, {
    sampling: samplingOptions(request.options, freeTokens),
    grammar: grammar?.grammar,
    spareTokens: SPARE_TOKENS,
    signal,
    onText: (text) => {
      if (text !== '') send({ type: 'event', id, event: { type: 'content', text } });
    },
  });
  const { usedOutputTokens } = sequence.tokenMeter.diff(before);
  const usage = {
    prompt_tokens: input.length,
    completion_tokens: usedOutputTokens,
    context_length: contextTokens,
  };
  send({ type: 'event', id, event: { type: 'done', done_reason, usage } });
}

/** The longest input that leaves room for a response. */
function fittingTokens(): number {
  return model.contextTokens - SPARE_TOKENS - MIN_RESPONSE_TOKENS;
}

async function grammarOf({ format }: ModelRequest) {
  return format === undefined ? undefined : await createGrammar(model.llama, format);
}

function readPrompt(messages: readonly Message[]) {
  const history = messages.map(historyItem);
  // A last message of the model is continued.
  const isContinued = history.at(-1)?.type === 'model';
  const chatWrapper = isContinued ? model.wrapper(true) : model.chatWrapper;
  const begun: ChatHistoryItem[] = isContinued ? [] : [{ type: 'model', response: [] }];
  const { contextText } = chatWrapper.generateContextState({ chatHistory: [...history, ...begun] });
  return { history, chatWrapper, tokens: contextText.tokenize(model.tokenizer).length };
}

function countTokens(messages: readonly Message[]): number | undefined {
  try {
    return readPrompt(messages).tokens;
  } catch (error) {
    process.stderr.write(`${asError(error).stack}\n`);
    return undefined;
  }
}

function historyItem({ role, content }: { role: string; content: string }): ChatHistoryItem {
  if (role === 'system') return { type: 'system', text: content };
  if (role === 'assistant') return { type: 'model', response: [content] };
  // A small model's template has no tool role.
  return { type: 'user', text: content };
}

function send(message: WorkerMessage): void {
  if (!process.connected) return;
  // A server that was killed has closed its end of the channel.
  process.send?.(message, (error: Error | null) => {
    if (error !== null) process.exit();
  });
}
