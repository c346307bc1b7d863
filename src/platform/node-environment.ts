/**
 * Separates variables that configure Node (preloaded modules, inspector, coverage, certificates) from the environment.
 *
 * Users set them for the programs that they run. They must not affect this program, whose daemon outlives them and which
 * must start with invalid values as well.
 */

/** The variables; `bin/progress` renames the same ones, by name, since it cannot list its environment without a fork. */
export const NODE_VARIABLES = [
  ...['NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS', 'NODE_TLS_REJECT_UNAUTHORIZED', 'NODE_USE_SYSTEM_CA'],
  ...['NODE_USE_ENV_PROXY', 'NODE_V8_COVERAGE', 'NODE_TEST_CONTEXT', 'NODE_REPL_EXTERNAL_MODULE', 'NODE_ICU_DATA'],
  ...['NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'NODE_PENDING_DEPRECATION', 'NODE_NO_WARNINGS', 'NODE_REDIRECT_WARNINGS'],
  ...['NODE_DISABLE_COLORS', 'NODE_PRESERVE_SYMLINKS', 'NODE_PRESERVE_SYMLINKS_MAIN', 'NODE_SKIP_PLATFORM_CHECK'],
  ...['NODE_COMPILE_CACHE', 'NODE_COMPILE_CACHE_PORTABLE', 'NODE_DISABLE_COMPILE_CACHE'],
  ...['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'],
  ...['UV_THREADPOOL_SIZE', 'UV_USE_IO_URING', 'OPENSSL_CONF'],
];

/** Prefix of the variables that the launcher renames. */
const ASIDE = 'PROGRESS_ASIDE_';

/**
 * Removes the renamed variables from `env`, so that programs of this package do not inherit them.
 *
 * @returns The environment of the user.
 */
export function takeUserEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const aside = NODE_VARIABLES.flatMap((name) => {
    const value = env[ASIDE + name];
    Reflect.deleteProperty(env, ASIDE + name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...env, ...Object.fromEntries(aside) };
}

/** Returns a copy for a program of this package that outlives its caller. */
export function withoutNodeVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !NODE_VARIABLES.includes(name)));
}
