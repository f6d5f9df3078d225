export const HINT: string;
export function finishBuild(root: string): Promise<void>;
