/** The request `follow`. Starts or stops following the sessions of an agent. */
import { REQUESTS } from '../../api/requests.js';
import type { PlainHandler } from './request-context.js';

export const handleFollow: PlainHandler<'follow'> = async (
  { agent, on = REQUESTS.follow.fields.on.default },
  _caller,
  { sessionWatchers },
) => {
  if (agent !== undefined) await sessionWatchers.follow(agent, on);
  return { agents: sessionWatchers.status() };
};
