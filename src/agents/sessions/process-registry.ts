/** Defines an agent's own registry of its processes. */
export interface RegistryEntry {
  pid: number;
  /** Start of the process, in clock ticks since the machine was started. */
  start: number;
  /** Current session of the process. */
  session: string;
  /** Absent until the process is ready. */
  status?: 'busy' | 'waiting' | 'idle';
  /** What it waits for. */
  waitingFor?: string;
  /** When the status was set, in Unix milliseconds. */
  changedAt: number;
}

export interface ProcessRegistry {
  /** Returns the entries of processes that exist; a killed process leaves its entry. */
  living(): RegistryEntry[];
  /** Returns the entry of the process that works on this session. */
  entryOf(session: string): RegistryEntry | undefined;
  /** Reads changes that the watch has not reported, or everything if there is no watch. */
  refresh(): void;
  close(): void;
}
