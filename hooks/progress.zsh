# Makes each command typed at a zsh prompt an execution, and `progress emit` a function that starts no process.

# The file is sourced a second time without aliases and with the default options of zsh, which its functions then keep.
if [[ ${1-} != --sealed ]]; then
  'builtin' 'emulate' zsh -o no_aliases -o no_xtrace -o local_traps -o extended_glob -c "'builtin' 'source' ${(q)${(%):-%x}} --sealed"
  return
fi
((${+functions[__progress_record]})) && return

# Variables that another shell has exported do not apply to this one.
unset -m '__progress_*' || :
__progress_hooks=${${(%):-%x}:A:h}
emulate sh -o no_aliases -o no_xtrace -c '. "$__progress_hooks/emit.sh"; . "$__progress_hooks/mask.sh"'
zmodload -F zsh/datetime p:EPOCHREALTIME 2>/dev/null
zmodload -F zsh/system b:sysread b:syswrite

# Limit of the recorded command line.
__progress_max_name=2000
__progress_file=
__progress_torn=
# Matches, in lower case, every line in which __progress_mask can find a secret.
__progress_secret_hint='*(pass|token|secret|key|auth|pwd=|pat=|-pin|-pw|cred|://|vault|gh[oprsu]_|glpat-|sk-|xox[a-z]-|akia|asia|aiza|npm_|pypi-|hf_|eyj|k_live_|mysql|mariadb|mongo|login|curl|redis-cli|ldap|smb|zip|7z|openssl|from-literal|sudo)*'
__progress_current=
__progress_started=
# Jobs that Ctrl-Z has paused, and those of them that bg has resumed: process to `ID START`.
typeset -gA __progress_paused __progress_resumed

