/** Creates channels by their configuration. Dependencies of a channel are loaded when it sends. */
import type { ChannelConfig } from '../../config/channel-schema.js';
import { ProgressError } from '../../core/base/errors.js';
import type { AlertChannel, DeliveryOutcome } from '../channel.js';
import { createBell } from './bell.js';
import { createCommand } from './command.js';
import { createDesktop } from './desktop.js';
import { createEmail } from './email.js';
import { Undeliverable } from './undeliverable.js';
import { createWebhook } from './webhook.js';

/** @param config - not needed for `desktop` and `bell`. @param env - holds secrets, proxies and the desktop */
export function createAlertChannel(
  name: string,
  config: ChannelConfig | undefined,
  env: NodeJS.ProcessEnv,
): AlertChannel {
  return withoutThrowing(config === undefined ? createBuiltin(name, env) : createConfigured(name, config, env));
}

function createBuiltin(name: string, env: NodeJS.ProcessEnv): AlertChannel {
  if (name === 'desktop' || name === 'bell') return createConfigured(name, { type: name }, env);
  throw new ProgressError('not_found', `there is no channel ${JSON.stringify(name)}`);
}

function createConfigured(name: string, config: ChannelConfig, env: NodeJS.ProcessEnv): AlertChannel {
  switch (config.type) {
    case 'webhook':
      return createWebhook(name, config, env);
    case 'email':
      return createEmail(name, config, env);
    case 'command':
      return createCommand(name, config, env);
    case 'desktop':
      return { ...createDesktop(env), name };
    case 'bell':
      return { ...createBell(), name };
  }
}

function withoutThrowing(channel: AlertChannel): AlertChannel {
  return {
    ...channel,
    async send(alert, signal): Promise<DeliveryOutcome> {
      try {
        return await channel.send(alert, signal);
      } catch (error) {
        if (error instanceof Undeliverable) return error.outcome;
        // an internal error, whose message may hold a secret
        return {
          outcome: 'failed',
          error: `${channel.type}: ${error instanceof Error ? error.name : 'internal error'}`,
        };
      }
    },
  };
}
