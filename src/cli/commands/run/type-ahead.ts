/** Returns type-ahead that the command has not read to the terminal, where the shell reads it next. */
import { spawnSync } from 'node:child_process';
import { DEFAULT_PATH, findInPath } from '../../../platform/paths.js';
import type { Unread } from '../../../runner/unread.js';
import { complain } from '../../shared/output.js';
import { isInForeground } from './terminal.js';

/** ioctl that inserts a character into the input queue of a terminal. The kernel may forbid it. */
const TIOCSTI: Partial<Record<NodeJS.Platform, string>> = { linux: '0x5412', darwin: '0x80017472' };

/**
 * Both programs read the bytes from standard input; the terminal is their descriptor 3. Input that is already in its queue
 * was typed later: it is removed once the kernel has allowed the first character, and inserted after the bytes. Echo is
 * off, because the terminal of the command has echoed them, and so are signals.
 */
const PERL = `
  use POSIX ':termios_h';
  binmode STDIN; local $/; my @typed = split //, <STDIN>;
  open(my $terminal, '<&=', 3) or exit 1;
  my $modes = POSIX::Termios->new; $modes->getattr(3) or exit 1;
  my ($input, $local, @counts) = ($modes->getiflag, $modes->getlflag, $modes->getcc(VMIN), $modes->getcc(VTIME));
  sub set { my ($i, $l, $min, $time) = @_;
    $modes->setiflag($i); $modes->setlflag($l); $modes->setcc(VMIN, $min); $modes->setcc(VTIME, $time);
    $modes->setattr(3, TCSANOW) }
  sub insert { my $character = $_[0]; ioctl($terminal, hex($ARGV[0]), $character) }
  my $quiet = $local & ~(ECHO | ISIG);
  set($input & ~IXON, $quiet & ~ICANON, 0, 0);
  my $isAllowed = insert($typed[0]);
  if ($isAllowed) {
    my $later = '';
    while (sysread($terminal, my $some, 4096)) { $later .= $some }
    chop $later;
    set($input & ~IXON, $quiet, @counts);
    insert($_) for @typed, split //, $later;
  }
  set($input, $local, @counts);
  exit !$isAllowed`;

const PYTHON = `if True:
  import fcntl, os, sys, termios
  typed = sys.stdin.buffer.read()
  modes = termios.tcgetattr(3)
  def change(input, local, counts):
      changed = list(modes)
      changed[0], changed[3], changed[6] = input, local, list(modes[6])
      if counts is not None: changed[6][termios.VMIN] = changed[6][termios.VTIME] = counts
      termios.tcsetattr(3, termios.TCSANOW, changed)
  def insert(byte): fcntl.ioctl(3, int(sys.argv[1], 16), bytes([byte]))
  input = modes[0] & ~termios.IXON
  quiet = modes[3] & ~(termios.ECHO | termios.ISIG)
  change(input, quiet & ~termios.ICANON, 0)
  try:
      insert(typed[0])
      later = b''
      while some := os.read(3, 4096): later += some
      change(input, quiet, None)
      for byte in typed + later[:-1]: insert(byte)
  finally: termios.tcsetattr(3, termios.TCSANOW, modes)`;

const PROGRAMS = [
  { name: 'perl', args: ['-e', PERL] },
  { name: 'python3', args: ['-I', '-c', PYTHON] },
];

/** If that is impossible, prints the input on standard error, or its length if it may be a password. */
export function returnTypeAhead({ bytes, isEchoed }: Unread): void {
  if (bytes.length === 0 || (isInForeground() && insert(bytes))) return;
  const what = isEchoed ? JSON.stringify(bytes.toString()) : `${bytes.length} bytes without echo`;
  complain(`input not read by the command, and not returned to the terminal: ${what}`);
}

function insert(input: Buffer): boolean {
  const request = TIOCSTI[process.platform];
  if (request === undefined) return false;
  return PROGRAMS.some(({ name, args }) => {
    const [program] = findInPath(name, process.env['PATH'] ?? DEFAULT_PATH);
    if (program === undefined) return false;
    // descriptor 0 itself, because the stream of this process has a separate file description
    const { status } = spawnSync(program, [...args, request], { input, stdio: ['pipe', 'ignore', 'ignore', 0] });
    return status === 0;
  });
}
