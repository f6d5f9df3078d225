/** The page of the schemas alone. The reference fetches it, and links to it until then. */
export const SCHEMAS_PATH = '/docs/api?part=schemas';
/** The id of the element with the schemas, on either page. */
export const SCHEMAS_PLACE = 'schema-entries';
/** The ids of schemas begin with it. */
export const SCHEMA_ANCHOR = 'schema-';
