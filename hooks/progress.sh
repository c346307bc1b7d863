# The library for scripts, for any POSIX shell, with `set -eu` or without: . "$(progress path sh)"
#
#   progress_start [NAME] [key=value...]   from here on the script is an execution
#   progress_plan NAME...                  steps to come, so that totals are known
#   progress_step [--continue-on-failure] NAME command...
#                                          runs the command as a step, and returns its status
#   progress_criterion [--continue-on-failure] NAME command...
#                                          the same for a criterion of the step
#   progress_count CURRENT [TOTAL] [UNIT]  progress of the step, or of the execution
#   progress_end [STATUS]                  ends the execution; without a status its steps decide the outcome
#
# Events go to a spool file of the script, without a fork for each. Recording prints nothing, and fails nothing that would
# not fail without it.
# shellcheck shell=sh disable=SC2119,SC2120,SC2154

# In zsh $0 is this file.
__progress_script=${ZSH_ARGZERO:-$0}
__progress_file=
__progress_random=
__progress_id=
__progress_step_id=
__progress_starts=0
__progress_newline='
'
# open steps, the innermost first, a line each
__progress_open=
# steps whose last attempt failed, a line each after an empty one; not those that may fail
__progress_failed=$__progress_newline
# the process whose EXIT trap closes steps, the steps that it found open, and whether it started the execution
__progress_process=
__progress_outside=
__progress_is_own=
# zsh can warn of variables that a function creates
__progress_allowed=
__progress_command=
__progress_kind=
__progress_name=
__progress_part=
__progress_rest=
__progress_type=

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
  # created here, so that only this user can read it; zsh would run NULLCMD for a redirection without a command
  (umask 077 && : >"$__progress_file") 2>/dev/null && return 0
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
  # what this script started before ends as it would at the end of the script
  progress_end || :
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
  [ -z "$__progress_outer_step" ] || set -- "parentStep=$__progress_outer_step" "$@"
  [ -z "$__progress_outer" ] || set -- "parent=$__progress_outer" "$@"
  __progress_starts=$((__progress_starts + 1))
  __progress_id=${__progress_random%??????????}
  # the next ones of the same script
  [ "$__progress_starts" = 1 ] || __progress_id=$__progress_id-$__progress_starts
  export PROGRESS_EXECUTION="$__progress_id"
  unset PROGRESS_STEP
  __progress_tell execution_started "name=$__progress_name" kind=task "pid:=$$" "cwd=$PWD" "$@"
  __progress_guard
  __progress_is_own=1
  [ "$__progress_starts" != 1 ] || __progress_set_traps
}

# Sets the EXIT trap of this process. A subshell loses the traps of its shell, and it can end inside a command, by
# `set -e` or `exit`, before the step is closed. A trap of the script stays: it may call progress_end itself.
__progress_guard() {
  [ -n "$__progress_file" ] || return 0
  if __progress_is_guarded; then return 0; fi
  if [ -n "${ZSH_VERSION-}" ]; then
    emulate -L sh
    # under LOCAL_TRAPS the trap would end with this function
    setopt no_local_traps
  fi
  __progress_find_process
  # a subshell of bash prints the traps of its shell until it changes one
  [ -z "${BASH_VERSION-}" ] || [ "$__progress_process" = "$$" ] || trap - URG
  __progress_read_traps || return 0
  if __progress_is_trapped EXIT; then return 0; fi
  __progress_outside=$__progress_open
  __progress_is_own=
  trap '__progress_exit "$?"' EXIT
}

# Is this process __progress_process? Without a fork, and without a variable for it in dash and busybox sh: where they have
# no /proc, the traps are read for each step.
__progress_is_guarded() {
  # shellcheck disable=SC3028
  if [ -n "${ZSH_VERSION-}" ]; then
    [ "$__progress_process" = "$$.$ZSH_SUBSHELL" ]
  elif [ -n "${BASH_VERSION-}" ]; then
    [ "$__progress_process" = "${BASHPID:-$$.$BASH_SUBSHELL}" ]
  else
    # shellcheck disable=SC3013
    [ /proc/self -ef "/proc/${__progress_process:-none}" ]
  fi
}

__progress_find_process() {
  # shellcheck disable=SC3028
  if [ -n "${ZSH_VERSION-}" ]; then
    __progress_process=$$.$ZSH_SUBSHELL
  elif [ -n "${BASH_VERSION-}" ]; then
    __progress_process=${BASHPID:-$$.$BASH_SUBSHELL}
  else
    { IFS=' ' read -r __progress_process __progress_rest </proc/self/stat; } 2>/dev/null || __progress_process=
  fi
}

