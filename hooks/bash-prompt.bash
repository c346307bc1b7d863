# Records each command typed at a bash prompt as an execution in the file of its shell. Sourced by progress.bash.
#
# A DEBUG trap detects the start of a line. It is set at the prompt and removed at the first command of a line, so that loops
# are not slowed down. PROMPT_COMMAND detects the end. The number of the command (\# of prompts) distinguishes a typed line
# from commands of completion, key bindings and other prompt commands, and reveals lines for which DEBUG is not called (a
# subshell, a function definition): those are recorded when they have ended.
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2119,SC2120,SC2154 # evaluated later; set by set --; set by the other files

# __progress_guarded COMMAND...: runs it without error output or tracing, and exports no variable that it sets.
__progress_guarded() {
  case $- in
    *a*)
      set +a
      "$@"
      set -- "$?"
      set -a
      return "$1"
      ;;
  esac
  "$@"
} 2>/dev/null

# __progress_return STATUS [LAST]: returns STATUS and sets $_ to LAST.
__progress_return() {
  return "$1"
}

# __progress_catch COMMAND...: sets __progress_caught to the output of a builtin; a command substitution would fork. The file
# is not truncated, which is slow on some file systems: a NUL marks the end, and blanks overwrite the output at once, because
# it may contain a secret. A character has at most four bytes.
__progress_catch() {
  __progress_caught=
  [[ -f $__progress_scratch ]] || __progress_is_file "$__progress_scratch" || return 1
  {
    builtin "$@"
    builtin printf '\0'
  } 1<>"$__progress_scratch" || return 1
  IFS= builtin read -r -d '' __progress_caught <"$__progress_scratch"
  set -- "$?"
  builtin printf '%*s' "$((4 * ${#__progress_caught} + 1))" '' 1<>"$__progress_scratch"
  return "$1"
}

# Succeeds if a line may have been read since the prompt. Before bash 4.4 only some of the other cases are detected.
# shellcheck disable=SC2034 # used by prompt expansion
__progress_count_escape='\#'
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
  __progress_is_line() { [[ ${__progress_count_escape@P} != "$__progress_count_before" ]]; }
  __progress_count() { __progress_count_before=${__progress_count_escape@P}; }
else
  __progress_is_line() { [[ -z ${COMP_LINE+x}${READLINE_LINE+x} && $1 == begun ]]; }
  __progress_count() { :; }
fi

