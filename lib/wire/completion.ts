/**
 * A prompt without a conversation: text that the model continues, or a gap that it fills. Requests
 * of `/v1/completions` and `/api/generate` become one. See docs/contract.md#completions.
 */
export interface Completion {
  /** Text, or tokens of the model's vocabulary. */
  readonly prompt: string | readonly number[];
  /** The text after the gap. The model writes what stands between `prompt` and it. */
  readonly suffix?: string | undefined;
  /** Whether the prompt is continued as it is. Otherwise it goes through a template. */
  readonly raw: boolean;
  /** Base64. */
  readonly images?: readonly string[] | undefined;
  /** Replaces the model's own template: a Go template of Ollama. */
  readonly template?: string | undefined;
  /** Tokens of an earlier conversation, as Ollama returned them. */
  readonly context?: readonly number[] | undefined;
  /** Parts of other files, for llama.cpp. */
  readonly files?: readonly { readonly text: string; readonly filename?: string | undefined }[] | undefined;
  /** Whether the response begins with the prompt. */
  readonly echo?: boolean | undefined;
}
