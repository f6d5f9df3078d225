const MAX_MODELS = 256;
const names = new Map<string, string>();

/** A model's name as JSON: one shared string for all responses of the model. */
export function modelNameJson(model: string): string {
  let name = names.get(model);
  if (name === undefined) {
    name = JSON.stringify(model);
    if (names.size >= MAX_MODELS) names.clear();
    names.set(model, name);
  }
  return name;
}
