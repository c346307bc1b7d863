# Library for scripts in any POSIX shell, with `set -eu` or without: . "$(progress path sh)"
#
#   progress_start [NAME] [key=value...]   makes the script an execution
#   progress_plan NAME...                  announces steps, so that totals are known
#   progress_step [--continue-on-failure] NAME command...
#                                          runs the command as a step, and returns its status
#   progress_criterion [--continue-on-failure] NAME command...
#                                          the same for a criterion of the step
#   progress_count CURRENT [TOTAL] [UNIT]  sets the progress of the step, or of the execution
#   progress_end [STATUS]                  ends the execution; without a status its steps determine the outcome
#
# Events are appended to a spool file of the script, without a fork for each. Recording prints nothing, and does not change
# whether the script succeeds.
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
# open steps, one per line, the innermost first
__progress_open=
# steps whose last attempt failed and that may not fail, one per line after an empty line
__progress_failed=$__progress_newline
# process whose EXIT trap closes steps, the steps that were open in it before, and whether it started the execution
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

# Chooses a random name for the file and the execution. These are the only forks.
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

# another program may be named progress
__progress_hooks=$(progressd path hooks 2>/dev/null || progress path hooks 2>/dev/null) || __progress_hooks=
if [ -r "$__progress_hooks/emit.sh" ]; then
  # shellcheck source=/dev/null
  . "$__progress_hooks/emit.sh"
  __progress_create || :
fi

# progress_start [NAME] [key=value...]: starts an execution; the current one becomes its parent.
progress_start() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  [ -n "$__progress_file" ] || return 0
  # a previous execution of this script ends as it would at the end of the script
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
  # later executions of the same script
  [ "$__progress_starts" = 1 ] || __progress_id=$__progress_id-$__progress_starts
  export PROGRESS_EXECUTION="$__progress_id"
  unset PROGRESS_STEP
  __progress_submit execution_started "name=$__progress_name" kind=task "pid:=$$" "cwd=$PWD" "$@"
  __progress_guard
  __progress_is_own=1
  [ "$__progress_starts" != 1 ] || __progress_set_traps
}

# Sets the EXIT trap of this process. A subshell does not inherit traps, and can end inside a command, by `set -e` or `exit`,
# before the step is closed. A trap of the script is kept: it may call progress_end itself.
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

# Succeeds if this process is __progress_process, without a fork. dash and busybox sh have no variable for the process ID;
# without /proc they read the traps for each step.
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

# Sets traps for signals that would kill the shell before it records its end. A trap of the script is kept.
__progress_set_traps() {
  [ -z "${ZSH_VERSION-}" ] || setopt no_local_traps
  __progress_read_traps || return 0
  # shellcheck disable=SC2064 # the signal is known now
  for __progress_word in HUP INT TERM; do
    __progress_is_trapped "$__progress_word" || trap "__progress_die $__progress_word \"\$?\"" "$__progress_word"
  done
  # bash runs the EXIT trap for these too, with the status of the previous command; in other shells the execution is lost
  [ -n "${BASH_VERSION-}" ] || return 0
  # shellcheck disable=SC2064
  for __progress_word in ABRT ALRM PIPE USR1 USR2 VTALRM XCPU XFSZ; do
    __progress_is_trapped "$__progress_word" || trap "__progress_die $__progress_word \"\$?\"" "$__progress_word"
  done
}

# Sets __progress_traps to the output of `trap`, through a file, because some shells print nothing in a subshell.
__progress_read_traps() {
  # a name that the daemon ignores; in zsh only the time differs between the commands of a pipeline
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

# __progress_is_trapped NAME: succeeds if the script has a trap. bash prints signals with the prefix SIG.
__progress_is_trapped() {
  case $__progress_traps in
    *" $1$__progress_newline"* | *" SIG$1$__progress_newline"*) return 0 ;;
  esac
  return 1
}

# __progress_exit STATUS: runs at the end of the script, or of a subshell, which closes only its own steps. A status of 0 says
# nothing about the steps.
__progress_exit() {
  if [ -n "$__progress_is_own" ]; then
    case $1 in
      0) progress_end || : ;;
      *) progress_end "$1" ;;
    esac
  fi
  # 130 means cancelled, as in progress_end; bash runs this after a signal too, with the status of the previous command
  case $1${BASH_VERSION:+.bash} in
    130 | 130.* | 0.bash) return 0 ;;
  esac
  while [ -n "$__progress_open" ] && [ "$__progress_open" != "$__progress_outside" ]; do
    __progress_close "$1"
  done
}

