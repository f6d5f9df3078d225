import { createElement, Fragment, type ReactNode } from 'react';
import type { TypePart } from '#lib/wire/api-reference';
import { SCHEMA_ANCHOR } from './schemas-place.ts';

/** A sentence in which `backticks` are code. */
export function InlineText({ text }: { text: string }) {
  return unkeyed(text.split('`').map((part, index) => (index % 2 === 1 ? code(part) : part)));
}

export function Code({ children }: { children: string }) {
  return <code>{children}</code>;
}

export function TypeText({ type }: { type: readonly TypePart[] }) {
  return unkeyed(type.map(({ text, schema }) => (schema === undefined ? text : link(schema))));
}

export function SchemaLink({ name }: { name: string }) {
  return <a href={`#${schemaAnchor(name)}`}>{name}</a>;
}

/** Names joined by "or". */
export function SchemaLinks({ names }: { names: readonly string[] }) {
  return unkeyed(names.flatMap((name, index) => [index === 0 ? '' : ' or ', <SchemaLink key={name} name={name} />]));
}

/** A path that may break after each slash. */
export function Path({ path }: { path: string }) {
  return unkeyed(path.split('/').flatMap((part, index) => (index === 0 ? [part] : ['/', breakHere(), part])));
}

export function schemaAnchor(name: string): string {
  return SCHEMA_ANCHOR + name;
}

const code = (text: string) => <Code>{text}</Code>;
const breakHere = () => <wbr />;
const link = (name: string) => <SchemaLink name={name} />;

/** Static children, which need no keys. */
function unkeyed(pieces: readonly ReactNode[]) {
  return createElement(Fragment, null, ...pieces);
}
