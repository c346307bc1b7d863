/** `progress export`: writes executions to an archive, from the files of the journal. */
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Gap } from '../../../api/messages.js';
import { ProgressError } from '../../../core/base/errors.js';
import { defineCommand } from '../../command.js';
import { ANY_IDS } from '../../options.js';
import { gapText } from '../../shared/stream-errors.js';
import { findAnywhere } from '../../shared/offline.js';
import { complain, printLines } from '../../shared/output.js';
import { createArchive, writeArchive } from './archive.js';

const STDOUT = '-';

export const command = defineCommand({
  verb: 'export',
  describe: 'Write executions to an archive',
  positionals: { ids: { required: true, many: true, describe: ANY_IDS } },
  options: {
    output: { type: 'string', alias: 'o', value: 'file', describe: 'File to write, or - for standard output' },
    redact: { type: 'boolean', describe: 'Remove secrets, and names of user, host and home' },
    force: { type: 'boolean', describe: 'Replace an existing file' },
  },
  async run({ ids, output, redact = false, force = false }, { paths, env }) {
    const found = await Promise.all(ids.map((id) => findAnywhere(paths, id)));
    const executions = [...new Map(found.map((execution) => [execution.id, execution])).values()];
    const onGap = (gap: Gap) => complain(gapText(gap));
    const { archive, name } = await createArchive(executions, { paths, env, redact, onGap });
    if (output === STDOUT) {
      if (process.stdout.isTTY)
        throw new ProgressError('usage', 'refusing to write an archive to a terminal; redirect stdout or use -o FILE');
      await pipeline(Readable.from(archive), createGzip(), process.stdout);
      return 0;
    }
    const file = path.resolve(output ?? name);
    if (!(await writeArchive(file, archive, force))) {
      throw new ProgressError('usage', `${file} exists; use --force to replace it`);
    }
    await printLines([path.relative('.', file)]);
    return 0;
  },
});
