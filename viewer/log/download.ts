/** Saves a log as a file. */
import type { Api } from '../api.js';

/** Time after which the browser has begun to save the file. */
const REVOKE_MS = 10_000;

export async function downloadLog(api: Api, id: string): Promise<void> {
  const url = URL.createObjectURL(await api.text(id));
  const link = document.createElement('a');
  link.href = url;
  link.download = `progress-${id.replace(/[^\w.-]/g, '_')}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
}
