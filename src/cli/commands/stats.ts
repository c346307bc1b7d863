/** `progress stats`: shows how often executions succeed, how long they take, and how good estimates of that were. */
import { withClient } from '../../client/connect.js';
import { ProgressError } from '../../core/base/errors.js';
import { formatQuantity } from '../../core/text/format.js';
import { statsDetails, statsTable } from '../../terminal/stats.js';
import { defineCommand } from '../command.js';
import { ANY_ID, JSON_OPTION } from '../options.js';
import { complain, print, printLines } from '../shared/output.js';
import { maxColumnsOf, styleOf } from '../shared/output-options.js';
import { parseTimeExpression } from '../shared/time-expressions.js';

/** Names in a table, and in JSON. */
const LIMIT = 200;
const JSON_LIMIT = 20_000;

export const command = defineCommand({
  verb: 'stats',
  describe: 'Show durations, success rates and the accuracy of estimates',
  positionals: { name: { describe: `Name to show in detail, or ${ANY_ID} (default: a table of all names)` } },
  options: {
    since: { type: 'string', value: 'time', describe: 'Count executions that began since a time, or 10m, 2h, 3d ago' },
    kind: { type: 'string', value: 'kind', describe: 'Count executions of this kind only' },
    ...JSON_OPTION,
  },
  async run({ name, since, kind, json = false }, { paths, env }) {
    if (name === '') throw new ProgressError('usage', 'stats needs a name that is not empty, or none');
    const now = Date.now();
    const request = {
      limit: json ? JSON_LIMIT : LIMIT,
      ...(name !== undefined && { name }),
      ...(since !== undefined && { since: parseTimeExpression('since', since, now) }),
      ...(kind !== undefined && { kind }),
    };
    const { names, more = 0 } = await withClient({ paths, start: true }, (client) => client.call('stats', request));
    if (json) {
      await print(`${JSON.stringify(names, undefined, 2)}\n`);
      if (more > 0) complain(`${formatQuantity(more, 'older name')} not printed; use --since or --kind`);
      return 0;
    }
    const options = { now, columns: maxColumnsOf(), style: styleOf(env) };
    if (names.length === 0 && (since !== undefined || kind !== undefined))
      await printLines(['Nothing of this kind and time has finished.']);
    else if (name === undefined) await printLines(statsTable(names, more, options));
    else await printLines(names.flatMap((one, at) => [...(at > 0 ? [''] : []), ...statsDetails(one, options)]));
    return 0;
  },
});
