/** The request `rules`. Lists alert rules and channels. */
import type { PlainHandler } from './request-context.js';

export const handleRules: PlainHandler<'rules'> = (_request, _caller, { alerts }) => ({
  rules: alerts.rules(),
  channels: alerts.status().channels,
});
