# Converts the arguments of `progress emit` to a line of the spool, in any POSIX shell and without a fork. It implements the
# simple part of src/cli/commands/emit/arguments.ts. Sourced by bin/progress, the library for scripts and the shell hooks.
# shellcheck shell=sh

__progress_letters=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_
__progress_digits=0123456789
__progress_in_keys=$__progress_letters$__progress_digits.-
__progress_newline='
'
__progress_tab='	'
__progress_escapes=
# In a locale whose characters are bytes, the first byte of the C1 control characters; otherwise some control character.
__progress_c1=©
__progress_c1=${__progress_c1%?}
__progress_c1=${__progress_c1:-$__progress_newline}

# Half the limits of src/core/events/identifier.ts, which counts some characters as two. Longer names are passed to Node.
__progress_max_type=64
__progress_max_id=128
# Quoting takes time proportional to length times escapes; for longer texts, starting Node is faster.
__progress_max_escaped=8192
__progress_max_line=100000

# Other shells have no clock; a variable EPOCHREALTIME was inherited there.
__progress_has_clock=
case ${BASH_VERSION-} in
  '' | [1-4].*) ;;
  *) __progress_has_clock=1 ;;
esac
if [ -n "${ZSH_VERSION-}" ] && zmodload zsh/datetime 2>/dev/null; then __progress_has_clock=1; fi

# __progress_quote TEXT: sets __progress_json to TEXT as a JSON string.
__progress_quote() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  case $1 in
    *[[:cntrl:]]* | *\"* | *\\*) ;;
    *)
      __progress_json=\"$1\"
      return 0
      ;;
  esac
  __progress_rest=$1
  __progress_json=\"
  while :; do
    __progress_part=${__progress_rest%%[[:cntrl:]\"\\]*}
    __progress_json=$__progress_json$__progress_part
    __progress_rest=${__progress_rest#"$__progress_part"}
    case $__progress_rest in
      '') break ;;
      \"*) __progress_json=$__progress_json\\\" ;;
      \\*) __progress_json=$__progress_json\\\\ ;;
      "$__progress_newline"*) __progress_json=$__progress_json\\n ;;
      "$__progress_tab"*) __progress_json=$__progress_json\\t ;;
      *) __progress_escape "${__progress_rest%"${__progress_rest#?}"}" ;;
    esac
    __progress_rest=${__progress_rest#?}
  done
  __progress_json=$__progress_json\"
}

# __progress_escape CHARACTER: appends the escape of one of the rarer control characters to __progress_json.
__progress_escape() {
  [ -n "$__progress_escapes" ] || __progress_list_escapes
  case $__progress_escapes in
    *"$1"*)
      __progress_part=${__progress_escapes#*"$1"}
      __progress_json=$__progress_json\\${__progress_part%%[[:cntrl:]]*}
      ;;
    # a control character of the locale, which JSON does not escape
    *) __progress_json=$__progress_json$1 ;;
  esac
}

# Lists the rarer control characters, each followed by its escape without the backslash.
__progress_list_escapes() {
  # shellcheck disable=SC3003 # a shell without this quoting keeps the $
  __progress_escapes=$'\001u0001\002u0002\003u0003\004u0004\005u0005\006u0006\007u0007\010b\013u000b\014f\015r\016u000e\017u000f\020u0010\021u0011\022u0012\023u0013\024u0014\025u0015\026u0016\027u0017\030u0018\031u0019\032u001a\033u001b\034u001c\035u001d\036u001e\037u001f\177u007f'
  case $__progress_escapes in
    \$*)
      # dash has no other way to write them; this happens once
      # shellcheck disable=SC2059 # the format is a constant
      __progress_escapes=$(printf "$__progress_escapes")
      ;;
  esac
}

