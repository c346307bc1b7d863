/** All formats: those of the agents, and those of output for people. `--format NAME` picks one. */
import { FormatRegistry } from '../formats/format-registry.js';
import { TEXT_FORMATS } from '../formats/text-formats.js';
import { CLAUDE_FORMATS } from './claude/formats.js';
import { CODEX_FORMATS } from './codex/formats.js';
import { GEMINI_FORMATS } from './gemini/formats.js';

export const FORMATS = new FormatRegistry([...CLAUDE_FORMATS, ...CODEX_FORMATS, ...GEMINI_FORMATS, ...TEXT_FORMATS]);
