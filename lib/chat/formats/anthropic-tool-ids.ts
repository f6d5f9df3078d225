/**
 * Ids of tool calls begin with `toolu_` in Anthropic's API. The model server's id follows, so that
 * it gets its own back: Mistral accepts no other form.
 */
const PREFIX = 'toolu_';

export function toAnthropicToolId(id: string): string {
  return id.startsWith(PREFIX) ? id : PREFIX + id;
}

export function fromAnthropicToolId(id: string): string {
  return id.startsWith(PREFIX) && id.length > PREFIX.length ? id.slice(PREFIX.length) : id;
}
