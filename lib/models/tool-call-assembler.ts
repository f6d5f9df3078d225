import { z } from 'zod';
import { AppError } from '#lib/errors';
import { lenientText, nameSchema } from '#lib/models/lenient-schemas';
import { MAX_PIECE_CHARACTERS, pieceTooLong } from '#lib/models/text-stream';
import { readToolArguments, type ToolCall } from '#lib/wire/chat';

/** The limit of a request (lib/wire/chat.ts), so that a caller can send all calls back. */
const MAX_TOOL_CALLS = 128;
const MAX_ID_CHARACTERS = 256;
/** Added per fragment, so that the number of fragments is bounded too. */
const PIECE_CHARACTERS = 128;

/** A tool call, or a fragment of one. Arguments are text, or an object. */
export const toolCallChunkSchema = z.object({
  index: z.int().nonnegative().optional().catch(undefined),
  id: lenientText,
  function: z.object({ name: lenientText, arguments: z.unknown().optional() }).nullish(),
});
export type ToolCallChunk = z.infer<typeof toolCallChunkSchema>;

interface CallFragment {
  index: number | undefined;
  id: string | undefined;
  name: string;
  written: string;
}

interface AssembledCall {
  index: number | undefined;
  id: string | undefined;
  name: string;
  parts: string[];
  nesting: JsonNesting;
}

/**
 * Assembles tool calls from fragments.
 *
 * - A new `id` or a new name starts a call, whatever `index` says: some servers send no index, or
 * 0
 *   for all calls.
 * - With a known `id`, a name at another `index`, or after complete arguments, starts a call too:
 *   some servers give all calls the same `id`.
 * - A fragment without `id` and name continues the latest call of its `index`, else the latest
 * call.
 */
export class ToolCallAssembler {
  readonly #calls: AssembledCall[] = [];
  readonly #byIndex = new Map<number, AssembledCall>();
  #length = 0;

  /** Throws `upstream_failed` above the limits. */
  add(part: ToolCallChunk): void {
    const { index } = part;
    const id = part.id === '' ? undefined : part.id;
    const name = part.function?.name ?? '';
    const written = argumentsText(part.function?.arguments);
    // An empty fragment belongs to no call.
    if (id === undefined && name === '' && written === '') return;
    const call = this.#continued({ index, id, name, written }) ?? this.#begin();
    if (index !== undefined) this.#byIndex.set(index, call);
    call.index ??= index;
    call.id ??= id;
    if (call.name === '') call.name = name;
    this.#length += PIECE_CHARACTERS + name.length + (id?.length ?? 0) + written.length;
    if (this.#length > MAX_PIECE_CHARACTERS) throw pieceTooLong();
    if (written === '') return;
    call.parts.push(written);
    call.nesting.read(written);
  }

  /**
   * Returns the calls in order of their start. Throws `upstream_failed` for a call without a valid
   * name.
   */
  finish(): ToolCall[] {
    return this.#calls.map(({ id, name, parts }) => createToolCall(id, name, parts.join('')));
  }

  #continued({ index, id, name, written }: CallFragment): AssembledCall | undefined {
    const sameIndex = index === undefined ? undefined : this.#byIndex.get(index);
    if (id !== undefined) {
      const isPart = (call: AssembledCall) => {
        if (call.id !== id) return false;
        if (name === '') return true;
        if (call.name !== '' && call.name !== name) return false;
        if (index !== undefined && call.index !== undefined && call.index !== index) return false;
        return !(call.nesting.isWhole && written.trim() !== '');
      };
      const known = sameIndex !== undefined && isPart(sameIndex) ? sameIndex : this.#calls.findLast(isPart);
      if (known !== undefined) return known;
    }
    const isNameless = id === undefined && name === '';
    const latest = sameIndex ?? (index === undefined || isNameless ? this.#calls.at(-1) : undefined);
    if (latest === undefined) return undefined;
    // The id of a call may follow its name, before its arguments.
    if (id !== undefined && (latest.id !== undefined || latest.parts.length > 0)) return undefined;
    const isNewName = name !== '' && latest.name !== '' && (name !== latest.name || latest.nesting.isWhole);
    return isNewName ? undefined : latest;
  }

  #begin(): AssembledCall {
    if (this.#calls.length === MAX_TOOL_CALLS)
      throw new AppError('upstream_failed', `The model asked for more than ${MAX_TOOL_CALLS} tools at once.`);
    const call = { index: undefined, id: undefined, name: '', parts: [], nesting: new JsonNesting() };
    this.#calls.push(call);
    return call;
  }
}

/**
 * Creates a call. Arguments that are a JSON object are parsed; others stay text. Throws
 * `upstream_failed` without a valid name.
 */
export function createToolCall(id: string | undefined, name: unknown, given: unknown): ToolCall {
  const named = nameSchema.safeParse(name);
  if (!named.success) throw new AppError('upstream_failed', 'The model asked for a tool without saying which.');
  return {
    ...(id === undefined || id === '' || id.length > MAX_ID_CHARACTERS ? {} : { id }),
    function: { name: named.data, arguments: readToolArguments(argumentsText(given)) },
  };
}

function argumentsText(given: unknown): string {
  if (given === undefined || given === null) return '';
  if (typeof given === 'string') return given;
  try {
    return JSON.stringify(given);
  } catch (error) {
    throw new AppError('upstream_failed', 'The model asked for a tool with arguments that are nested too deep.', {
      cause: error,
    });
  }
}

/** Tracks the nesting of brackets in a JSON text, fragment by fragment. */
class JsonNesting {
  #depth = 0;
  #isText = false;
  #isEscaped = false;
  #hasBegun = false;

  /** Whether an object or a list has started and ended. */
  get isWhole(): boolean {
    return this.#hasBegun && this.#depth <= 0;
  }

  read(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isText) {
        if (code === 0x5c) this.#isEscaped = true;
        else if (code === 0x22) this.#isText = false;
      } else if (code === 0x22) this.#isText = true;
      else if (code === 0x7b || code === 0x5b) {
        this.#depth += 1;
        this.#hasBegun = true;
      } else if (code === 0x7d || code === 0x5d) this.#depth -= 1;
    }
  }
}