# __progress_find_line begun|over: sets __progress_text to the line as typed. Fails if it was kept out of the history.
__progress_find_line() {
  if [[ ! -o history || ${HISTSIZE-} == 0 ]]; then
    __progress_text=$BASH_COMMAND
    [[ $1 == begun ]]
    return
  fi
  if local HISTTIMEFORMAT=''; then
    __progress_catch history 1 || return 1
    # format: number, mark, space, line
    __progress_text=${__progress_caught#*[0-9][ *] }
  else
    # HISTTIMEFORMAT is read-only; fc prints no time, and a tab after the number
    __progress_catch fc -l -1 || return 1
    __progress_text=${__progress_caught#*[0-9]$'\t'[ *]}
  fi
  set -- "$1" " ${__progress_caught:0:${#__progress_caught}-${#__progress_text}-2}"
  __progress_text=${__progress_text%$'\n'}
  [[ $2 == *" $__progress_next_number" ]] || __progress_is_repeated "$1"
}

# The newest line of the history is old: decides whether it was typed again, or another line was kept out of the history.
__progress_is_repeated() {
  case ${HISTCONTROL-} in
    *dups* | *ignoreboth*) ;;
    *) return 1 ;;
  esac
  if [[ $1 == over ]]; then
    # a line for which DEBUG was not called, so nothing else is known
    [[ $__progress_text == '('* ]]
    return
  fi
  local __progress_word=${__progress_text%%[[:space:]]*} __progress_typed=$__progress_text
  if __progress_catch alias "$__progress_word" && [[ $__progress_caught == alias*=* ]]; then
    eval "__progress_typed=${__progress_caught#*=}"
    __progress_typed+=${__progress_text#"$__progress_word"}
  fi
  __progress_typed=${__progress_typed//[[:space:]]/}
  local __progress_command=${BASH_COMMAND//[[:space:]]/}
  case $__progress_typed in
    "$__progress_command" | "$__progress_command"[\;\&\|]*) ;;
    [\(\{!]*"$__progress_command"* | if*"$__progress_command"* | while*"$__progress_command"* | until*"$__progress_command"* | time*"$__progress_command"*) ;;
    *) return 1 ;;
  esac
}

# Opens an execution for a line that ble.sh runs.
__progress_begin_given() {
  __progress_begin=${EPOCHREALTIME-}
  __progress_begin=${__progress_begin//[!0-9]/}
  __progress_text=$1
  __progress_begin_text
}

# Succeeds if the line is not to be recorded.
__progress_is_ignored() {
  [[ $__progress_text && $__progress_text != [[:space:]]* ]] || return 0
  [[ ${PROGRESS_IGNORE-unset} == "$__progress_ignore_seen" ]] || __progress_split_ignore
  __progress_matches "$__progress_text" "$__progress_ignore_pattern"
}

# __progress_matches TEXT PATTERN
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 401)) || shopt -q extglob; then
  # shellcheck disable=SC2053 # a pattern
  __progress_matches() { [[ $1 == $2 ]]; }
else
  __progress_matches() {
    shopt -s extglob
    # shellcheck disable=SC2053 # a pattern
    [[ $1 == $2 ]]
    set -- "$?"
    shopt -u extglob
    return "$1"
  }
fi

# Joins the patterns, because one pattern is faster than many.
__progress_split_ignore() {
  __progress_ignore_seen=${PROGRESS_IGNORE-unset}
  __progress_ignore_pattern=${PROGRESS_IGNORE-'exit:exit *:logout:fg:fg *:bg:bg *:progress ps*:progress show*:progress logs*:progress watch*:progress run*'}
  __progress_ignore_pattern="@(${__progress_ignore_pattern//:/|})"
}

# Limit of the recorded command line.
__progress_max_text=2000

# __progress_begin_line begun|over: opens an execution for the line, unless it is not to be recorded.
__progress_begin_line() {
  # bash before 5 has no clock; the daemon sets the time
  if [[ $__progress_read_at || $1 == over ]]; then
    __progress_begin=$__progress_read_at
  else
    __progress_begin=${EPOCHREALTIME-}
    __progress_begin=${__progress_begin//[!0-9]/}
  fi
  __progress_find_line "$1" || return 0
  __progress_begin_text
}

# The same for the line in __progress_text.
__progress_begin_text() {
  if [[ $__progress_paused ]] && __progress_resume; then return 0; fi
  if __progress_is_ignored; then return 0; fi
  [[ $PWD == "$__progress_cwd" ]] || __progress_enter
  __progress_mask "${__progress_text:0:__progress_max_text}"
  __progress_quote "$__progress_masked"
  __progress_create_id
  __progress_running=$__progress_id
  __progress_event started "$__progress_begin" \
    "\"name\":$__progress_json,\"argv\":[$__progress_json],\"cwd\":$__progress_cwd_json,$__progress_shell"
}

__progress_enter() {
  __progress_cwd=$PWD
  __progress_quote "$PWD"
  __progress_cwd_json=$__progress_json
}

# __progress_event WHAT TIME DATA: writes an event of the running execution.
__progress_event() {
  __progress_put "{\"type\":\"execution_$1\"${2:+,\"time\":${2%??????}.${2: -6}},\"execution\":\"$__progress_running\",\"data\":{$3}}"
}

# __progress_finish STATUS: ends the execution of the running line, if there is one.
__progress_finish() {
  __progress_now=${EPOCHREALTIME-}
  __progress_now=${__progress_now//[!0-9]/}
  if [[ $__progress_running && $__progress_lines -gt 1 ]]; then
    __progress_miss
    __progress_next_number=$((__progress_next_number + __progress_lines - 1))
    __progress_armed=1
  fi
  if [[ $__progress_armed ]]; then
    __progress_armed=
    if __progress_is_line over; then __progress_begin_line over; fi
  fi
  case $__progress_running:$1 in
    :*) ;;
    *:"$__progress_stopped") __progress_pause ;;
    *) __progress_end "$1" ;;
  esac
  return "$1"
}

# Handles lines whose end was missed because another program had replaced the hooks. For the line before this one the status
# is known, but not the time of its end.
__progress_miss() {
  if ((__progress_lines == 2)) && [[ ${__progress_status-} ]]; then
    set -- "$__progress_now" "$__progress_read_at"
    __progress_begin=''
    __progress_now=$2
    __progress_end "$__progress_status"
    __progress_now=$1
  else
    __progress_event lost "$__progress_now" '"error":"its end was not seen: PROMPT_COMMAND was changed"'
    __progress_running=
  fi
}

