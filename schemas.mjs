// Writes the machine-readable forms of the contract: OpenAPI, JSON Schemas of events, protocol and configuration. Schemas of
// replies and events are generated from their types, those of requests and routes come from the tables of src/api.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { createGenerator } from 'ts-json-schema-generator';

/** Writes `http.json`, `events.json`, `protocol.json` and `config.json`. */
export async function writeSchemas(directory) {
  const { SOURCES, TYPES, documents, configJsonSchema } = await load();
  const contents = { ...documents(generate(SOURCES, TYPES)), config: configJsonSchema() };
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(path.join(directory, `${name}.json`), `${JSON.stringify(content, undefined, 2)}\n`);
  }
}

/** Returns the schemas of these types, and of all exported types that they refer to. */
function generate(sources, types) {
  // without the types of Node, which take longer than everything else
  const tsconfig = path.resolve('dist', 'tsconfig.schemas.json');
  const modules = { target: 'es2023', lib: ['es2023'], module: 'nodenext', moduleResolution: 'nodenext' };
  const strictness = { strict: true, exactOptionalPropertyTypes: true };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions: { ...modules, ...strictness, types: [] }, files: [] }));
  const options = { skipTypeCheck: true, additionalProperties: true, sortProps: false, encodeRefs: false };
  const generator = createGenerator({ ...options, path: sources, tsconfig, expose: 'export', jsDoc: 'extended' });
  const definitions = Object.assign({}, ...types.map((type) => generator.createSchema(type).definitions));
  rmSync(tsconfig);
  return definitions;
}

/** Loads the tables, which are TypeScript. */
async function load() {
  const modules = ['./src/api/schema/documents.ts', './src/config/json-schema.ts'];
  const { outputFiles } = await build({
    stdin: { contents: modules.map((module) => `export * from '${module}';`).join(''), resolveDir: '.' },
    ...{ bundle: true, format: 'esm', platform: 'node', write: false, logLevel: 'warning' },
  });
  return await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
