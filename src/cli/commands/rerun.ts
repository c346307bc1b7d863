/** `progress rerun`: runs the command of an execution again. */
import { repeatSpec } from '../../runner/spec.js';
import { readSpec } from '../../runner/store.js';
import { defineCommand } from '../command.js';
import { ANY_ID } from '../options.js';
import { findAnywhere } from '../shared/offline.js';
import { viewOf, start, FACES } from './run/run.js';

export const command = defineCommand({
  verb: 'rerun',
  describe: 'Run the command of an execution again',
  positionals: { id: { required: true, describe: ANY_ID } },
  options: FACES,
  async run(args, context) {
    const { paths, env } = context;
    const { id } = await findAnywhere(paths, args.id);
    const { detached, ...same } = repeatSpec(readSpec(paths, id), env, paths);
    const asked = await viewOf(args);
    const face = asked.face === 'output' && detached ? 'none' : asked.face;
    return await start(same, { ...asked, face, noPty: false, raw: false }, context);
  },
});
