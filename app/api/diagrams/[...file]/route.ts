import { diagramFile } from '#lib/http/diagram-files';
import { route } from '#lib/http/route';

// Open like all static files: the sandboxed frame has no session.
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/diagrams',
  { GET: (_request, { params }) => diagramFile([params.file ?? []].flat()) },
  { right: 'open', quiet: true },
);
