/** Fields of commands to runs: those of the request `control`, and those that a runner receives. */
import type { ValuesOf } from './fields.js';
import { choice, count, name, required, text, withDefault } from './fields.js';

export const CONTROL_ACTIONS = ['stop', 'kill', 'signal', 'pause', 'resume'] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

export const CONTROL = {
  action: required(choice(CONTROL_ACTIONS, 'Command for the run.')),
  by: text('Name of the user or program that sends the command.'),
  signal: name('For the action `signal`: the name of the signal, such as `SIGHUP`.'),
  graceMs: withDefault(count('For the action `stop`: milliseconds until the run is killed.'), 5_000),
};

/** A command as a runner receives it. */
export const RUN_COMMAND = {
  run: required(name('ID of the run.')),
  ...CONTROL,
  action: required(choice([...CONTROL_ACTIONS, 'start'], 'The command; `start`: the run leaves its queue.')),
};

/** A command to a run. */
export type ControlCommand = ValuesOf<typeof CONTROL>;
export type RunCommand = ValuesOf<typeof RUN_COMMAND>;
