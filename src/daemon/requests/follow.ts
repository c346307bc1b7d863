/** The request `follow`. Starts or stops following the sessions of an agent. */
import type { PlainHandler } from './request-context.js';

export const handleFollow: PlainHandler<'follow'> = async ({ agent, on = true }, _caller, { following }) => {
  if (agent !== undefined) await following.follow(agent, on);
  return { agents: following.status() };
};