# __progress_die SIGNAL STATUS: records the end, then dies of the signal, as the script would without a trap.
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

# __progress_is_survived STATUS: succeeds if a program in the foreground handled SIGINT itself; then bash continues the script.
__progress_is_survived() {
  [ -n "${BASH_VERSION-}" ] && [ "$1" != 130 ] || return 1
  # inside progress_step, the command that it runs
  # shellcheck disable=SC3028
  set -- "${BASH_COMMAND-}"
  [ "$1" != '"$@"' ] || set -- "$__progress_command"
  # shellcheck disable=SC3045
  [ "$(type -t "${1%% *}")" = file ]
}

progress_plan() {
  while [ $# -gt 0 ]; do
    __progress_submit_step step_planned "$1" kind=step
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
  __progress_submit progress "current:=${1-}" ${2:+"total:=$2"} ${3:+"unit=$3"}
}

# progress_end [STATUS]: ends the execution; without a status it fails, and returns 1, if a step has failed.
progress_end() {
  [ -n "$__progress_id" ] || return 0
  case ${1-} in
    '' | completed | failed | cancelled | timeout | 0 | [1-9] | [1-9][0-9] | [1-9][0-9][0-9]) ;;
    *)
      printf 'progress_end: "%s" is neither an exit status nor one of completed, failed, cancelled, timeout\n' "$1" >&2
      set -- failed
      ;;
  esac
  # the script did not return from an open step; the daemon closes the steps of a cancelled execution
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
  # the daemon also knows the steps that failed in a subshell
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

# __progress_finish TYPE PAIR...: ends the execution and makes its parent the current one.
__progress_finish() {
  [ -n "$__progress_id" ] || return 0
  unset PROGRESS_STEP
  __progress_submit "$@"
  __progress_id=
  __progress_open=
  __progress_outside=
  __progress_failed=$__progress_newline
  PROGRESS_EXECUTION=$__progress_outer
  [ -n "$PROGRESS_EXECUTION" ] || unset PROGRESS_EXECUTION
  __progress_enter "$__progress_outer_step"
}

# __progress_run KIND [--continue-on-failure] NAME command...: runs a step. Under `set -e` a command that fails ends the script,
# as it would without the library, and the trap closes the step. Positional parameters serve as local variables.
__progress_run() {
  # steps inside a step that may fail may fail too
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
    +) __progress_submit_step step_started "$2" "kind=$1" continueOnFailure:=true ;;
    *) __progress_submit_step step_started "$2" "kind=$1" ;;
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

# __progress_misuse KIND: command of a step without one; it prints the usage and fails.
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
  # removes the failure of an earlier attempt
  __progress_part=$__progress_newline$__progress_step_id$__progress_newline
  case $__progress_failed in
    *"$__progress_part"*)
      __progress_failed=${__progress_failed%%"$__progress_part"*}$__progress_newline${__progress_failed#*"$__progress_part"}
      ;;
  esac
  case $1 in
    0)
      __progress_submit step_completed --step "$__progress_step_id"
      return 0
      ;;
  esac
  case $__progress_allowed in
    -*) __progress_failed=$__progress_failed$__progress_step_id$__progress_newline ;;
  esac
  __progress_submit step_failed --step "$__progress_step_id" "exitCode:=$1" "error=exit status $1"
}

# __progress_enter STEP: makes STEP the current step of this script and of the programs that it starts.
__progress_enter() {
  if [ -n "$1" ]; then
    export PROGRESS_STEP="$1"
  else
    unset PROGRESS_STEP
  fi
}

# __progress_submit_step TYPE NAME PAIR...: emits an event of a step, whose ID is that of its parent, a slash and its name.
__progress_submit_step() {
  __progress_step_id=${PROGRESS_STEP:+$PROGRESS_STEP/}$2
  __progress_type=$1
  __progress_name=$2
  shift 2
  __progress_submit "$__progress_type" --step "$__progress_step_id" "name=$__progress_name" \
    ${PROGRESS_STEP:+"parent=$PROGRESS_STEP"} "$@"
}

# __progress_submit ARG...: emits an event like `progress emit`, and runs that program for arguments that need Node.
__progress_submit() {
  [ -n "$__progress_file" ] || return 0
  if __progress_build "$@"; then
    __progress_append "$__progress_file" "$__progress_line" || :
  else
    "${__progress_hooks%/*}/bin/progress" emit "$@" </dev/null >/dev/null 2>&1 || :
  fi
}
