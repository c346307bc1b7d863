// Starts the command line, or reports that Node is too old. So the syntax of this file is that of old versions of Node.
'use strict';
/* oxlint-disable no-var, no-eval */
var needed = [20, 19];
var found = process.versions.node.split('.').map(Number);
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write(
    'progress: needs Node.js ' +
      needed.join('.') +
      ' or newer, but ' +
      process.execPath +
      ' is ' +
      process.version +
      '\n',
  );
  process.exit(78); // EX_CONFIG
}
// an old version cannot parse this expression
eval('import("../dist/cli.js")').catch(function (error) {
  if (error.code !== 'EMFILE' && error.code !== 'ENFILE') throw error;
  process.stderr.write('progress: ' + error.message + '; raise the limit of open files, see ulimit -n\n');
  process.exit(71); // EX_OSERR
});