# __progress_build ARG...: sets __progress_line to the event that the arguments of `progress emit` describe. Returns 1 if they
# are invalid or not simple enough: then Node handles them, and reports errors. Plain pairs are handled without a function
# call, which would take as long as the work.
__progress_build() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  __progress_type=
  __progress_time=
  __progress_execution=
  __progress_step=
  __progress_data=
  # values of the options, which take precedence over pairs of the same name
  __progress_own_execution=
  __progress_own_step=
  # the option whose value is the next word, or `--` when no option can follow
  __progress_option=
  for __progress_word in "$@"; do
    case $__progress_option in
      '' | --) ;;
      *)
        __progress_take_option "$__progress_option" "$__progress_word" || return 1
        __progress_option=
        continue
        ;;
    esac
    case $__progress_word in
      -*)
        [ -z "$__progress_option" ] || return 1
        case $__progress_word in
          --execution | --step | --) __progress_option=$__progress_word ;;
          --execution=* | --step=*)
            __progress_take_option "${__progress_word%%=*}" "${__progress_word#*=}" || return 1
            ;;
          *) return 1 ;;
        esac
        continue
        ;;
      # JSON
      "{"*) return 1 ;;
    esac
    if [ -z "$__progress_type" ]; then
      if __progress_is_pair "$__progress_word"; then return 1; fi
      [ -n "$__progress_word" ] || return 1
      __progress_type=$__progress_word
      continue
    fi
    case $__progress_word in
      [!"$__progress_letters"]*) return 1 ;;
      *=*) ;;
      *) return 1 ;;
    esac
    __progress_key=${__progress_word%%=*}
    __progress_value=${__progress_word#*=}
    case $__progress_key in
      *[!"$__progress_in_keys"]*) __progress_take_json || return 1 ;;
      execution | step | time | type | source | seq | n) __progress_take_field || return 1 ;;
      *)
        case $__progress_value in
          *[[:cntrl:]\"\\]*)
            [ "${#__progress_value}" -le "$__progress_max_escaped" ] || return 1
            __progress_quote "$__progress_value"
            ;;
          *) __progress_json=\"$__progress_value\" ;;
        esac
        # of a repeated key, JSON parsers take the last value
        __progress_data=$__progress_data,\"$__progress_key\":$__progress_json
        ;;
    esac
  done
  case $__progress_option in
    '' | --) ;;
    *) return 1 ;;
  esac

  # an execution that a user gives may be a name or a prefix; that of the environment is an ID
  __progress_lookup=${__progress_own_execution:-$__progress_execution}
  __progress_inherited=
  [ -n "$__progress_lookup" ] || __progress_inherited=${PROGRESS_EXECUTION-}
  __progress_execution=${__progress_own_execution:-${__progress_execution:-${PROGRESS_EXECUTION-}}}
  __progress_step=${__progress_own_step:-$__progress_step}
  # an inherited step is not a step of another execution
  if [ -z "$__progress_step" ] && [ "$__progress_execution" = "${PROGRESS_EXECUTION-}" ]; then
    __progress_step=${PROGRESS_STEP-}
  fi
  if [ -z "$__progress_time" ] && [ -n "$__progress_has_clock" ]; then
    # shellcheck disable=SC3028 # some locales have a decimal comma
    __progress_time=${EPOCHREALTIME%[.,]*}.${EPOCHREALTIME#*[.,]}
  fi
  case $__progress_type in
    '' | journal_note | alert_triggered) return 1 ;; # only the daemon writes these
  esac
  __progress_names=$__progress_type$__progress_execution$__progress_step
  # long names are checked one by one, like those that need quotes
  [ "${#__progress_names}" -le "$__progress_max_type" ] || __progress_names=\"
  case $__progress_names in
    *[[:cntrl:]\"\\]* | *"$__progress_c1"*) __progress_quote_names || return 1 ;;
    *)
      __progress_type=\"$__progress_type\"
      __progress_execution=${__progress_execution:+\"$__progress_execution\"}
      __progress_step=${__progress_step:+\"$__progress_step\"}
      ;;
  esac
  __progress_line="{\"type\":$__progress_type${__progress_time:+,\"time\":$__progress_time}"
  __progress_line=$__progress_line${__progress_execution:+,\"execution\":$__progress_execution}
  __progress_line=$__progress_line${__progress_lookup:+,\"lookup\":true}${__progress_inherited:+,\"inherited\":true}
  __progress_line="$__progress_line${__progress_step:+,\"step\":$__progress_step},\"data\":{${__progress_data#,}}}"
  [ "${#__progress_line}" -le "$__progress_max_line" ]
}

# __progress_take_option NAME VALUE: sets the value of an option; fails if it is repeated.
__progress_take_option() {
  [ -n "$2" ] || return 1
  case $1 in
    --step)
      [ -z "$__progress_own_step" ] || return 1
      __progress_own_step=$2
      ;;
    *)
      [ -z "$__progress_own_execution" ] || return 1
      __progress_own_execution=$2
      ;;
  esac
}

# __progress_is_pair WORD: succeeds if it begins with a key.
__progress_is_pair() {
  case $1 in
    [!"$__progress_letters"]*) return 1 ;;
    *=*) ;;
    *) return 1 ;;
  esac
  __progress_part=${1%%=*}
  case ${__progress_part%:} in
    *[!"$__progress_in_keys"]*) return 1 ;;
  esac
}

# Adds a pair key:=json; __progress_key ends in the colon.
__progress_take_json() {
  __progress_part=${__progress_key%:}
  case $__progress_part in
    *[!"$__progress_in_keys"]* | "$__progress_key") return 1 ;;
    time)
      __progress_is_epoch "$__progress_value" || return 1
      __progress_time=$__progress_value
      return 0
      ;;
    execution | step | type | source | seq | n) return 1 ;;
  esac
  __progress_key=$__progress_part
  __progress_is_scalar "$__progress_value" || return 1
  __progress_data=$__progress_data,\"$__progress_key\":$__progress_value
}

