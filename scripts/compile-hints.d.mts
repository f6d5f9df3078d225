export const HINT: string;
export function hintScripts(root: string): void;
