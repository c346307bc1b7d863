# Masks common formats of secrets in a command line before a hook writes it, without a fork. The daemon
# (src/core/mask/mask.ts) is more precise and masks the others. Sourced by the hooks of bash, and of zsh in sh mode.
# shellcheck shell=bash

# __progress_mask LINE: sets __progress_masked to LINE with secrets replaced. For most lines a few patterns suffice.
__progress_mask() {
  __progress_masked=$1
  case $1 in *[_=:-]* | *vault* | *eyJ* | *A[KSI]*) ;; *) return 0 ;; esac
  case $1 in
    *[Pp][Aa][Ss][Ss]* | *[Tt][Oo][Kk][Ee][Nn]* | *[Ss][Ee][Cc][Rr][Ee][Tt]* | *[Kk][Ee][Yy]* | *[Aa][Uu][Tt][Hh]*) ;;
    *PWD=* | *PAT=* | *-pin[\ =]* | *-pw[\ =]* | *[Cc][Rr][Ee][Dd]* | *://*[:?]* | *hooks.slack.com/* | *vault*login*) ;;
    *gh[oprsu]_* | *glpat-* | *sk-* | *xox[a-z]-* | *A[KS]IA* | *AIza* | *npm_* | *pypi-* | *hf_* | *eyJ* | *[sr]k_live_*) ;;
    *mysql*-p* | *mariadb*-p* | *mongo*-p* | *login*-p* | *curl*-*[uU]* | *redis-cli*-a* | *ldap*-w* | *smb*-U* | *zip*-P*) ;;
    *7z*-p* | *openssl*-[kK]* | *from-literal* | *\|*sudo*-S*) ;;
    *) return 0 ;;
  esac
  __progress_mask_line "$1"
}