# __progress_end STATUS
__progress_end() {
  set -- "$1" "\"exitCode\":$1"
  if [[ $__progress_begin && $__progress_now ]]; then
    set -- "$1" "$2,\"durationMs\":$((__progress_now > __progress_begin ? (__progress_now - __progress_begin) / 1000 : 0))"
  fi
  case $1 in
    0) __progress_event completed "$__progress_now" "$2" ;;
    130) __progress_event cancelled "$__progress_now" "$2,\"signal\":\"SIGINT\"" ;;
    *) __progress_event failed "$__progress_now" "$2" ;;
  esac
  __progress_running=
}

# Handles Ctrl-Z: fg resumes the job and has its status. The end of a job that bg resumes is not observed.
__progress_pause() {
  __progress_event paused "$__progress_now" ''
  __progress_paused="$__progress_running $__progress_begin:$__progress_paused"
  __progress_running=
}

# Makes the job that __progress_text resumes the running execution, if it is known.
__progress_resume() {
  case $__progress_text in
    fg | fg\ +* | fg\ %+ | fg\ %%) ;;
    fg\ * | %*) [[ $__progress_paused == *:?* ]] && return 1 ;;
    *) return 1 ;;
  esac
  [[ $__progress_paused ]] || return 1
  __progress_running=${__progress_paused%% *}
  __progress_begin=${__progress_paused#* }
  __progress_begin=${__progress_begin%%:*}
  __progress_paused=${__progress_paused#*:}
  local __progress_now=${EPOCHREALTIME-}
  __progress_event resumed "${__progress_now//[!0-9]/}" ''
}

# __progress_begun LAST: succeeds at the first command of a line. LAST is the $_ to restore.
__progress_begun() {
  # the first command of PROMPT_COMMAND, after a line for which DEBUG was not called
  [[ $__progress_armed && $BASH_SUBSHELL == 0 && $BASH_COMMAND != __progress_guarded* ]] && __progress_is_line begun || return 1
  __progress_armed=
  __progress_last=$1
  __progress_begin_line begun
  return 0
}

# DEBUG trap if the user has none; it removes itself at the first command of a line.
__progress_trap_alone='if __progress_guarded __progress_begun "$_"; then builtin trap - DEBUG; __progress_return 0 "$__progress_last"; fi'

# __progress_arm STATUS: prepares for the next line. Succeeds if the DEBUG trap is to be set to __progress_trap.
__progress_arm() {
  # the first hook was replaced, or ran too late
  [[ -z $__progress_running$__progress_armed ]] || __progress_finish "$1"
  if [[ ${PROMPT_COMMAND-} != "$__progress_first" || ${PROMPT_COMMAND[__progress_last_place]-} != "$__progress_final" ||
    ${BLE_VERSION-}${bash_preexec_imported-}${__bp_imported-} ]]; then
    __progress_settle
    [[ $__progress_library != ble.sh ]] || return 1
  fi
  # without promptvars the expressions of the prompt would be displayed
  [[ ${BASHOPTS-} == *promptvars* && ${EPOCHREALTIME-} ]] || __progress_leave_ps0
  __progress_read_at=
  __progress_lines=
  __progress_next_number=${HISTCMD-}
  __progress_count
  __progress_armed=1
  [[ -z $__progress_library ]] || return 1
  __progress_trap=$__progress_trap_alone
  [[ ! -f $__progress_scratch.trap || -s $__progress_scratch.trap ]] || return 0
  __progress_chain
}

# Appends the hook to a DEBUG trap of the user. Fails if it is already there, or if the trap cannot be read.
__progress_chain() {
  if [[ ! -f $__progress_scratch.trap ]]; then
    if __progress_is_file "$__progress_scratch.trap"; then : >>"$__progress_scratch.trap"; fi
    return 1
  fi
  local __progress_theirs
  IFS= builtin read -r -d '' __progress_theirs <"$__progress_scratch.trap"
  [[ $__progress_theirs != *__progress_* ]] || return 1
  eval "set -- $__progress_theirs"
  # the output for no trap under `set -o posix`
  [[ $3 != - ]] || return 0
  # the user's trap does not see the commands of the hooks, and sees the original $?; its status counts (`shopt -s extdebug`)
  __progress_trap='case ${FUNCNAME-$BASH_COMMAND} in *__progress_*) ;; *)'$'\n'"$3"$'\n'
  __progress_trap+=';; esac'$'\n''__progress_chained "$?" "$_"'
}

# __progress_chained STATUS LAST
__progress_chained() {
  if [[ $__progress_armed ]]; then __progress_guarded __progress_begun "$2" || :; fi
  return "$1"
}
