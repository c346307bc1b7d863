/** `progress send`: writes to the standard input of a detached run, or types into its terminal. */
import { ProgressError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import { openConsole } from '../control/console-client.js';
import { commandActor } from '../control/actor.js';

export const command = defineCommand({
  usage: 'send <run> [text]',
  describe: 'Send a line, or standard input, to the input of a detached run',
  options: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'An ID, a prefix of one, or a name' })
      .positional('text', { type: 'string', describe: 'Sent with a newline' })
      .option('stdin', { type: 'boolean', describe: 'Send standard input as it is' })
      .option('no-newline', { alias: 'n', type: 'boolean', describe: 'Send the text without a newline' })
      .option('eof', { type: 'boolean', describe: 'Close the input afterwards; type Ctrl-D on a terminal' }),
  async run(args, context) {
    const { stdin = false, eof = false, 'no-newline': noNewline = false } = args;
    const text = args.text ?? (context.rest.length > 0 ? context.rest.join(' ') : undefined);
    if ([text !== undefined, stdin].filter(Boolean).length > 1)
      throw new ProgressError('usage', 'send: a text or --stdin, not both');
    if (text === undefined && !stdin && !eof) throw new ProgressError('usage', 'send needs a text, --stdin or --eof');
    const client = await openConsole(args.run, { as: 'send', by: commandActor(context.env) }, context);
    try {
      // Enter is a carriage return; a terminal in its usual mode makes a newline of it
      const newline = noNewline ? '' : client.terminal ? '\r' : '\n';
      if (text !== undefined) await client.input(Buffer.from(text + newline));
      if (stdin) for await (const chunk of process.stdin) await client.input(chunk as Buffer);
      // the run may end, and its runner with it, as soon as its input has ended
      client.write(...(eof ? [{ eof: true } as const] : []), { done: true });
      for await (const message of client.messages()) if ('accepted' in message) return 0;
      throw new ProgressError('unavailable', `${args.run}: the runner has ended before it took the input`);
    } finally {
      client.close();
    }
  },
});
