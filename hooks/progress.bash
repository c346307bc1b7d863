# Makes each command typed at a bash prompt an execution, and `progress emit` a function that starts no process.
# For bash 3.2 and later. At a prompt the hooks do not fork, print or block.
# shellcheck shell=bash
# shellcheck disable=SC2154 # set by emit.sh

[[ ${BASH_VERSION-} ]] || return 0

# Variables and functions must not be exported to commands, nor be affected by the user's aliases.
__progress_restore=
case $- in *a*) __progress_restore="set -a; " && set +a ;; esac
if shopt -q expand_aliases; then
  __progress_restore+="shopt -s expand_aliases; "
  shopt -u expand_aliases
fi

__progress_here=${BASH_SOURCE[0]%/*}
[[ $__progress_here == /* ]] || __progress_here=$PWD/$__progress_here

. "$__progress_here/emit.sh"

# IDs are 50 bits of a congruential generator, which needs no fork and does not change the user's sequence of RANDOM.
__progress_digits32=0123456789abcdefghjkmnpqrstvwxyz

__progress_seed() {
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    __progress_state=$((SRANDOM << 32 ^ SRANDOM))
  else
    __progress_state=$(od -An -N8 -td8 /dev/urandom)
  fi
}

# Sets __progress_id.
__progress_create_id() {
  __progress_state=$((__progress_state * 6364136223846793005 + 1442695040888963407))
  set -- $((__progress_state >> 14)) "$__progress_digits32"
  __progress_id=${2:$1&31:1}${2:$1>>5&31:1}${2:$1>>10&31:1}${2:$1>>15&31:1}${2:$1>>20&31:1}
  __progress_id+=${2:$1>>25&31:1}${2:$1>>30&31:1}${2:$1>>35&31:1}${2:$1>>40&31:1}${2:$1>>45&31:1}
}

# Chooses the file of this shell, which is kept if the hooks are loaded again and replaced after `exec bash`.
__progress_open() {
  __progress_seed
  __progress_create_id
  __progress_spool || return 0
  __progress_file=$__progress_dir/bash-$$-$__progress_id.ndjson
  if [[ -z $__progress_interactive ]]; then return 0; fi
  [[ -d $__progress_dir ]] || (umask 077 && mkdir -p "$__progress_dir")
  [[ -e $__progress_file || ! -d $__progress_dir ]] || (umask 077 && : >>"$__progress_file")
} 2>/dev/null

# __progress_is_file PATH: succeeds if writing cannot block. A FIFO may have replaced the file.
__progress_is_file() {
  [[ -f $1 ]] || [[ ! -e $1 && ! -L $1 && -d ${1%/*} ]]
}

# __progress_put LINE: appends it to the file of this shell.
__progress_put() {
  [[ -f $__progress_file ]] || __progress_is_file "$__progress_file" || return 1
  if builtin printf '%s%s\n' "$__progress_torn" "$1" >>"$__progress_file"; then
    __progress_torn=
  else
    # the next line must not be joined to the written part of this one
    __progress_torn=$'\n'
    return 1
  fi
}

# A long line from a subshell could be interleaved with a line of the shell.
__progress_max_shared=1024

__progress_emit() {
  __progress_build "$@" || return 1
  ((BASH_SUBSHELL == 0 || ${#__progress_line} < __progress_max_shared)) && __progress_put "$__progress_line"
} 2>/dev/null

progress() {
  if [[ ${1-} == emit ]]; then
    local allexport=
    case $- in *a*) allexport=1 && set +a ;; esac
    if __progress_emit "${@:2}"; then
      [[ -z $allexport ]] || set -a
      return 0
    fi
    [[ -z $allexport ]] || set -a
  fi
  # commands that list executions omit the line that contains them
  case ${1-} in
    ps | watch | logs) [[ -z $__progress_interactive ]] || local -x PROGRESS_COMMAND=${__progress_running-} ;;
  esac
  # another program in PATH may be named progress
  if [[ -x $__progress_here/../bin/progress ]]; then
    "$__progress_here/../bin/progress" "$@"
  else
    command progress "$@"
  fi
}

case $- in
  *i*) __progress_interactive=1 ;;
  *) __progress_interactive= ;;
esac

if [[ ${__progress_pid-} != "$$" ]]; then
  __progress_pid=$$
  __progress_torn=
  __progress_file=
  __progress_open || :
fi
if [[ $__progress_interactive ]]; then
  . "$__progress_here/mask.sh"
  . "$__progress_here/bash-prompt.bash"
  . "$__progress_here/bash-install.bash"
fi

eval "unset __progress_restore; $__progress_restore"
