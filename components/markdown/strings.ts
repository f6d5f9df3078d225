/** The text of a response shows these, next to the words of the model. */
export const MARKDOWN_STRINGS = {
  code: 'Code',
  copy: 'Copy',
  table: 'Table',
  formula: 'Formula',
  formulaFault: ' (this formula has a mistake)',
  image: 'Image',
  imageNamed: (name: string) => `Image: ${name}`,
  taskDone: 'Done',
  taskOpen: 'Open',

  diagram: 'Diagram',
  diagramAlt: (source: string) => `Diagram, drawn from: ${source}`,
  diagramFrame: 'Diagrams are drawn here',
  diagramBroken: 'This diagram cannot be drawn.',
  diagramTimeout: 'It could not be drawn in time. Reload the page to try again.',
  diagramWithoutSize: 'It has no size.',
  showDiagram: 'Show the diagram',
  showSource: 'Show the source',
  source: 'Source',
  enlarge: 'Enlarge',
  downloadSvg: 'Download SVG',
} as const;
