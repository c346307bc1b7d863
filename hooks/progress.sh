# The library for scripts, for any POSIX shell, with `set -eu` or without: . "$(progress path sh)"
#
#   progress_start [NAME] [key=value...]   from here on the script is an execution
#   progress_plan NAME...                  steps to come, so that totals are known
#   progress_step NAME command...          runs the command as a step, and returns its status
#   progress_criterion NAME command...     the same for a criterion of the step
#   progress_count CURRENT [TOTAL] [UNIT]  how far the step, or the execution, has come
#   progress_end [STATUS]                  completed, or failed with that status
#
# Events go to a file of the script's own in the spool, without a fork for each. Nothing here prints, or fails what would
# not fail without it.
# shellcheck shell=sh disable=SC2119,SC2120,SC2154

# In zsh $0 is this file.
__progress_script=${ZSH_ARGZERO:-$0}
__progress_file=
__progress_random=
__progress_id=
__progress_step_id=
__progress_starts=0
# steps that are open, the innermost first, a line each
__progress_open=

# A random name for the file, and for the execution; the only forks, once.
__progress_create() {
  __progress_spool || return 1
  __progress_random=$(
    exec 2>/dev/null
    umask 077
    [ -d "$__progress_dir" ] || mkdir -p "$__progress_dir"
    head -c 1024 /dev/urandom | LC_ALL=C tr -dc 0123456789abcdefghjkmnpqrstvwxyz | cut -c 1-20
  ) || return 1
  [ "${#__progress_random}" = 20 ] || return 1
  __progress_file=$__progress_dir/sh-$$-${__progress_random#??????????}.ndjson
  # shellcheck disable=SC2188 # made here, so that it is for nobody else to read
  (umask 077 && >"$__progress_file") 2>/dev/null && return 0
  __progress_file=
  return 1
}

# of another program `progress` may be the name
__progress_hooks=$(progressd path hooks 2>/dev/null || progress path hooks 2>/dev/null) || __progress_hooks=
if [ -r "$__progress_hooks/emit.sh" ]; then
  # shellcheck source=/dev/null
  . "$__progress_hooks/emit.sh"
  __progress_create || :
fi

# progress_start [NAME] [key=value...]: an execution that is there already becomes the parent.
progress_start() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  [ -n "$__progress_file" ] || return 0
  progress_end
  __progress_name=${__progress_script##*/}
  case ${1-} in
    *=*) ;;
    ?*)
      __progress_name=$1
      shift
      ;;
  esac
  __progress_outer=${PROGRESS_EXECUTION-}
  __progress_outer_step=${PROGRESS_STEP-}
  [ -z "$__progress_outer" ] || set -- "parent=$__progress_outer" "$@"
  __progress_starts=$((__progress_starts + 1))
  __progress_id=${__progress_random%??????????}
  # the next ones of the same script
  [ "$__progress_starts" = 1 ] || __progress_id=$__progress_id-$__progress_starts
  export PROGRESS_EXECUTION="$__progress_id"
  unset PROGRESS_STEP
  __progress_tell execution_started "name=$__progress_name" kind=task "pid:=$$" "cwd=$PWD" "$@"
  # who dies has failed; a script with a trap of its own may call progress_end in it
  if [ "$__progress_starts" = 1 ] && ! __progress_has_trap; then trap 'progress_end "$?"' EXIT; fi
}

# By way of a file: some shells do not tell a subshell of it.
__progress_has_trap() {
  # no name that the daemon would look at
  __progress_part=$__progress_dir/.sh-$$.traps
  { trap >"$__progress_part"; } 2>/dev/null || return 0
  __progress_traps=
  while IFS= read -r __progress_word; do
    __progress_traps="$__progress_traps $__progress_word"
  done <"$__progress_part"
  rm -f "$__progress_part"
  case $__progress_traps in
    *EXIT*) return 0 ;;
  esac
  return 1
}

progress_plan() {
  while [ $# -gt 0 ]; do
    __progress_tell_step step_planned "$1" kind=step
    shift
  done
}

progress_step() {
  __progress_run step "$@"
}

progress_criterion() {
  __progress_run criterion "$@"
}

progress_count() {
  __progress_tell progress "current:=${1-}" ${2:+"total:=$2"} ${3:+"unit=$3"}
}

progress_end() {
  [ -n "$__progress_id" ] || return 0
  # what is open now is what the script did not come back from
  while [ -n "$__progress_open" ]; do __progress_close "${1:-0}"; done
  unset PROGRESS_STEP
  case ${1:-0} in
    0) __progress_tell execution_completed exitCode:=0 ;;
    130) __progress_tell execution_cancelled exitCode:=130 signal=SIGINT ;;
    *) __progress_tell execution_failed "exitCode:=$1" ;;
  esac
  __progress_id=
  PROGRESS_EXECUTION=$__progress_outer
  [ -n "$PROGRESS_EXECUTION" ] || unset PROGRESS_EXECUTION
  __progress_enter "$__progress_outer_step"
}

# __progress_run KIND NAME command...: under `set -e` a command that fails ends the script as it would without us, and the
# trap closes the step. The positional parameters are a function's only own variables.
__progress_run() {
  __progress_tell_step step_started "$2" "kind=$1"
  __progress_open="$__progress_step_id
$__progress_open"
  shift 2
  set -- "${PROGRESS_STEP-}" "$@"
  __progress_enter "$__progress_step_id"
  __progress_call "$@"
  set -- "$?" "$1"
  __progress_close "$1"
  __progress_enter "$2"
  return "$1"
}

__progress_call() {
  shift
  "$@"
}

# __progress_close STATUS: ends the innermost step.
__progress_close() {
  __progress_step_id=${__progress_open%%"
"*}
  __progress_open=${__progress_open#*"
"}
  case $1 in
    0) __progress_tell step_completed --step "$__progress_step_id" ;;
    *) __progress_tell step_failed --step "$__progress_step_id" "exitCode:=$1" "error=exit status $1" ;;
  esac
}

# __progress_enter STEP: that of all who speak from here on, other programs too.
__progress_enter() {
  if [ -n "$1" ]; then
    export PROGRESS_STEP="$1"
  else
    unset PROGRESS_STEP
  fi
}

# __progress_tell_step TYPE NAME PAIR: a step's id is its name behind that of its parent.
__progress_tell_step() {
  __progress_step_id=${PROGRESS_STEP:+$PROGRESS_STEP/}$2
  __progress_tell "$1" --step "$__progress_step_id" "name=$2" ${PROGRESS_STEP:+"parent=$PROGRESS_STEP"} "$3"
}

# __progress_tell ARG...: as `progress emit` would; what a shell cannot build is for the program.
__progress_tell() {
  [ -n "$__progress_file" ] || return 0
  if __progress_build "$@"; then
    __progress_append "$__progress_file" "$__progress_line" || :
  else
    "${__progress_hooks%/*}/bin/progress" emit "$@" </dev/null >/dev/null 2>&1 || :
  fi
}
