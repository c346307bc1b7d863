# Puts what bash-prompt.bash defines where bash calls it: in PROMPT_COMMAND and PS0, or in the lists of bash-preexec. Sourced
# by progress.bash.
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154,SC2178,SC2179 # kept for later; set by the other files; a list or a text

# __progress_flags NAME: sets __progress_caught to the attributes of a variable. It forks: for loading only.
__progress_flags() {
  __progress_caught=$(declare -p "$1" 2>/dev/null) || :
  __progress_caught=${__progress_caught#declare -}
  __progress_caught=${__progress_caught%% *}
}

# What PROMPT_COMMAND holds. What is not the last of a list may fail under `set -e`.
__progress_first='__progress_guarded __progress_finish "$?" && __progress_return 0'
# a trap is shown, and set, only outside of functions
__progress_middle='[[ -f $__progress_scratch.trap ]] && builtin trap -p DEBUG 2>/dev/null >|"$__progress_scratch.trap" || __progress_return 0'
__progress_final='if __progress_guarded __progress_arm; then builtin trap -- "$__progress_trap" DEBUG; fi'

# Puts what is ours around what PROMPT_COMMAND holds.
__progress_install() {
  local __progress_newline=$'\n' __progress_text=
  __progress_flags PROMPT_COMMAND
  case $__progress_caught in
    *r*) return ;;
    *a*) ;;
    *x*)
      # a child that has it, and not these functions, does what it did
      __progress_text=${PROMPT_COMMAND-}
      PROMPT_COMMAND='case ${__progress_pid-} in "$$")'$__progress_newline$__progress_first
      PROMPT_COMMAND+=$__progress_newline$__progress_text$__progress_newline
      PROMPT_COMMAND+=$__progress_middle$__progress_newline$__progress_final
      PROMPT_COMMAND+="$__progress_newline;; *)$__progress_newline${__progress_text:-:}$__progress_newline;; esac"
      return
      ;;
  esac
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    # each element finds $? and PIPESTATUS as the command has left them
    PROMPT_COMMAND=("$__progress_first" ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"} "$__progress_middle" "$__progress_final")
  else
    PROMPT_COMMAND=$__progress_first$__progress_newline${PROMPT_COMMAND-}$__progress_newline
    PROMPT_COMMAND+=$__progress_middle$__progress_newline$__progress_final
  fi
}

# Evaluated when a line has been read, it notes the time and leaves no text.
__progress_ps0='${__progress_none:__progress_read_at=${EPOCHREALTIME//[^0-9]/}}'

__progress_time_lines() {
  __progress_flags PS0
  [[ $__progress_caught != *r* && ${PS0-} != *"$__progress_ps0"* ]] || return 0
  ((BASH_VERSINFO[0] < 5)) || PS0=${PS0-}$__progress_ps0
}

__progress_leave_ps0() {
  [[ ${PS0-} != *"$__progress_ps0"* ]] || PS0=${PS0/"$__progress_ps0"/}
}

# What was loaded after us may have changed what we had set, and options what it means.
__progress_settle() {
  if [[ -z $__progress_preexec_library && ${bash_preexec_imported-}${__bp_imported-} ]]; then
    __progress_adopt
  fi
  if [[ -z $__progress_is_settled ]]; then
    __progress_is_settled=1
    __progress_come_first
  fi
}

# A command put before ours would give us its status for that of the line. A second call of ours does nothing.
__progress_come_first() {
  case ${PROMPT_COMMAND-} in
    "$__progress_first"* | 'case ${__progress_pid-}'*) return ;;
  esac
  [[ -z $__progress_preexec_library ]] || return
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    PROMPT_COMMAND=("$__progress_first" "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND=$__progress_first$'\n'${PROMPT_COMMAND-}
  fi
}

# bash-preexec owns the DEBUG trap and PROMPT_COMMAND, where it takes a command that it does not know for a typed one. It
# calls what is in its lists.
__progress_adopt() {
  __progress_preexec_library=1
  preexec_functions+=(__progress_library_preexec)
  precmd_functions+=(__progress_library_precmd)
  local __progress_element __progress_theirs=
  # of text, not of a list, this would be the characters
  ((${#PROMPT_COMMAND[@]} < 2)) || for __progress_element in "${PROMPT_COMMAND[@]:1}"; do
    case $__progress_element in
      "$__progress_middle" | "$__progress_final") ;;
      *) __progress_theirs+=$__progress_element$'\n' ;;
    esac
  done
  __progress_element=${PROMPT_COMMAND[0]-}
  [[ $__progress_element == *"$__progress_first"* ]] || return 0
  __progress_element=${__progress_element/"$__progress_first"/"$__progress_theirs"}
  __progress_element=${__progress_element/"$__progress_middle"/}
  __progress_element=${__progress_element/"$__progress_final"/}
  unset PROMPT_COMMAND
  PROMPT_COMMAND=$__progress_element
}

__progress_library_preexec() {
  __progress_guarded __progress_begun '' || :
}

__progress_library_precmd() {
  __progress_guarded __progress_finish "$?" || :
  __progress_guarded __progress_arm || :
}

# Sets what is the same in all executions of this shell, and where builtins are caught.
__progress_describe_shell() {
  __progress_shell="\"kind\":\"command\",\"pid\":$$"
  local __progress_tty __progress_private=$__progress_dir
  if __progress_tty=$(tty); then
    __progress_quote "$__progress_tty"
    __progress_shell+=",\"tty\":$__progress_json"
  else
    __progress_tty=$$
  fi
  if [[ ${TMUX_PANE-} ]]; then
    __progress_quote "$TMUX_PANE"
    __progress_shell+=",\"tmux\":$__progress_json"
  fi
  if [[ ${PROGRESS_EXECUTION-} ]]; then
    __progress_quote "$PROGRESS_EXECUTION"
    __progress_shell+=",\"parent\":$__progress_json"
  fi
  # in memory, if there is such a place
  if [[ ${XDG_RUNTIME_DIR-} == /* ]] && (umask 077 && mkdir -p "$XDG_RUNTIME_DIR/progress"); then
    __progress_private=$XDG_RUNTIME_DIR/progress
  fi
  __progress_tty=${__progress_tty#/dev/}
  __progress_scratch=$__progress_private/.bash-${__progress_tty//\//-}
  [[ -e $__progress_scratch ]] || (umask 077 && : >"$__progress_scratch" && : >"$__progress_scratch.trap")
} 2>/dev/null

if [[ -z ${__progress_running+x} ]]; then
  # shellcheck disable=SC2034 # in PS0, which may set the other two
  __progress_none=
  declare -a __progress_read_at
  __progress_ignore_seen=
  __progress_ignore_pattern=
  __progress_armed=
  __progress_running=
  __progress_begin=
  __progress_now=
  __progress_last=
  __progress_trap=
  __progress_cwd=
  __progress_cwd_json=\"\"
  __progress_paused=
  __progress_stopped=$((128 + $(kill -l TSTP)))
  __progress_preexec_library=
  __progress_describe_shell || :
fi

__progress_is_settled=
if [[ -z $__progress_preexec_library && ${bash_preexec_imported-}${__bp_imported-} ]]; then
  __progress_adopt
fi
if [[ -z $__progress_preexec_library && "${PROMPT_COMMAND[*]-}" != *__progress_arm* ]]; then __progress_install || :; fi
__progress_time_lines || :