# Sets a field of the envelope from a pair.
__progress_take_field() {
  [ -n "$__progress_value" ] || return 1
  case $__progress_key in
    execution) __progress_execution=$__progress_value ;;
    step) __progress_step=$__progress_value ;;
    time)
      __progress_is_time "$__progress_value" || return 1
      __progress_time=\"$__progress_value\"
      ;;
    *) return 1 ;;
  esac
}

# Validates and quotes type, execution and step.
__progress_quote_names() {
  __progress_is_name "$__progress_type" "$__progress_max_type" || return 1
  __progress_quote "$__progress_type"
  __progress_type=$__progress_json
  if [ -n "$__progress_execution" ]; then
    __progress_is_name "$__progress_execution" "$__progress_max_id" || return 1
    __progress_quote "$__progress_execution"
    __progress_execution=$__progress_json
  fi
  if [ -n "$__progress_step" ]; then
    __progress_is_name "$__progress_step" "$__progress_max_id" || return 1
    __progress_quote "$__progress_step"
    __progress_step=$__progress_json
  fi
}

# __progress_is_name TEXT LENGTH
__progress_is_name() {
  case $1 in
    '' | *[[:cntrl:]]* | *"$__progress_c1"*) return 1 ;;
  esac
  [ "${#1}" -le "$2" ]
}

# __progress_is_scalar TEXT: succeeds if it is a JSON number, boolean or null.
__progress_is_scalar() {
  case $1 in
    true | false | null) return 0 ;;
    *[eE]*)
      __progress_part=${1#*[eE]}
      __progress_is_digits "${__progress_part#[+-]}" || return 1
      ;;
  esac
  __progress_is_decimal "${1%%[eE]*}"
}

# __progress_is_decimal TEXT: succeeds if it is a number without an exponent.
__progress_is_decimal() {
  __progress_part=${1#-}
  case $__progress_part in
    0 | 0.*) ;;
    0*) return 1 ;;
  esac
  case $__progress_part in
    *.*) __progress_is_digits "${__progress_part#*.}" || return 1 ;;
  esac
  __progress_is_digits "${__progress_part%%.*}"
}

__progress_is_digits() {
  case $1 in
    '' | *[!"$__progress_digits"]*) return 1 ;;
  esac
}

# __progress_is_epoch TEXT: succeeds if it is a time since 1970 with at most 12 digits before the point.
__progress_is_epoch() {
  case $1 in
    -*) return 1 ;;
  esac
  __progress_part=${1%%.*}
  [ "${#__progress_part}" -le 12 ] || return 1
  __progress_is_decimal "$1"
}

# __progress_is_time TEXT: succeeds for the format of `date -u +%Y-%m-%dT%H:%M:%SZ` and a day that exists. Node handles others.
__progress_is_time() {
  case $1 in
    *-00[-T]* | ????-1[3-9]* | *-3[2-9]T* | *T2[4-9]*) return 1 ;;
    *-02-29T* | *-02-3* | *-0[469]-31T* | *-11-31T*) return 1 ;;
    [0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z) ;;
    *) return 1 ;;
  esac
}

# Sets __progress_dir to the spool directory, as src/platform/paths.ts does. Fails if the user must not write there.
__progress_spool() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  __progress_dir=
  if [ -n "${PROGRESS_HOME-}" ]; then
    case $PROGRESS_HOME in
      /*) __progress_dir=$PROGRESS_HOME/state/spool ;;
      *) __progress_dir=$PWD/$PROGRESS_HOME/state/spool ;;
    esac
  else
    case ${XDG_STATE_HOME-} in
      /*) __progress_dir=$XDG_STATE_HOME/progress/spool ;;
      *)
        [ -n "${HOME-}" ] || return 1
        __progress_dir=$HOME/.local/state/progress/spool
        ;;
    esac
  fi
  __progress_is_own "$__progress_dir"
}

# __progress_is_own DIRECTORY: fails for root in the home directory of another user (sudo and su may keep HOME), because its
# owner could not use the files. Outside of HOME the nearest existing directory counts. Root is the owner of /. A missing home
# directory is not created.
__progress_is_own() {
  case $1 in
    "${HOME:-/}"/*)
      [ -d "$HOME" ] || return 1
      __progress_part=$HOME
      ;;
    *) __progress_part=$1 ;;
  esac
  while [ ! -e "$__progress_part" ] && [ -n "$__progress_part" ]; do __progress_part=${__progress_part%/*}; done
  # shellcheck disable=SC3067 # all supported shells have -O
  [ -O "${__progress_part:-/}" ] || [ ! -O / ]
} 2>/dev/null

# __progress_append FILE LINE: appends in one write and prints nothing. The caller ensures that the file is not a FIFO.
__progress_append() {
  [ -z "${ZSH_VERSION-}" ] || emulate -L sh
  { printf '%s\n' "$2" >>"$1"; } 2>/dev/null || return 1
}