# Splits words like a shell. __progress_expect says what the next word contains: a secret, or one after a separator.
__progress_mask_line() {
  local __progress_rest=$1 __progress_masked_so_far='' __progress_gap='' __progress_raw='' __progress_bare=''
  local __progress_program='' __progress_before='' __progress_earlier='' __progress_expect='' __progress_feeds=''
  local __progress_original=''
  case $1 in
    *\|*grep*) ;;
    *\|*chpasswd* | *chpasswd*\<\<\<*) __progress_feeds=: ;;
    *\|*--password-stdin* | *\|*--with-token* | *\|*sudo*\ -S* | *\|*passwd* | *\|*cryptsetup*) __progress_feeds=all ;;
  esac
  while [[ -n $__progress_rest ]]; do
    __progress_gap=${__progress_rest%%[!$' \t\n;&|()']*}
    __progress_rest=${__progress_rest:${#__progress_gap}}
    __progress_masked_so_far+=$__progress_gap
    case $__progress_gap in
      *[$'\n;&|()']*) __progress_program='' __progress_before='' __progress_earlier='' __progress_expect='' ;;
    esac
    [[ -n $__progress_rest ]] || break
    __progress_take_word
    __progress_bare=${__progress_raw//[\"\']/}
    __progress_original=$__progress_raw
    __progress_mask_word
    if [[ $__progress_raw != "$__progress_original" ]]; then __progress_keep_harmless; fi
    __progress_masked_so_far+=$__progress_raw
    __progress_earlier=$__progress_before
    __progress_before=$__progress_bare
  done
  __progress_masked=$__progress_masked_so_far
}

# Moves the first word of __progress_rest, with its quotes, to __progress_raw.
__progress_take_word() {
  local __progress_part='' __progress_quoted=''
  __progress_raw=
  while :; do
    case $__progress_rest in
      '' | [$' \t\n;&|()']*) return 0 ;;
      \'*)
        __progress_part=${__progress_rest#\'}
        __progress_part=\'${__progress_part%%\'*}\'
        ;;
      \"*)
        __progress_quoted=${__progress_rest#\"}
        __progress_part=\"${__progress_quoted%%\"*}
        while [[ $__progress_part == *\\ && ${#__progress_part} -lt ${#__progress_rest} ]]; do
          __progress_quoted=${__progress_rest:$((${#__progress_part} + 1))}
          __progress_part+=\"${__progress_quoted%%\"*}
        done
        __progress_part+=\"
        ;;
      \\*) __progress_part=${__progress_rest:0:2} ;;
      *) __progress_part=${__progress_rest%%[$' \t\n;&|()\'"\\']*} ;;
    esac
    # an unclosed quote extends to the end
    __progress_part=${__progress_rest:0:${#__progress_part}}
    __progress_raw+=$__progress_part
    __progress_rest=${__progress_rest:${#__progress_part}}
  done
}

# Masks secrets in __progress_raw, and sets __progress_expect for the next word.
__progress_mask_word() {
  local __progress_kind=$__progress_expect
  __progress_expect=
  case $__progress_kind:$__progress_bare in
    # an option is not a value
    :* | [!:]*:-[A-Za-z]* | [!:]*:--*) ;;
    all:*)
      __progress_raw='***'
      return 0
      ;;
    *)
      __progress_mask_pair "${__progress_kind#pair}" 0
      return 0
      ;;
  esac
  case $__progress_bare in
    -*=* | [A-Za-z_]*=*)
      if __progress_is_secret_name "${__progress_bare%%=*}"; then
        __progress_raw=${__progress_raw%%=*}='***'
        return 0
      fi
      case ${__progress_bare#*=} in
        [A-Z]*=*) if __progress_is_secret_name "${__progress_bare#*=}"; then __progress_raw=${__progress_raw%=*}='***'; fi ;;
      esac
      ;;
    # an option with a value: -Ppassword
    -[A-Z][a-z]*) ;;
    -*)
      case $__progress_program:$__progress_bare in
        registry:--secret) ;;
        *) if __progress_is_secret_name "$__progress_bare"; then __progress_expect=all; fi ;;
      esac
      ;;
  esac
  if [[ $__progress_earlier == set || $__progress_earlier == set:* ]] && __progress_is_secret_name "$__progress_before"; then
    __progress_raw='***'
    return 0
  fi
  case $__progress_bare in
    -*) __progress_mask_option ;;
    *) __progress_mask_argument ;;
  esac
  __progress_mask_shapes
}

# Restores the word if the masked value is not a secret: a variable, a command, a switch, a scheme or a path.
__progress_keep_harmless() {
  local __progress_value=${__progress_original#"${__progress_raw%%\*\*\**}"}
  __progress_value=${__progress_value//\"/}
  case $__progress_value in
    '$' | true | false | yes | no | on | off | none | null | basic | digest | ntlm | negotiate | oidc | ldap) ;;
    '`'* | env:* | file:* | fd:* | id=* | src=*) ;;
    [~./]/* | ../* | /run/* | /var/* | /etc/* | /home/* | /tmp/* | /*.json | /*.pem | /*.key) ;;
    # the default of a variable is a text
    \$\{*:-[!\}]*) return 0 ;;
    \$\(*\) | \$\{[A-Za-z_]*\}) ;;
    '$'[!A-Za-z_]* | '$'*[!A-Za-z0-9_]*) return 0 ;;
    '$'[A-Za-z_]*) ;;
    '' | \') case $__progress_original in *[=:]*) ;; *) return 0 ;; esac ;;
    *) return 0 ;;
  esac
  __progress_raw=$__progress_original
}

# Sets __progress_program if the word is a program with special arguments for secrets.
__progress_mask_argument() {
  case ${__progress_bare##*/} in
    mysql* | mariadb* | 7z | 7za | rar | unrar) __progress_program=attached ;;
    mongo*) __progress_program=-p ;;
    sshpass) __progress_program=sshpass ;;
    curl) __progress_program=curl ;;
    docker | podman | helm) __progress_program=registry ;;
    redis-cli) __progress_program=-a ;;
    ldap*) __progress_program=-w ;;
    zip | unzip) __progress_program=-P ;;
    openssl) __progress_program=-k ;;
    smbclient | rpcclient) __progress_program=smb ;;
    kubectl | oc) __progress_program=kubectl ;;
    vault) __progress_program=vault ;;
    echo | printf | print) if [[ -n $__progress_feeds ]]; then __progress_program=feeds; fi ;;
    login)
      case $__progress_program in
        registry) __progress_program=-p ;;
        vault) __progress_expect=all ;;
      esac
      ;;
    *)
      case $__progress_program:$__progress_bare in
        # another command follows
        sshpass:*) __progress_program='' ;;
        :\<\<\<?*) if [[ $__progress_feeds == : ]]; then __progress_mask_pair : 3; fi ;;
        feeds:%* | feeds:\<*) ;;
        feeds:*) if [[ $__progress_feeds == all ]]; then __progress_raw='***'; else __progress_mask_pair : 0; fi ;;
        *) if [[ $__progress_before == '<<<' && $__progress_feeds == : ]]; then __progress_mask_pair : 0; fi ;;
      esac
      ;;
  esac
}