# Faster version of the function in emit.sh: sets __progress_json to TEXT as a JSON string.
__progress_quote() {
  local text=$1 rare character code
  if [[ $text == *[$'\x01'-$'\x1f\\"']* ]]; then
    text=${${text//\\/\\\\}//\"/\\\"}
    text=${${${text//$'\n'/\\n}//$'\t'/\\t}//$'\r'/\\r}
    rare=${text//[^$'\x01'-$'\x1f']/}
    for character in ${(us::)rare}; do
      code=$(([##16] #character))
      text=${text//$character/\\u${(l:4::0:)code}}
    done
  fi
  __progress_json=\"$text\"
}

# The generator is seeded once by the system, so that the user's sequence of RANDOM does not change.
__progress_seed() {
  local LC_ALL=C drawn character
  sysread -s 8 drawn </dev/urandom 2>/dev/null
  typeset -gi __progress_bits=$(($$ ^ SECONDS))
  for character in ${(s::)drawn}; do ((__progress_bits = (__progress_bits << 8) ^ #character)); done
}

# Sets __progress_word to an ID: ten random letters and digits.
__progress_name() {
  # xorshift; the mask removes copies of the sign bit
  ((__progress_bits ^= __progress_bits << 13))
  ((__progress_bits ^= (__progress_bits >> 7) & 0x1ffffffffffffff))
  ((__progress_bits ^= __progress_bits << 17))
  __progress_word=${(Ll:10::0:)$(([##32] __progress_bits & 0x3ffffffffffff))}
  # without characters that are easily confused
  __progress_word=${${${${__progress_word//i/w}//l/x}//o/y}//u/z}
}

# Chooses the spool file of this shell and creates the directory, once, when the hooks are loaded.
__progress_open() {
  __progress_spool || return
  __progress_name
  __progress_file=$__progress_dir/zsh-$$-$__progress_word.ndjson
  [[ -d $__progress_dir ]] || (umask 077 && mkdir -p -- $__progress_dir) 2>/dev/null
  __progress_create
}

__progress_create() {
  [[ -d $__progress_dir && -w $__progress_dir && ! -e $__progress_file && ! -L $__progress_file ]] || return
  (umask 077 && : >>$__progress_file) 2>/dev/null
}

# Appends LINE to the file of this shell in one write, also from a subshell. After an incomplete line it adds a newline first.
__progress_record() {
  [[ -n $__progress_file ]] || return
  [[ -f $__progress_file ]] || __progress_create || return
  if syswrite -- $__progress_torn$1$'\n' 2>/dev/null >>$__progress_file; then
    __progress_torn=
  else
    __progress_torn=$'\n'
    return 1
  fi
}

# Succeeds if LINE is kept out of the history, or matches PROGRESS_IGNORE.
__progress_is_private() {
  [[ $1 == ' '* ]] && return
  [[ -o hist_ignore_space && ${aliases[${1%%[[:space:]]*}]-} == ' '* ]] && return
  local patterns=${PROGRESS_IGNORE-exit:exit *:logout:fg:fg *:bg:bg *:progress ps*:progress show*:progress logs*:progress watch*:progress run*}
  [[ ${__progress_patterns-} == "$patterns" ]] || __progress_compile "$patterns"
  [[ $1 == ${~__progress_pattern} ]] && return
  [[ -n ${HISTORY_IGNORE-} ]] || return
  # an invalid pattern would be a fatal error
  { { [[ $1 == ${~HISTORY_IGNORE} ]] } always { TRY_BLOCK_ERROR=0 } } 2>/dev/null
}

# Sets __progress_pattern to a pattern that matches any of PATTERNS, in which only * and ? are special.
__progress_compile() {
  local -a patterns
  local character
  __progress_patterns=$1
  patterns=("${(@s.:.)1}")
  for character in '\' '[' ']' '(' ')' '<' '>' '|' '#' '^' '~'; do
    patterns=("${(@)patterns//$character/\\$character}")
  done
  __progress_pattern="(${(j:|:)patterns})"
}

# The user's traps are disabled in this function and restored at its end.
__progress_preexec() {
  trap - DEBUG ZERR
  # the end of the previous line was missed, because another program has set these lists
  [[ -z $__progress_current ]] ||
    __progress_end $__progress_current lost '' "${EPOCHREALTIME-}" '"error":"its end was not seen: precmd_functions was changed"'
  __progress_current=
  # without a history only the third argument is set
  local line=${1:-$3} started=${EPOCHREALTIME-} name cwd
  if ((${#__progress_paused} + ${#__progress_resumed})) && __progress_foreground "$line"; then return 0; fi
  [[ -n $line ]] && ! __progress_is_private "$line" || return 0
  __progress_masked=${line[1,__progress_max_name]}
  # zsh matches this one pattern faster than the many of __progress_mask
  [[ ${(L)__progress_masked} == ${~__progress_secret_hint} ]] && __progress_mask "$__progress_masked"
  __progress_quote "$__progress_masked"
  name=$__progress_json
  __progress_quote "$PWD"
  cwd=$__progress_json
  __progress_name
  __progress_record "{\"type\":\"execution_started\"${started:+,\"time\":$started},\"execution\":\"$__progress_word\",\
\"data\":{\"name\":$name,\"kind\":\"command\",\"argv\":[$name],\"cwd\":$cwd,$__progress_session}}" || return 0
  __progress_current=$__progress_word
  __progress_started=$started
}

__progress_precmd() {
  local -i code=$?
  trap - DEBUG ZERR
  local ended=${EPOCHREALTIME-} type=failed data
  ((${#__progress_paused} + ${#__progress_resumed} == 0)) || __progress_look_at_jobs
  [[ -n $__progress_current ]] || return 0
  data="\"exitCode\":$code"
  if ((code == 0)); then
    type=completed
  elif ((code == 130)); then
    type=cancelled
    data+=',"signal":"SIGINT"'
  elif ((code > 145 && code < 151)) && [[ ${jobstates[*]} == *suspended* ]]; then
    type=paused
    data=
    __progress_find_job '+' && __progress_paused[$__progress_word]="$__progress_current $__progress_started"
  fi
  __progress_end $__progress_current $type "$__progress_started" "$ended" "$data"
  __progress_current=
}

# __progress_end ID TYPE START END DATA
__progress_end() {
  local data=$5
  local -i duration
  if [[ -n $data && -n $3 && -n $4 ]]; then
    ((duration = ($4 - $3) * 1000))
    data+=",\"durationMs\":$((duration > 0 ? duration : 0))"
  fi
  __progress_record "{\"type\":\"execution_$2\"${4:+,\"time\":$4},\"execution\":\"$1\",\"data\":{$data}}"
}

# __progress_find_job + | - | NUMBER: sets __progress_word to the process that leads the job.
__progress_find_job() {
  local state
  case $1 in
    [+-]) state=${jobstates[(r)*:$1:*]-} ;;
    *) state=${jobstates[$1]-} ;;
  esac
  __progress_word=${${state#*:*:}%%=*}
  [[ -n $__progress_word ]]
}

# Makes the job that LINE brings to the foreground the current execution, if it is known. The status of the line is its status.
__progress_foreground() {
  local known job=${${1##[[:space:]]#}%%[[:space:]]#}
  case $job in
    (fg|(fg[[:space:]]##|)%([%+]|))) __progress_find_job + ;;
    ((fg[[:space:]]##|)%-) __progress_find_job - ;;
    ((fg[[:space:]]##|)%<->) __progress_find_job ${job##*%} ;;
    *) return 1 ;;
  esac || return
  known=${__progress_paused[$__progress_word]-${__progress_resumed[$__progress_word]-}}
  [[ -n $known ]] || return
  __progress_current=${known% *}
  __progress_started=${known#* }
  if [[ -n ${__progress_paused[$__progress_word]-} ]]; then
    __progress_end $__progress_current resumed '' "${EPOCHREALTIME-}" ''
  fi
  unset "__progress_paused[$__progress_word]" "__progress_resumed[$__progress_word]"
}

# Records jobs that bg has resumed, and those of them that have ended since the last prompt.
__progress_look_at_jobs() {
  local process known
  for process known in "${(@kv)__progress_paused}"; do
    [[ -z ${jobstates[(r)suspended:*:$process=*]-} ]] || continue
    unset "__progress_paused[$process]"
    __progress_resumed[$process]=$known
    [[ -z ${jobstates[(r)running:*:$process=*]-} ]] || __progress_end ${known% *} resumed '' "${EPOCHREALTIME-}" ''
  done
  for process known in "${(@kv)__progress_resumed}"; do
    [[ -z ${jobstates[(r)*:$process=*]-} ]] || continue
    unset "__progress_resumed[$process]"
    # zsh keeps no status of such a job
    __progress_end ${known% *} lost '' "${EPOCHREALTIME-}" '"error":"ended in the background"'
  done
}

# Sets the fields that all commands of this shell share.
__progress_describe() {
  __progress_session="\"pid\":$$"
  local name value
  for name value in tty "${TTY-}" tmux "${TMUX_PANE-}" parent "${PROGRESS_EXECUTION-}"; do
    [[ -n $value ]] || continue
    __progress_quote "$value"
    __progress_session+=",\"$name\":$__progress_json"
  done
}

# Fast path of __progress_build for a type and pairs without escapes, which is the common case. Returns 1 for other arguments.
__progress_build_plain() {
  local word data
  [[ ${1-} == [a-z_.]## && $#1 -le __progress_max_type && $1 != (journal_note|alert_triggered) ]] || return
  [[ -z ${PROGRESS_EXECUTION-}${PROGRESS_STEP-} ]] || return
  for word in "${@[2,-1]}"; do
    case $word in
      (type|seq|source|n|execution|step|time)(:|)=*) return 1 ;;
      [A-Za-z_][A-Za-z0-9_.-]#:=(true|false|null|(-|)(0|[1-9][0-9]#)(.[0-9]##|)))
        data+=,\"${word%%:=*}\":${word#*:=} ;;
      [A-Za-z_][A-Za-z0-9_.-]#=[^$'\x01'-$'\x1f\\"']#) data+=,\"${word%%=*}\":\"${word#*=}\" ;;
      *) return 1 ;;
    esac
  done
  __progress_line="{\"type\":\"$1\"${EPOCHREALTIME+,\"time\":$EPOCHREALTIME},\"data\":{${data#,}}}"
  (($#__progress_line <= __progress_max_line))
}

function progress {
  if [[ ${1-} == emit ]] && { __progress_build_plain "${@[2,-1]}" || __progress_build "${@[2,-1]}" }; then
    [[ -n $__progress_file ]] || __progress_open
    __progress_record "$__progress_line" && return
  fi
  # commands that list executions omit the line that contains them
  case ${1-} in
    ps|watch|logs) local -x PROGRESS_COMMAND=$__progress_current ;;
  esac
  # another program in PATH may be named progress
  if [[ -x ${__progress_hooks:h}/bin/progress ]]; then
    "${__progress_hooks:h}/bin/progress" "$@"
  else
    command progress "$@"
  fi
}

__progress_load() {
  trap - DEBUG ZERR
  __progress_seed
  [[ -o interactive ]] || return 0
  __progress_describe
  __progress_open
  typeset -ga precmd_functions preexec_functions zshaddhistory_functions
  __progress_join
  zshaddhistory_functions+=(__progress_join)
}

# Adds the hooks to the lists of zsh, again if another program has set the lists. It is the first of precmd_functions, so that
# the time of other functions does not count.
__progress_join() {
  ((precmd_functions[(Ie)__progress_precmd])) || precmd_functions=(__progress_precmd $precmd_functions)
  ((preexec_functions[(Ie)__progress_preexec])) || preexec_functions+=(__progress_preexec)
}

__progress_load
