/** Names of the supported coding agents. Everything else about them is in `src/agents`. */
const NAMES = {
  claude: { title: 'Claude Code', interactive: 'claude !-p !--print' },
  codex: { title: 'Codex', interactive: 'codex !exec !e' },
  gemini: { title: 'Gemini CLI', interactive: 'gemini !-p !--prompt' },
} as const;

export type Agent = keyof typeof NAMES;

interface AgentName {
  title: string;
  /** Command line that starts it for a person at a terminal, as an entry of INTERACTIVE_PROGRAMS. */
  interactive: string;
}

export const AGENT_NAMES: Readonly<Record<Agent, AgentName>> = NAMES;
export const AGENTS = Object.keys(NAMES) as readonly Agent[];
