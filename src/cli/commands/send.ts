/** `progress send`: writes to the standard input of a detached run, or types into its terminal. */
import { ProgressError } from '../../core/base/errors.js';
import { defineCommand } from '../command.js';
import { ANY_ID } from '../options.js';
import { openConsole } from '../control/console-client.js';
import { commandActor } from '../control/actor.js';

export const command = defineCommand({
  verb: 'send',
  describe: 'Send a line, or standard input, to the input of a detached run',
  positionals: {
    run: { required: true, describe: ANY_ID },
    text: { describe: 'Text to send, followed by a newline' },
  },
  options: {
    'no-newline': { type: 'boolean', alias: 'n', describe: 'Send the text without a newline' },
    stdin: { type: 'boolean', describe: 'Send standard input byte for byte' },
    eof: { type: 'boolean', describe: 'Close the input afterwards; on a terminal, type Ctrl-D' },
  },
  async run(args, context) {
    const { stdin = false, eof = false, 'no-newline': noNewline = false } = args;
    const text = args.text ?? (context.rest.length > 0 ? context.rest.join(' ') : undefined);
    if ([text !== undefined, stdin].filter(Boolean).length > 1)
      throw new ProgressError('usage', 'a text and --stdin exclude each other');
    if (text === undefined && !stdin && !eof) throw new ProgressError('usage', 'send needs a text, --stdin or --eof');
    const client = await openConsole(args.run, { as: 'send', by: commandActor(context.env) }, context);
    try {
      // Enter is a carriage return, which a terminal in canonical mode converts to a newline
      const newline = noNewline ? '' : client.terminal ? '\r' : '\n';
      if (text !== undefined) await client.input(Buffer.from(text + newline));
      if (stdin) for await (const chunk of process.stdin) await client.input(chunk as Buffer);
      // the run and its runner may exit as soon as the input has ended
      client.write(...(eof ? [{ eof: true } as const] : []), { done: true });
      for await (const message of client.messages()) if ('accepted' in message) return 0;
      throw new ProgressError('unavailable', `${args.run}: the runner exited before it received the input`);
    } finally {
      client.close();
    }
  },
});
