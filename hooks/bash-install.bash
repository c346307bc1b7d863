# Installs the functions of bash-prompt.bash in PROMPT_COMMAND and PS0, or in the lists of bash-preexec. Sourced by
# progress.bash.
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154,SC2178,SC2179 # evaluated later; set by the other files; a list or a text

# __progress_flags NAME: sets __progress_caught to the attributes of a variable. Before bash 4.4 it forks.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
  __progress_flags() { eval "__progress_caught=\${$1+\${$1@a}}"; }
else
  __progress_flags() {
    __progress_caught=$(declare -p "$1" 2>/dev/null) || :
    __progress_caught=${__progress_caught#declare -}
    __progress_caught=${__progress_caught%% *}
  }
fi

# Since 5.1 PROMPT_COMMAND may be a list, and each element sees $? and PIPESTATUS of the command.
__progress_has_list=
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) || __progress_has_list=1

# Elements for PROMPT_COMMAND. Under `set -e` all but the last of a list may fail.
__progress_first='__progress_guarded __progress_finish "$?" && __progress_return 0'
# a trap can be printed and set only outside of functions
__progress_middle='[[ -f $__progress_scratch.trap ]] && builtin trap -p DEBUG 2>/dev/null >|"$__progress_scratch.trap" || __progress_return 0'
__progress_final='if __progress_guarded __progress_arm "$?"; then builtin trap -- "$__progress_trap" DEBUG; fi'

# Index of the last element in a list: after all that other programs append.
__progress_last_place=99

# Adds the hooks before and after the value of PROMPT_COMMAND, if it can be changed.
__progress_install() {
  local __progress_newline=$'\n' __progress_text='' __progress_attributes
  __progress_flags PROMPT_COMMAND
  __progress_attributes=$__progress_caught
  [[ $__progress_attributes != *r* ]] || return 0
  __progress_find_theirs
  case $__progress_has_list,$__progress_attributes in
    *x*)
      # a child shell that inherits it without these functions runs the original value; a list is not exported
      [[ $__progress_attributes != *a* ]] || unset PROMPT_COMMAND
      __progress_text=${__progress_theirs%"$__progress_newline"}
      PROMPT_COMMAND='case ${__progress_pid-} in "$$")'$__progress_newline$__progress_first
      PROMPT_COMMAND+=$__progress_newline$__progress_text$__progress_newline
      PROMPT_COMMAND+=$__progress_middle$__progress_newline$__progress_final
      PROMPT_COMMAND+="$__progress_newline;; *)$__progress_newline${__progress_text:-:}$__progress_newline;; esac"
      export PROMPT_COMMAND
      __progress_exported=${#PROMPT_COMMAND}
      ;;
    1*)
      PROMPT_COMMAND=("$__progress_first" ${__progress_elements[@]+"${__progress_elements[@]}"} "$__progress_middle")
      PROMPT_COMMAND[__progress_last_place]=$__progress_final
      ;;
    *)
      PROMPT_COMMAND=$__progress_first$__progress_newline$__progress_theirs
      PROMPT_COMMAND+=$__progress_middle$__progress_newline$__progress_final
      ;;
  esac
}

# Sets __progress_elements to the elements of PROMPT_COMMAND without the hooks, and __progress_theirs to the same as one text.
__progress_find_theirs() {
  local __progress_element __progress_begin_mark='case ${__progress_pid-} in "$$")'$'\n'
  __progress_elements=()
  __progress_theirs=
  for __progress_element in ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"}; do
    if [[ $__progress_element == *"$__progress_begin_mark"* ]]; then
      # the part of an exported text that is for this shell; other programs may have added text before or after it
      __progress_element=${__progress_element/"$__progress_begin_mark"/}
      __progress_element=${__progress_element/$'\n;; *)\n'*$'\n;; esac'/}
    fi
    __progress_element=${__progress_element/"$__progress_first"/}
    __progress_element=${__progress_element/"$__progress_middle"/}
    __progress_element=${__progress_element/"$__progress_final"/}
    [[ $__progress_element == *[![:space:]\;]* ]] || continue
    __progress_elements+=("$__progress_element")
    __progress_theirs+=$__progress_element$'\n'
  done
}

# Succeeds if all hooks are in place. A command before them would replace the status of the line.
__progress_is_installed() {
  case ${PROMPT_COMMAND-} in
    'case ${__progress_pid-} in'*) return ;;
    "$__progress_first"*) ;;
    *) return 1 ;;
  esac
  [[ -z $__progress_has_list || ${PROMPT_COMMAND[__progress_last_place]-} == "$__progress_final" ]]
}

