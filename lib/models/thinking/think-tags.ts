/** The tags around reasoning in a model's text. */
export const OPEN_TAG = '<think>';
export const CLOSE_TAG = '</think>';