__progress_mask_option() {
  case $__progress_program:$__progress_bare in
    sshpass:-p) __progress_expect=all ;;
    sshpass:-p?*) __progress_raw=${__progress_raw:0:2}'***' ;;
    curl:-u | curl:-U | curl:-[a-zA-Z]u | curl:-[a-zA-Z][a-zA-Z]u | curl:--user | curl:--proxy-user) __progress_expect=pair: ;;
    curl:-[uU]?* | curl:--user=* | curl:--proxy-user=*) __progress_mask_pair : 0 ;;
    smb:-U) __progress_expect=pair% ;;
    smb:-U*) __progress_mask_pair % 0 ;;
    kubectl:--from-literal) __progress_expect=pair= ;;
    kubectl:--from-literal=*) __progress_mask_pair '=' 15 ;;
    -[paPwk]:--*) ;;
    attached:-p?* | -p:-p?* | -a:-a?* | -w:-w?* | -P:-P?*) __progress_raw=${__progress_raw:0:2}'***' ;;
    -[paPwk]:"$__progress_program") __progress_expect=all ;;
  esac
}

# __progress_mask_pair SEPARATOR FROM: masks the part of __progress_raw after the first separator that follows offset FROM.
__progress_mask_pair() {
  local __progress_head=${__progress_raw:0:$2} __progress_tail=${__progress_raw:$2}
  case $__progress_tail in
    *"$1"*) __progress_raw=$__progress_head${__progress_tail%%"$1"*}$1'***' ;;
    *) return 0 ;;
  esac
  __progress_close_quote "$__progress_head$__progress_tail"
}

# __progress_close_quote WORD: keeps the closing quote of WORD after a mask that began inside its quotes.
__progress_close_quote() {
  case $__progress_raw:$1 in
    *\"*:*\") __progress_raw+=\" ;;
    *\'*:*\') __progress_raw+=\' ;;
  esac
}

# __progress_is_secret_name NAME: succeeds for the name of a secret; that of an option includes its dashes.
__progress_is_secret_name() {
  case $1 in
    *[!A-Za-z0-9_.:=/-]* | PWD | OLDPWD | PWD=* | OLDPWD=*) return 1 ;;
    --no-* | --ask-* | --use-* | --show-* | --with-* | --max-* | --num-*) return 1 ;;
  esac
  case ${1%%=*} in
    [Pp][Aa][Ss][Ss] | *[!A-Za-z][Pp][Aa][Ss][Ss] | *[a-z]Pass | *[Pp][Aa][Ss][Ss][Ww][Dd] | *[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd] | *[Pp][Aa][Ss][Ss][Pp][Hh][Rr][Aa][Ss][Ee]) ;;
    *[Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]_[A-Z]* | *TOKEN_[A-Z]* | *SECRET_[A-Z]*)
      case ${1%%=*} in
        *_FILE | *_PATH | *_ID | *_NAME | *_URL | *_TYPE | *_DIR | *_COUNT | *_LENGTH | *_LEN | *_SIZE | *_LIMIT) return 1 ;;
        *_TIMEOUT | *_TTL | *_AGE | *_MIN | *_MAX | *_DAYS | *_HOURS | *_MINUTES | *_SECONDS | *_MS | *_ENABLED) return 1 ;;
      esac
      ;;
    *[Tt][Oo][Kk][Ee][Nn] | *[Ss][Ee][Cc][Rr][Ee][Tt] | *[_-][Pp][Aa][Tt] | *_PWD | -pw | --pw | --pin | -passin | -passout) ;;
    *[Aa][Pp][Ii][_-][Kk][Ee][Yy] | *[Aa][Pp][Ii][Kk][Ee][Yy] | *[Aa][Cc][Cc][Ee][Ss][Ss][_-][Kk][Ee][Yy]) ;;
    *[Ss][Ee][Cc][Rr][Ee][Tt][_-]*[Kk][Ee][Yy] | *PRIVATE_KEY | *ENCRYPTION_KEY | *MASTER_KEY | *SIGNING_KEY) ;;
    --auth | --*-auth | *_AUTH | *[Cc][Rr][Ee][Dd][Ee][Nn][Tt][Ii][Aa][Ll]) ;;
    *) return 1 ;;
  esac
}