# Expressions in PS0, which are evaluated when a line has been read and expand to nothing. The first records the time. The
# second restores the last hook in PROMPT_COMMAND if another program has set that; it counts the lines since the last prompt
# with hooks, and records the status of the previous line, which is lost otherwise. If nothing can or must be restored, its
# index is that of an existing element. An exclamation mark would expand to the number of the history.
__progress_ps0_time='${__progress_none:__progress_read_at=${EPOCHREALTIME//[^0-9]/}}'
__progress_ps0_list='${__progress_none:__progress_lines+=1,__progress_status=$?}${__progress_none/"${PROMPT_COMMAND[${#PROMPT_COMMAND} == __progress_exported ? 0 : __progress_place_${PROMPT_COMMAND+${PROMPT_COMMAND@a}}]:=$__progress_final}"/}'
# for each attribute that PROMPT_COMMAND can have
__progress_place_=$__progress_last_place
__progress_place_a=$__progress_last_place
__progress_place_x=$__progress_last_place
__progress_place_ax=$__progress_last_place
__progress_place_r=0
__progress_place_ar=0
__progress_place_rx=0
__progress_place_arx=0

__progress_time_lines() {
  __progress_flags PS0
  [[ $__progress_caught != *r* && ${PS0-} != *"$__progress_ps0_time"* ]] || return 0
  ((BASH_VERSINFO[0] < 5)) || PS0=${PS0-}$__progress_ps0_time
  [[ -z $__progress_has_list || $__progress_library ]] || PS0+=$__progress_ps0_list
}

__progress_leave_ps0() {
  __progress_drop_from_ps0 "$__progress_ps0_time"
  __progress_drop_from_ps0 "$__progress_ps0_list"
}

__progress_drop_from_ps0() {
  [[ ${PS0-} != *"$1"* ]] || PS0=${PS0/"$1"/}
}

# Checks the hooks again, because programs and options may have changed them since.
__progress_settle() {
  [[ -z $__progress_library ]] || return 0
  if [[ ${BLE_VERSION-} ]]; then
    __progress_adopt_blesh
  elif [[ ${bash_preexec_imported-}${__bp_imported-} ]]; then
    __progress_adopt
  elif ! __progress_is_installed; then
    __progress_install
  fi
}

# bash-preexec owns the DEBUG trap and PROMPT_COMMAND, and takes unknown commands in it for typed ones, so its lists are used.
__progress_adopt() {
  __progress_library=bash-preexec
  preexec_functions+=(__progress_library_preexec)
  precmd_functions+=(__progress_library_precmd)
  __progress_leave_prompt_command
}

# ble.sh reads and runs lines itself, so neither a DEBUG trap nor a history number is available.
__progress_adopt_blesh() {
  __progress_library=ble.sh
  __progress_armed=
  blehook PREEXEC!=__progress_blesh_preexec
  blehook PRECMD!=__progress_blesh_precmd
  __progress_leave_prompt_command
  __progress_leave_ps0
}

# Removes the hooks from the elements.
__progress_leave_prompt_command() {
  __progress_find_theirs
  unset PROMPT_COMMAND
  PROMPT_COMMAND=$__progress_theirs
  __progress_drop_from_ps0 "$__progress_ps0_list"
}

__progress_library_preexec() {
  __progress_guarded __progress_begun '' || :
}

__progress_library_precmd() {
  __progress_guarded __progress_finish "$?" || :
  __progress_guarded __progress_arm || :
}

__progress_blesh_preexec() {
  __progress_guarded __progress_begin_given "$1" || :
}

__progress_blesh_precmd() {
  __progress_guarded __progress_finish "$?" || :
}

# Writes the reason why this shell records nothing to a file for `progress doctor`; the file is empty otherwise.
__progress_note_refusal() {
  set -- "$__progress_dir/.bash-refusal"
  __progress_flags PROMPT_COMMAND
  if [[ -z $__progress_library && $__progress_caught == *r* ]] && ! __progress_is_installed; then
    __progress_is_file "$1" && (umask 077 && printf 'PROMPT_COMMAND is read-only\n' >|"$1")
  elif [[ -s $1 && -f $1 ]]; then
    : >|"$1"
  fi
} 2>/dev/null

# Sets the fields that all executions of this shell share, and the file that captures the output of builtins.
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
  # a file system in memory, if there is one
  if [[ ${XDG_RUNTIME_DIR-} == /* ]] && (umask 077 && mkdir -p "$XDG_RUNTIME_DIR/progress"); then
    __progress_private=$XDG_RUNTIME_DIR/progress
  fi
  __progress_tty=${__progress_tty#/dev/}
  __progress_scratch=$__progress_private/.bash-${__progress_tty//\//-}
  [[ -e $__progress_scratch ]] || (umask 077 && : >"$__progress_scratch" && : >"$__progress_scratch.trap")
} 2>/dev/null

if [[ -z ${__progress_running+x} ]]; then
  # shellcheck disable=SC2034 # in PS0, which sets the next three
  __progress_none=
  declare -a __progress_read_at __progress_lines __progress_status
  __progress_exported=-1
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
  __progress_stopped=$((128 + $(builtin kill -l TSTP)))
  __progress_library=
  __progress_describe_shell || :
fi

__progress_time_lines || :
__progress_guarded __progress_settle || :
[[ -z $__progress_file ]] || __progress_note_refusal || :
