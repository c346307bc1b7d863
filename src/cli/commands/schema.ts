/** `progress schema`: prints the machine-readable forms of the HTTP API, the events, the protocol and the configuration. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineCommand } from '../command.js';
import { print } from '../shared/output.js';

const SCHEMAS = ['http', 'events', 'protocol', 'config'] as const;

/** Written by the build next to the program. */
const DIRECTORY = fileURLToPath(new URL('./schema', import.meta.url));

export const command = defineCommand({
  verb: 'schema',
  describe: 'Print the OpenAPI document or a JSON Schema',
  positionals: { name: { choices: SCHEMAS, required: true, describe: 'API or data to describe' } },
  options: {},
  async run({ name }) {
    await print(readFileSync(`${DIRECTORY}/${name}.json`, 'utf8'));
    return 0;
  },
});
