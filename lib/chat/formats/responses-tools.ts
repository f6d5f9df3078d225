import { readToolArguments, type Tool, type ToolArguments, type ToolCall, type ToolChoice } from '#lib/wire/chat';
import {
  isKnownTool,
  type KnownTool,
  type ResponsesCustomTool,
  type ResponsesFunctionTool,
  type ResponsesTool,
  type ResponsesToolChoice,
} from '#lib/wire/responses-request';

/**
 * Tools of OpenAI's Responses as functions, which is all that model servers know: a custom tool is
 * a function with one text, and a tool in a namespace has the namespace in its name.
 */

/** How a tool is called in the Responses API. */
export interface ResponsesToolName {
  readonly type: 'function' | 'custom';
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Tools whose calls differ from plain function calls, by the name that the model knows. */
export type ResponsesToolNames = ReadonlyMap<string, ResponsesToolName>;

/** The parameter of a custom tool. */
const INPUT = 'input';
const CUSTOM_PARAMETERS = {
  type: 'object',
  properties: { [INPUT]: { type: 'string' } },
  required: [INPUT],
  additionalProperties: false,
};
const NO_NAMES: ResponsesToolNames = new Map();

/** The name that the model knows. */
function modelToolName(name: string, namespace: string | undefined): string {
  return namespace === undefined ? name : `${namespace}__${name}`;
}

export function toolNamesOf(tools: readonly ResponsesTool[] | undefined): ResponsesToolNames {
  const names = new Map<string, ResponsesToolName>();
  for (const { tool, namespace } of flattened(tools))
    if (tool.type === 'custom' || namespace !== undefined)
      names.set(modelToolName(tool.name, namespace), { type: tool.type, name: tool.name, namespace });
  return names.size === 0 ? NO_NAMES : names;
}

/** The first name that two tools share for the model; undefined if all differ. */
export function ambiguousToolName(tools: readonly ResponsesTool[] | undefined): string | undefined {
  const seen = new Set<string>();
  for (const { tool, namespace } of flattened(tools)) {
    const name = modelToolName(tool.name, namespace);
    if (namespace !== undefined && seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** The tools for the model. `choice` may leave only some of them. */
export function fromResponsesTools(
  tools: readonly ResponsesTool[] | undefined,
  choice: ResponsesToolChoice | undefined,
): Tool[] | undefined {
  if (tools === undefined) return undefined;
  const allowed = allowedNames(choice);
  return flattened(tools)
    .filter(({ tool, namespace }) => allowed?.has(modelToolName(tool.name, namespace)) !== false)
    .map(({ tool, namespace, about }) => toTool(tool, modelToolName(tool.name, namespace), about));
}

export function fromToolChoice(choice: ResponsesToolChoice | undefined): ToolChoice | undefined {
  if (choice === undefined || typeof choice === 'string') return choice;
  // `auto` is the default of every model server.
  if (choice.type === 'allowed_tools') return choice.mode === 'required' ? 'required' : undefined;
  return { type: 'function', function: { name: choice.name } };
}

/** A call of the conversation so far. */
export function toModelCall(
  id: string,
  name: string,
  namespace: string | undefined,
  given: { arguments: string } | { input: string },
): ToolCall {
  return {
    id,
    function: {
      name: modelToolName(name, namespace),
      arguments: 'input' in given ? { [INPUT]: given.input } : readToolArguments(given.arguments),
    },
  };
}

/** The text for a custom tool in the arguments that the model wrote. */
export function customToolInput(given: ToolArguments): string {
  if (typeof given === 'string') return given;
  const input = given[INPUT];
  return typeof input === 'string' ? input : JSON.stringify(given);
}

interface FlatTool {
  readonly tool: ResponsesFunctionTool | ResponsesCustomTool;
  readonly namespace: string | undefined;
  /** The description of its namespace. */
  readonly about: string | undefined;
}

function flattened(tools: readonly ResponsesTool[] | undefined): FlatTool[] {
  return (tools ?? []).filter(isKnownTool).flatMap((tool: KnownTool): FlatTool[] => {
    if (tool.type !== 'namespace') return [{ tool, namespace: undefined, about: undefined }];
    return tool.tools.map((inner) => ({ tool: inner, namespace: tool.name, about: tool.description }));
  });
}

function toTool(tool: ResponsesFunctionTool | ResponsesCustomTool, name: string, about: string | undefined): Tool {
  const description = [about, tool.description].filter((text) => text !== undefined).join('\n\n');
  const described = description === '' ? {} : { description };
  if (tool.type === 'custom')
    return { type: 'function', function: { name, ...described, parameters: CUSTOM_PARAMETERS } };
  const { parameters, strict } = tool;
  return {
    type: 'function',
    function: {
      name,
      ...described,
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

/** Undefined if all tools are allowed. */
function allowedNames(choice: ResponsesToolChoice | undefined): ReadonlySet<string> | undefined {
  if (typeof choice !== 'object' || choice.type !== 'allowed_tools') return undefined;
  return new Set((choice.tools ?? []).flatMap(({ name }) => (name === undefined ? [] : [name])));
}
