import { z } from 'zod';

/** One model that an alias stands for. */
export interface AliasTarget {
  readonly model: string;
  /** The name of the only server that is asked. */
  readonly server?: string;
}

/** Models by their alias, in the order in which they are tried. */
export type ModelAliases = ReadonlyMap<string, readonly AliasTarget[]>;

const MAX_NAME_CHARACTERS = 256;

/**
 * `alias=model@server,model; other=model`. A semicolon ends an alias, a comma a model; what follows
 * the last @ of a model is the name of its server, unless the @ is the first character. A model
 * without a server may be another alias, whose models take its place.
 */
export const modelAliases = () =>
  z.string().transform((text, context): ModelAliases => {
    const fail = (message: string) => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    const written = new Map<string, AliasTarget[]>();
    for (const entry of text.split(';').map((part) => part.trim())) {
      if (entry === '') continue;
      const [alias = '', models] = entry.split(/=(.*)/s).map((part) => part.trim());
      if (alias === '' || models === undefined || models === '')
        return fail('must be alias=model,model with a semicolon between two aliases');
      if (alias.length > MAX_NAME_CHARACTERS || /[\s,@]/.test(alias))
        return fail('must have aliases without spaces, commas and @, of at most 256 characters');
      if (written.has(alias)) return fail(`must define each alias once, and ${alias} is there twice`);
      const targets = models.split(',').map((model) => targetOf(model.trim()));
      if (targets.some(({ model, server }) => model === '' || /\s/.test(model) || server === ''))
        return fail(`must have a model between two commas, and after each @ a server, and ${alias} has not`);
      written.set(alias, targets);
    }
    const resolved = new Map<string, readonly AliasTarget[]>();
    for (const alias of written.keys()) {
      const targets = expand(alias, written, []);
      if (targets === undefined) return fail(`must not lead from an alias to itself, and ${alias} does`);
      resolved.set(alias, withoutRepeats(targets));
    }
    return resolved;
  });

function targetOf(text: string): AliasTarget {
  const at = text.lastIndexOf('@');
  return at <= 0 ? { model: text } : { model: text.slice(0, at), server: text.slice(at + 1) };
}

/** Undefined if there is a loop. */
function expand(
  alias: string,
  written: ReadonlyMap<string, readonly AliasTarget[]>,
  parents: readonly string[],
): AliasTarget[] | undefined {
  if (parents.includes(alias)) return undefined;
  const targets: AliasTarget[] = [];
  for (const target of written.get(alias) ?? []) {
    if (target.server !== undefined || !written.has(target.model)) targets.push(target);
    else {
      const inner = expand(target.model, written, [...parents, alias]);
      if (inner === undefined) return undefined;
      targets.push(...inner);
    }
  }
  return targets;
}

function withoutRepeats(targets: readonly AliasTarget[]): AliasTarget[] {
  const byName = new Map(targets.map((target) => [`${target.model}@${target.server ?? ''}`, target]));
  return [...byName.values()];
}
