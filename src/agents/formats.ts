/** All formats: those of the agents, and those of output for people. `--format NAME` selects one. */
import { AGENTS } from '../core/agents.js';
import { FormatRegistry } from '../formats/format-registry.js';
import { TEXT_FORMATS } from '../formats/text-formats.js';
import { DEFINITIONS } from './registry.js';

const AGENT_FORMATS = AGENTS.flatMap((agent) => [DEFINITIONS[agent].stream, DEFINITIONS[agent].transcript]);

export const FORMATS = new FormatRegistry([...AGENT_FORMATS, ...TEXT_FORMATS]);