# Traps for signals that would kill the shell before it could record its end. A trap of the script stays.
__progress_set_traps() {
  [ -z "${ZSH_VERSION-}" ] || setopt no_local_traps
  __progress_read_traps || return 0
  # shellcheck disable=SC2064 # the signal is known now
  for __progress_word in HUP INT TERM; do
    __progress_is_trapped "$__progress_word" || trap "__progress_die $__progress_word \"\$?\"" "$__progress_word"
  done
  # bash runs the trap on EXIT for these as well, with the status of the command before; other shells are killed, and lost
  [ -n "${BASH_VERSION-}" ] || return 0
  # shellcheck disable=SC2064
  for __progress_word in ABRT ALRM PIPE USR1 USR2 VTALRM XCPU XFSZ; do
    __progress_is_trapped "$__progress_word" || trap "__progress_die $__progress_word \"\$?\"" "$__progress_word"
  done
}

# Sets __progress_traps to what `trap` prints. By way of a file: some shells print nothing in a subshell.
__progress_read_traps() {
  # a name that the daemon does not read; the commands of a pipeline in zsh differ in the time alone
  # shellcheck disable=SC3028
  __progress_part=$__progress_dir/.sh-${__progress_process:-$$}${ZSH_VERSION:+-${EPOCHREALTIME-}}.traps
  { trap >"$__progress_part"; } 2>/dev/null || return 1
  __progress_traps=
  {
    while IFS= read -r __progress_word; do
      __progress_traps="$__progress_traps$__progress_word$__progress_newline"
    done <"$__progress_part"
  } 2>/dev/null || return 1
  rm -f "$__progress_part"
}

# __progress_is_trapped NAME: bash prints signals with SIG before their names.
__progress_is_trapped() {
  case $__progress_traps in
    *" $1$__progress_newline"* | *" SIG$1$__progress_newline"*) return 0 ;;
  esac
  return 1
}

# __progress_exit STATUS: the script is over, or a subshell, which closes its own steps alone. A status of 0 says nothing
# about the steps.
__progress_exit() {
  if [ -n "$__progress_is_own" ]; then
    case $1 in
      0) progress_end || : ;;
      *) progress_end "$1" ;;
    esac
  fi
  # 130 is cancelled, as by progress_end; bash gets here by a signal too, with the status of the command before
  case $1${BASH_VERSION:+.bash} in
    130 | 130.* | 0.bash) return 0 ;;
  esac
  while [ -n "$__progress_open" ] && [ "$__progress_open" != "$__progress_outside" ]; do
    __progress_close "$1"
  done
}

# __progress_die SIGNAL STATUS: records the end, then dies of the signal as the script would without a trap.
__progress_die() {
  if [ "$1" = INT ] && __progress_is_survived "$2"; then return "$2"; fi
  case $1 in
    HUP) set -- "$1" 129 ;;
    INT) set -- "$1" 130 ;;
    TERM) set -- "$1" 143 ;;
    *) set -- "$1" "$((128 + $(kill -l "$1")))" ;;
  esac
  __progress_finish execution_cancelled "exitCode:=$2" "signal=SIG$1"
  trap - "$1"
  # $$ is not the process of a subshell
  kill -s "$1" "$(exec sh -c 'echo "$PPID"')"
  exit "$2"
}

