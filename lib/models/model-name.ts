/** Whether two names with tags mean the same model: `llama3` is `llama3:latest`. */
export function isSameTaggedModel(one: string, other: string): boolean {
  return one === other || withTag(one) === withTag(other);
}

function withTag(name: string): string {
  return name.includes(':') ? name : `${name}:latest`;
}