# Masks secrets in __progress_raw that need no context: URLs, headers, parameters, JSON, tokens, quoted command lines.
__progress_mask_shapes() {
  local __progress_front='' __progress_back='' __progress_name='' __progress_whole=$__progress_raw
  case $__progress_raw in
    *[Aa]uthorization:* | *-[Tt][Oo][Kk][Ee][Nn]:* | *[Aa][Pp][Ii]-[Kk][Ee][Yy]:*)
      __progress_front=${__progress_raw%%:*}:
      __progress_back=${__progress_raw#"$__progress_front"}
      case $__progress_back in
        \ [Bb]earer\ ?* | \ [Bb]asic\ ?* | \ [Tt]oken\ ?*) __progress_front+=${__progress_back%"${__progress_back#\ * }"} ;;
        \ *) __progress_front+=' ' ;;
      esac
      case $__progress_back in '' | [\"\'] | *[\$\`]*) ;; *) __progress_raw=$__progress_front'***' && __progress_close_quote "$__progress_whole" ;; esac
      return 0
      ;;
    *[Pp]assword\":* | *[Tt]oken\":* | *[Ss]ecret\":* | *[Kk]ey\":*)
      case $__progress_raw in
        *[Pp]assword\":*) __progress_front=${__progress_raw%%assword\":*}assword ;;
        *[Tt]oken\":*) __progress_front=${__progress_raw%%oken\":*}oken ;;
        *[Ss]ecret\":*) __progress_front=${__progress_raw%%ecret\":*}ecret ;;
        *) __progress_front=${__progress_raw%%ey\":*}ey ;;
      esac
      __progress_name=${__progress_front##*[\"\']}
      __progress_back=${__progress_raw#"$__progress_front\":"}
      __progress_back=${__progress_back# }
      case $__progress_back in
        \"?*\"*) if __progress_is_secret_name "$__progress_name"; then __progress_raw=$__progress_front'":"***"'${__progress_back#\"*\"}; fi ;;
      esac
      return 0
      ;;
    *://*:*@*)
      __progress_front=${__progress_raw%%://*}://
      __progress_back=${__progress_raw#"$__progress_front"}
      __progress_name=${__progress_back%%:*}
      # /@scope is a path
      __progress_whole=${__progress_back%%/@*}
      case $__progress_name in
        *[/@]*) ;;
        *)
          case ${__progress_whole#*:} in
            [0-9]*/*@*) ;;
            *@*) __progress_raw=$__progress_front$__progress_name:'***'@${__progress_whole##*@}${__progress_back#"$__progress_whole"} ;;
          esac
          ;;
      esac
      ;;
    */bot[0-9]*:?*)
      __progress_front=${__progress_raw%%/bot[0-9]*}
      __progress_back=${__progress_raw#"$__progress_front"}
      __progress_raw=$__progress_front${__progress_back%%:*}:'***' && __progress_close_quote "$__progress_whole"
      ;;
    *hooks.slack.com/services/*) __progress_raw=${__progress_raw%%hooks.slack.com/*}hooks.slack.com/services/'***' && __progress_close_quote "$__progress_whole" ;;
  esac
  case $__progress_raw in
    *://*[?\&]*=*) __progress_mask_parameters ;;
    \'*[\ ]*\' | \"*[\ ]*\")
      __progress_name=${__progress_raw:0:1}
      __progress_front=$__progress_masked
      __progress_mask_line "${__progress_raw:1:$((${#__progress_raw} - 2))}"
      __progress_raw=$__progress_name$__progress_masked$__progress_name
      __progress_masked=$__progress_front
      return 0
      ;;
  esac
  for __progress_name in ghp_ gho_ ghs_ ghu_ ghr_ github_pat_ glpat- sk-ant- sk-proj- xoxb- xoxp- xoxa- AKIA ASIA AIza npm_ pypi- hf_ eyJ sk_live_ rk_live_; do
    case $__progress_raw in *"$__progress_name"*) ;; *) continue ;; esac
    __progress_front=${__progress_raw%%"$__progress_name"*}
    __progress_back=${__progress_raw:${#__progress_front}}
    __progress_whole=${__progress_back%%[!A-Za-z0-9_.-]*}
    if ((${#__progress_whole} >= 15)); then __progress_raw=$__progress_front'***'${__progress_back:${#__progress_whole}}; fi
  done
}

# https://host/?api_key=x
__progress_mask_parameters() {
  local __progress_done='' __progress_left=$__progress_raw __progress_parameter=''
  __progress_done=${__progress_left%%\?*}
  __progress_left=${__progress_left#"$__progress_done"}
  while [[ -n $__progress_left ]]; do
    __progress_done+=${__progress_left:0:1}
    __progress_left=${__progress_left:1}
    __progress_parameter=${__progress_left%%[\&\"\']*}
    __progress_left=${__progress_left:${#__progress_parameter}}
    case $__progress_parameter in
      *=?*) if __progress_is_secret_name "${__progress_parameter%%=*}"; then __progress_parameter=${__progress_parameter%%=*}='***'; fi ;;
    esac
    __progress_done+=$__progress_parameter
  done
  __progress_raw=$__progress_done
}