# __progress_is_survived STATUS: has a program in the foreground handled SIGINT itself? Then bash goes on with the script.
__progress_is_survived() {
  [ -n "${BASH_VERSION-}" ] && [ "$1" != 130 ] || return 1
  # of progress_step, the command that it runs
  # shellcheck disable=SC3028
  set -- "${BASH_COMMAND-}"
  [ "$1" != '"$@"' ] || set -- "$__progress_command"
  # shellcheck disable=SC3045
  [ "$(type -t "${1%% *}")" = file ]
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

# progress_end [STATUS]: without one a failed step makes it failed, and returns 1.
progress_end() {
  [ -n "$__progress_id" ] || return 0
  case ${1-} in
    '' | completed | failed | cancelled | timeout | 0 | [1-9] | [1-9][0-9] | [1-9][0-9][0-9]) ;;
    *)
      printf 'progress_end: "%s" is no exit status, and none of completed, failed, cancelled, timeout\n' "$1" >&2
      set -- failed
      ;;
  esac
  # an open step is one that the script did not come back from; what is cancelled closes it as well
  while [ -n "$__progress_open" ]; do
    case ${1-} in
      '' | 0 | completed) __progress_close 0 ;;
      130 | [!1-9]*) break ;;
      *) __progress_close "$1" ;;
    esac
  done
  case ${1-} in
    '') ;;
    0) __progress_finish execution_completed exitCode:=0 ;;
    130) __progress_finish execution_cancelled exitCode:=130 signal=SIGINT ;;
    [1-9]*) __progress_finish execution_failed "exitCode:=$1" ;;
    *) __progress_finish "execution_$1" ;;
  esac
  [ -n "$__progress_id" ] || return 0
  # the daemon knows of steps that failed in a subshell as well
  [ "$__progress_failed" != "$__progress_newline" ] || {
    __progress_finish execution_completed inferred:=true
    return 0
  }
  __progress_rest=${__progress_failed#?}
  __progress_part=${__progress_rest%%"$__progress_newline"*}
  while __progress_rest=${__progress_rest#*"$__progress_newline"} && [ -n "$__progress_rest" ]; do
    __progress_part="$__progress_part, ${__progress_rest%%"$__progress_newline"*}"
  done
  __progress_finish execution_failed "error=failed: $__progress_part"
  return 1
}

# __progress_finish TYPE PAIR...: the end of the execution, after which the one around it is the current one again.
__progress_finish() {
  [ -n "$__progress_id" ] || return 0
  unset PROGRESS_STEP
  __progress_tell "$@"
  __progress_id=
  __progress_open=
  __progress_outside=
  __progress_failed=$__progress_newline
  PROGRESS_EXECUTION=$__progress_outer
  [ -n "$PROGRESS_EXECUTION" ] || unset PROGRESS_EXECUTION
  __progress_enter "$__progress_outer_step"
}

# __progress_run KIND [--continue-on-failure] NAME command...: under `set -e` a command that fails ends the script as it
# would without us, and the trap closes the step. The positional parameters are a function's only own variables.
__progress_run() {
  # what an allowed step does may fail as well
  case $__progress_open in
    +*) __progress_allowed=+ ;;
    *) __progress_allowed=- ;;
  esac
  if [ "${2-}" = --continue-on-failure ]; then
    __progress_allowed=+
    __progress_kind=$1
    shift 2
    set -- "$__progress_kind" "$@"
  fi
  [ $# -ge 3 ] || set -- "$1" "${2:-$1}" __progress_misuse "$1"
  __progress_guard
  case $__progress_allowed in
    +) __progress_tell_step step_started "$2" "kind=$1" continueOnFailure:=true ;;
    *) __progress_tell_step step_started "$2" "kind=$1" ;;
  esac
  __progress_open=$__progress_allowed$__progress_step_id$__progress_newline$__progress_open
  __progress_command=${3-}
  shift 2
  set -- "${PROGRESS_STEP-}" "$@"
  __progress_enter "$__progress_step_id"
  __progress_call "$@"
  set -- "$?" "$1"
  __progress_close "$1"
  __progress_enter "$2"
  return "$1"
}

# __progress_misuse KIND: what a step without a command runs, so that it fails.
__progress_misuse() {
  printf 'usage: progress_%s [--continue-on-failure] NAME COMMAND [ARGUMENT...]\n' "$1" >&2
  return 64
}

__progress_call() {
  shift
  "$@"
}

# __progress_close STATUS: ends the innermost step.
__progress_close() {
  __progress_allowed=$__progress_open
  __progress_open=${__progress_open#*"$__progress_newline"}
  __progress_step_id=${__progress_allowed%%"$__progress_newline"*}
  __progress_step_id=${__progress_step_id#?}
  # of an earlier attempt
  __progress_part=$__progress_newline$__progress_step_id$__progress_newline
  case $__progress_failed in
    *"$__progress_part"*)
      __progress_failed=${__progress_failed%%"$__progress_part"*}$__progress_newline${__progress_failed#*"$__progress_part"}
      ;;
  esac
  case $1 in
    0)
      __progress_tell step_completed --step "$__progress_step_id"
      return 0
      ;;
  esac
  case $__progress_allowed in
    -*) __progress_failed=$__progress_failed$__progress_step_id$__progress_newline ;;
  esac
  __progress_tell step_failed --step "$__progress_step_id" "exitCode:=$1" "error=exit status $1"
}

# __progress_enter STEP: that of all who speak from here on, other programs too.
__progress_enter() {
  if [ -n "$1" ]; then
    export PROGRESS_STEP="$1"
  else
    unset PROGRESS_STEP
  fi
}

# __progress_tell_step TYPE NAME PAIR...: the ID of a step is its name after the ID of its parent and a slash.
__progress_tell_step() {
  __progress_step_id=${PROGRESS_STEP:+$PROGRESS_STEP/}$2
  __progress_type=$1
  __progress_name=$2
  shift 2
  __progress_tell "$__progress_type" --step "$__progress_step_id" "name=$__progress_name" \
    ${PROGRESS_STEP:+"parent=$PROGRESS_STEP"} "$@"
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
