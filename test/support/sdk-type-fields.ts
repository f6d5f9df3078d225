import { readFileSync } from 'node:fs';
import { parseAst } from 'rolldown/parseAst';

/**
 * Reads from `.d.ts` files which fields the object types in them have, and which types those lead
 * to. Types in namespaces and object types inside others have dotted names:
 * `ChatCompletionContentPart.File`, `Tool.function`.
 */
export class TypeDeclarations {
  readonly #types = new Map<string, Node>();

  constructor(...files: string[]) {
    for (const file of files) this.#declare(nodes(parseAst(readFileSync(file, 'utf8'), { lang: 'dts' }).body), '');
  }

  /**
   * The fields of `name` and of every object type that it leads to, by type. `stop` says which
   * fields are not followed to their types.
   */
  reachable(name: string, stop: (type: string, field: string) => boolean): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>();
    this.#visit(name, stop, found);
    return found;
  }

  /** The texts that a field of a type may have. */
  literals(type: string, field: string): string[] {
    const members = nodes(child(this.#types.get(type), 'body')?.body);
    const member = members.find((one) => nameOf(child(one, 'key')) === field);
    const found: string[] = [];
    const collect = (node: Node | undefined): void => {
      if (node === undefined) return;
      const { value } = node;
      if (node.type === 'Literal' && typeof value === 'string') found.push(value);
      for (const inner of Object.values(node)) for (const one of nodes(inner)) collect(one);
    };
    collect(child(member, 'typeAnnotation'));
    return found;
  }

  #declare(statements: Node[], prefix: string): void {
    for (const statement of statements) {
      const node = child(statement, 'declaration') ?? statement;
      const name = nameOf(child(node, 'id'));
      if (name === undefined) continue;
      if (node.type === 'TSInterfaceDeclaration') this.#types.set(prefix + name, node);
      if (node.type === 'TSTypeAliasDeclaration') this.#types.set(prefix + name, node);
      if (node.type === 'TSModuleDeclaration') this.#declare(nodes(child(node, 'body')?.body), `${prefix}${name}.`);
    }
  }

  #visit(name: string, stop: (type: string, field: string) => boolean, found: Map<string, Set<string>>): void {
    const node = this.#types.get(name);
    if (node === undefined || found.has(name)) return;
    if (node.type === 'TSTypeAliasDeclaration') {
      this.#follow(child(node, 'typeAnnotation'), name, stop, found);
      return;
    }
    const members = nodes(child(node, 'body')?.body);
    this.#object(name, members, stop, found);
    for (const heritage of nodes(node.extends)) {
      const base = this.#resolve(nameOf(child(heritage, 'expression')) ?? '', name);
      this.#visit(base, stop, found);
      for (const field of found.get(base) ?? []) found.get(name)?.add(field);
    }
  }

  #object(
    name: string,
    members: Node[],
    stop: (type: string, field: string) => boolean,
    found: Map<string, Set<string>>,
  ): void {
    const fields = new Set<string>();
    for (const member of members) {
      const field = member.type === 'TSPropertySignature' ? nameOf(child(member, 'key')) : undefined;
      if (field !== undefined) fields.add(field);
    }
    // Only an index signature: any name, and so none.
    if (fields.size === 0) return;
    found.set(name, fields);
    for (const member of members) {
      const field = nameOf(child(member, 'key'));
      if (field !== undefined && !stop(name, field))
        this.#follow(child(member, 'typeAnnotation'), name, stop, found, field);
    }
  }

  #follow(
    node: Node | undefined,
    owner: string,
    stop: (type: string, field: string) => boolean,
    found: Map<string, Set<string>>,
    field?: string,
  ): void {
    if (node === undefined) return;
    if (node.type === 'TSTypeReference') {
      const name = nameOf(child(node, 'typeName')) ?? '';
      this.#visit(this.#resolve(name, owner), stop, found);
    }
    if (node.type === 'TSTypeLiteral' && field !== undefined) {
      this.#object(`${owner}.${field}`, nodes(node.members), stop, found);
      return;
    }
    for (const value of Object.values(node))
      for (const inner of nodes(value)) this.#follow(inner, owner, stop, found, field);
  }

  /**
   * In the namespaces around `owner`, from the innermost; a prefix that is an import of the other
   * file is left out.
   */
  #resolve(name: string, owner: string): string {
    const around = owner.split('.');
    for (let depth = around.length; depth >= 0; depth--) {
      const full = [...around.slice(0, depth), name].join('.');
      if (this.#types.has(full)) return full;
    }
    return name.replace(/^(?:Shared|ChatCompletionsAPI|ResponsesAPI)\./, '');
  }
}

interface Node {
  readonly type: string;
  readonly [name: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function nodes(value: unknown): Node[] {
  return [value].flat().filter(isNode);
}

function child(node: Node | undefined, name: string): Node | undefined {
  const value = node?.[name];
  return isNode(value) ? value : undefined;
}

function nameOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.type === 'TSQualifiedName') return `${nameOf(child(node, 'left'))}.${nameOf(child(node, 'right'))}`;
  const name = node.type === 'Literal' ? node.value : node.name;
  return typeof name === 'string' ? name : undefined;
}
