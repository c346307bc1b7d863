import t from 'tap';
import { configJsonSchema } from '../../../src/config/json-schema.js';
import { createHome } from '../../helpers/daemon.js';

t.test('each schema is printed as JSON, without a daemon', async (t) => {
  const home = createHome(t);
  const heads = {
    http: { openapi: '3.1.0' },
    events: { $schema: 'https://json-schema.org/draft/2020-12/schema' },
    protocol: { $schema: 'https://json-schema.org/draft/2020-12/schema' },
    config: configJsonSchema(),
  };
  for (const [name, head] of Object.entries(heads)) {
    const { status, stdout, stderr } = await home.invoke(['schema', name]);
    t.strictSame([status, stderr], [0, ''], name);
    t.match(JSON.parse(stdout), head, name);
  }
  t.equal((await home.invoke(['schema', 'config'])).stdout, (await home.invoke(['config', 'schema'])).stdout);
});

t.test('an unknown or missing name is refused, and the known ones are named', async (t) => {
  const home = createHome(t);
  const wrong = await home.invoke(['schema', 'foo']);
  t.match(wrong, { status: 64, stdout: '', stderr: /http.*events.*protocol.*config/ });
  t.match(await home.invoke(['schema']), { status: 64, stdout: '', stderr: /progress schema|name/ });
  t.match(await home.invoke(['schema', 'http', 'x']), { status: 64, stdout: '' });
});
