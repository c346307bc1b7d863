/** Replaces the package while its programs run. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { isRunning, ROOT } from '../helpers/daemon.js';
import { listenAs } from '../helpers/fake-daemon.js';
import { collectOutput } from '../helpers/output.js';
import { WAIT_FOR_FILE, waitFor } from '../helpers/wait.js';
import { createRunHome, endOf, outputOf, sh } from '../helpers/runs.js';

/** A copy of the package, whose files can be replaced. */
function copyPackage(directory: string): { daemon: string; progress: string; replace(): void } {
  const dist = path.join(directory, 'dist');
  mkdirSync(directory);
  for (const name of ['bin', 'dist', 'hooks', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(directory, name), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  return {
    daemon: path.join(dist, 'daemon.js'),
    progress: path.join(directory, 'bin/progress'),
    replace() {
      const rename = (text: string) => text.replaceAll(/-[A-Z0-9]{8}\.js/g, (name) => `-NEW${name.slice(1)}`);
      const names = readdirSync(dist).filter((name) => name.endsWith('.js'));
      const files = names.map(
        (name) => [name, readFileSync(path.join(dist, name), 'utf8')].map(rename) as [string, string],
      );
      rmSync(dist, { recursive: true });
      mkdirSync(dist);
      for (const [name, text] of files) writeFileSync(path.join(dist, name), text);
    },
  };
}

t.test('runs from before an upgrade obey the daemon of the new version, and end normally', async (t) => {
  const home = createRunHome(t);
  const copy = copyPackage(path.join(home.directory, 'package'));
  const start = async () => {
    const daemon = spawn(process.execPath, [copy.daemon], { env: home.env, stdio: 'ignore', detached: true });
    await waitFor('the daemon', async () => (await home.ask('status', {}).catch(() => undefined))?.pid === daemon.pid);
    return daemon;
  };
  const old = await start();
  const gate = home.gate('go');
  const script = `trap 'echo ordered' USR1; echo begin; ${WAIT_FOR_FILE}; echo end; exit 3`;
  const startAs = (face: string) =>
    spawn(copy.progress, ['run', '--name', face, `--${face}`, '--', ...sh(script, gate)], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const faces = ['detach', 'follow', 'stream', 'no-pty'];
  const shown = faces.map((face) => collectOutput(startAs(face)));
  for (const face of faces) await home.hear(face, 'begin');
  copy.replace();
  old.kill('SIGKILL');
  await start();
  for (const face of faces) await home.order(face, { action: 'signal', signal: 'SIGUSR1', by: 'test' });
  for (const face of faces) await home.hear(face, 'ordered');
  gate.open();
  for (const face of faces) {
    const { id, status, outcome: { exitCode } = {} } = await home.until(face, 'final');
    t.match({ status, exitCode }, { status: 'failed', exitCode: 3 }, face);
    const events = await home.events(id);
    endOf(t, events);
    t.strictSame(outputOf(t, events), ['begin', 'ordered', 'end']);
  }
  const [detached, ...attached] = await Promise.all(shown.map(({ ended }) => ended));
  t.match([detached, ...attached], [{ status: 0 }, { status: 3 }, { status: 3 }, { status: 3 }]);
  t.match(attached, [{ stdout: /end/ }, { stdout: /end/ }, { stdout: /^begin\nordered\nend\n$/ }]);
});

t.test('a daemon of another protocol version is left running, and the run is recorded later', async (t) => {
  const home = createRunHome(t);
  const daemon = await home.startDaemon();
  const gate = home.gate('go');
  const id = await home.run(sh(`echo begin; ${WAIT_FOR_FILE}; echo end; exit 3`, gate));
  await home.until(id, 'running');
  // it is attached then, and starts no further daemon
  await home.order(id, { action: 'resume', by: 'test' });
  await daemon.kill();
  rmSync(home.paths.socket);
  const foreign = await listenAs(t, home.paths, ({ op }) =>
    op === 'hello' ? { error: { code: 'protocol_mismatch', message: 'protocol 1 is wanted, 2 is spoken' } } : {},
  );
  await waitFor('some attempts', () => foreign.lines.length >= 3);
  gate.open();
  const { runner } = await home.recordOf(id);
  await waitFor('its end', () => !isRunning(runner.pid));
  t.strictSame(new Set(foreign.lines.map(({ op }) => op)), new Set(['hello']), 'no shutdown is requested');
  await foreign.close();
  await home.startDaemon();
  const { status, outcome: { exitCode } = {} } = await home.until(id, 'final');
  t.match({ status, exitCode }, { status: 'failed', exitCode: 3 });
  t.strictSame(outputOf(t, await home.events(id)), ['begin', 'end']);
});
