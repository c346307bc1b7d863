# Makes each command typed at a fish prompt an execution, and `progress emit` a function that starts no process.

# Variables that another shell has exported do not apply to this one.
for __progress_word in (set -nx | string match '__progress_*')
    set -e $__progress_word
end

# Limit of the recorded command line.
set -g __progress_max_name 2000
# Longer events are passed to Node.
set -g __progress_max_line 100000
# Launcher, relative to the directory of this file.
set -g __progress_program (string replace -r '[^/]*/[^/]*$' bin/progress -- (builtin realpath (status filename)))
# Maps bytes, from index 256 on, to 32 letters and digits without those that are easily confused.
set -g __progress_letters (string split '' (string repeat -n 16 0123456789abcdefghjkmnpqrstvwxyz))

# Sets __progress_json to TEXT as a JSON string.
function __progress_quote --argument-names text
    if not string match -rq '[\x01-\x1f"\\\\]' -- $text
        set -g __progress_json "\"$text\""
        return
    end
    # a command substitution is split at newlines unless IFS is empty
    set -l IFS \n
    set -l lines (string replace -ra '["\\\\]' '\\\\$0' -- $text)
    if string match -rq '[\x01-\x1f]' -- $lines
        for code in 01 02 03 04 05 06 07 08 09 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
            set lines (string replace -ra "\\x$code" "\\\\u00$code" -- $lines)
        end
    end
    set -g __progress_json '"'(string join '\n' -- $lines)'"'
end

# Pairs of a pattern and its replacement for common formats of secrets in a command line. The daemon
# (src/core/mask/mask.ts) is more precise and masks the others.
set -l name '(?i:[a-z0-9_.-]*(?:(?<![a-z])pass|passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private_key|credential|[_-]pat|[_-]auth|\w_pwd))'
# values that are not secrets: a variable, a command, a switch, a scheme or a path
set -l harmless '(?!"?(?:\$(?!\')|`|(?:true|false|yes|no|on|off|none|null|basic|digest|ntlm|negotiate|oidc|ldap)\b|(?:env|file|fd):|(?:id|src)=|(?:~|\.{1,2})/|/(?:run|var|etc|home|tmp)/|/\S*\.(?:json|pem|key)\b))'
set -l value $harmless'(?:(?:"[^"]*"|\'[^\']*\'|\\\\.|[^\s"\'\\\\;&|()])+|["\'][^"\']*)'
# up to an option of the same command
set -l words '(?:\s[^|;&]*?)?\s'
set -l user "(?:-[a-zA-Z]{0,2}[uU]\s?|--(?:proxy-)?user[= ])"
set -g __progress_secrets \
    "\b(?:docker|podman|nerdctl|buildah)\b[^|;&]*?\s--secret[= ]\S+(*SKIP)(*F)|((?:^|\s)(?:--|-(?![A-Z][a-z][\w.-]*\s))(?!-|(?:no|ask|use|show|with|max|num)-)(?:$name|auth|pin|pw))(=|\s+(?!-))$value" '$1$2***' \
    "((?<![\w-])(?!(?:OLD)?PWD=)(?:$name|(?:[A-Z0-9]+_)*(?:PASSWORD|TOKEN|SECRET)_(?!FILE|PATH|ID|NAME|URL|TYPE|DIR|COUNT|LEN|SIZE|LIMIT|TIMEOUT|TTL|AGE|MIN|MAX|DAYS|HOURS|SECONDS|MS|ENABLED)[A-Z0-9]+)=)$value" '$1***' \
    "(\bset\s+(?:-\S+\s+)*$name\s+)(?!-)$value" '$1***' \
    "(\b(?:mysql|mariadb)[\w-]*$words-p)(?![\s-])$value" '$1***' \
    "(\bmongo[\w-]*$words-p\s?)(?!-)$value" '$1***' \
    "(\bsshpass\s+-p\s?)$value" '$1***' \
    "(\blogin$words-p\s?)(?!-)$value" '$1***' \
    "(\b(?:redis-cli$words-a|ldap\w+$words-w|(?:un)?zip$words-P|openssl$words-[kK](?=\s))\s?)(?!-)$value" '$1***' \
    "(\b(?:7za?|rar|unrar)$words-p)(?!\s)$value" '$1***' \
    "(\bopenssl$words-pass(?:in|out)?\s+)$value" '$1***' \
    "(\bcurl$words$user"'(["\'])[^:"\']+:)(?!\$)[^"\']+(?=\2)' '$1***' \
    "(\bcurl$words$user"'[^\s:"\'/]+:)(?!\$)[^\s"\']+' '$1***' \
    "(\bsmb\w+$words-U"'\s?["\']?[^\s%"\']+%)[^\s"\']+' '$1***' \
    '(--from-literal[= ]["\']?[^\s="\']+=)[^\s"\']+' '$1***' \
    "(\bvault\s+login\s+)(?!-)$value" '$1***' \
    '(\becho\s+(?:-\w+\s+)*["\']?[\w.-]+:)[^\s"\'|]+(?=["\']?\s*\|(?!\s*\w*grep)[^|]*\bchpasswd)' '$1***' \
    "(\becho\s+(?:-\w+\s+)*)$value(?=\s*\|(?!\s*\w*grep).*(?:--password-stdin|--with-token|\bsudo\s+-S|\bpasswd|\bcryptsetup))" '$1***' \
    '(\bchpasswd\b[^|;&]*<<<\s*["\']?[\w.-]+:)[^\s"\'|]+' '$1***' \
    '((?i:authorization|[\w-]+-token|(?:x-)?api-key): ?(?i:bearer |basic |token )?)[^\s"\'$`]+' '$1***' \
    "(\")($name)(\"\s?:\s?\")[^\"]+" '$1$2$3***' \
    '(\w://(?:[^\s:@/"\']*):)(?!\d{1,5}[/?#])[^\s"\']*[^\s"\'/]@' '$1***@' \
    "([?&]$name=)[^\s&\"'#]+" '$1***' \
    '(hooks\.slack\.com/services/|/bot\d+:)[^\s"\']+' '$1***' \
    '\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abp]-|A[KS]IA|AIza|npm_|pypi-|hf_|eyJ|[rs]k_live_)[\w.-]{11,}' '***' \
    '\bsk-(?:ant|proj)-[\w-]{8,}' '***'
set -g __progress_secret_hint '(?i)pass|token|secret|key|auth|_pwd|_pat|-pin|-pw|cred|://|vault|hooks\.slack|gh[oprsu]_|glpat-|sk-|xox|npm_|pypi-|hf_|eyj|a[ks]ia|sk_live|(?:mysql|mariadb|mongo|login|curl|redis-cli|ldap|smb|zip|7z|rar|openssl|from-literal).*[-=]|\|.*sudo'

# Sets __progress_masked to LINE with secrets replaced.
function __progress_mask --argument-names line
    set -g __progress_masked $line
    string match -rq -- $__progress_secret_hint $line; or return
    set -l at 1
    while test $at -lt (count $__progress_secrets)
        set __progress_masked (string replace -ra -- $__progress_secrets[$at] $__progress_secrets[(math $at + 1)] $__progress_masked | string collect)
        set at (math $at + 2)
    end
end

# Sets __progress_word to an ID: ten random letters and digits. The user may have set the seed of `random`.
if test -r /proc/sys/kernel/random/uuid
    function __progress_name
        set -l IFS \n
        read -l uuid </proc/sys/kernel/random/uuid
        # without the digits of version and variant of the UUID
        set -l bytes (string match -r '^(..)(..)(..)(..)-(..)(..)-....-....-(..)(..)(..)(..)' -- $uuid)
        set -g __progress_word (string join '' $__progress_letters[(printf '%d\n' 0x1$bytes[2..])])
    end
else
    function __progress_name
        set -l IFS \n
        set -g __progress_word (string join '' (for at in (seq 10); random choice $__progress_letters; end))
    end
end

# Chooses the spool file of this shell and creates the directory, once, when the hooks are loaded.
function __progress_open
    set -g __progress_dir $HOME/.local/state/progress/spool
    if test -n "$PROGRESS_HOME"
        set __progress_dir $PROGRESS_HOME/state/spool
        string match -q '/*' -- $PROGRESS_HOME; or set __progress_dir $PWD/$__progress_dir
    else if string match -q '/*' -- "$XDG_STATE_HOME"
        set __progress_dir $XDG_STATE_HOME/progress/spool
    end
    # root must not write into the home directory of another user: see emit.sh
    set -l nearest $__progress_dir
    string match -q -- "$HOME/*" $nearest; and set nearest $HOME
    while test -n "$nearest" -a ! -e "$nearest"
        set nearest (string replace -r '/[^/]*$' '' -- $nearest)
    end
    test -O /$nearest -o ! -O /; or return
    __progress_name
    set -g __progress_file $__progress_dir/fish-$fish_pid-$__progress_word.ndjson
    if not test -d $__progress_dir
        set -l mask $umask
        set umask 077
        command mkdir -p -- $__progress_dir 2>/dev/null
        set umask $mask
    end
    __progress_create
end

function __progress_create
    test -d $__progress_dir -a -w $__progress_dir -a ! -e $__progress_file -a ! -L $__progress_file; or return
    set -l mask $umask
    set umask 077
    echo -n >>$__progress_file
    set umask $mask
end

# Appends LINE to the file of this shell. fish prints an error if it cannot open a file, so that is checked before, and if the
# disk is full: after that, another program writes until one line was written.
function __progress_record --argument-names line
    set -q __progress_file; or return
    test -f $__progress_file; or __progress_create; or return
    test -w $__progress_file; or return
    if set -q __progress_full
        # the last line may be incomplete
        printf '\n%s\n' $line | command cat 2>/dev/null >>$__progress_file; or return
        set -e __progress_full
    else if not echo $line >>$__progress_file
        set -g __progress_full
        return 1
    end
end

# Succeeds if LINE is kept out of the history, or matches PROGRESS_IGNORE.
function __progress_is_private --argument-names line
    set -q fish_private_mode; and return
    string match -q ' *' -- $line; and return
    if functions -q fish_should_add_to_history; and not fish_should_add_to_history $line
        return
    end
    set -l patterns 'exit:exit *:logout:fg:fg *:bg:bg *:progress ps*:progress show*:progress logs*:progress watch*:progress run*'
    set -q PROGRESS_IGNORE; and set patterns (string join : -- $PROGRESS_IGNORE)
    set -q __progress_pattern; and test "$patterns" = "$__progress_patterns"; or __progress_compile "$patterns"
    string match -rq -- $__progress_pattern $line
end

# Sets __progress_pattern to a pattern that matches any of PATTERNS, in which only * and ? are special.
function __progress_compile --argument-names patterns
    set -l IFS \n
    set -g __progress_patterns $patterns
    set -l escaped (string escape --style=regex -- (string split : -- $patterns))
    set escaped (string replace -a '\\*' '.*' -- $escaped | string replace -a '\\?' .)
    set -g __progress_pattern '^(?s:'(string join '|' -- $escaped)')\z'
end

# Jobs that Ctrl-Z has paused, and those of them that bg has resumed: `GROUP ID`, the newest last.
set -g __progress_paused
set -g __progress_resumed

# Sets __progress_stopped to the number of stopped jobs.
function __progress_count_stopped
    set -g __progress_stopped 0
    if jobs -q
        set -l IFS \n
        set __progress_stopped (count (string match -- '*'\t(_ stopped)\t'*' (jobs)))
    end
    return 0
end

function __progress_preexec --on-event fish_preexec --argument-names line
    set -g __progress_generation $status_generation
    set -g __progress_current
    if set -q __progress_paused[1]; or set -q __progress_resumed[1]
        __progress_foreground $line; and return
    end
    test -n "$line"; and not __progress_is_private $line; or return
    __progress_count_stopped
    set line (string sub -l $__progress_max_name -- $line | string collect)
    __progress_mask $line
    __progress_quote $__progress_masked
    set -l name $__progress_json
    __progress_quote $PWD
    __progress_name
    set -l data "\"name\":$name,\"kind\":\"command\",\"argv\":[$name],\"cwd\":$__progress_json,$__progress_session"
    __progress_record "{\"type\":\"execution_started\",\"execution\":\"$__progress_word\",\"data\":{$data}}"
    and set -g __progress_current $__progress_word
end

function __progress_postexec --on-event fish_postexec
    set -l code $status
    set -l generation $status_generation
    set -l took $CMD_DURATION
    set -q __progress_paused[1]; and __progress_look_at_jobs
    test -n "$__progress_current"; or return
    # a command that sets no status leaves that of the previous line
    test "$generation" = "$__progress_generation"; and set code 0
    if set -q __progress_job_status
        set code $__progress_job_status
        set -e __progress_job_status
    end
    set -l type failed
    set -l data "\"exitCode\":$code"
    # the line is only a part of a job that fg has resumed
    set -q __progress_job_resumed; or set data "$data,\"durationMs\":$took"
    set -e __progress_job_resumed
    set -l stopped $__progress_stopped
    __progress_count_stopped
    if test $__progress_stopped -gt $stopped
        set type paused
        set data
        __progress_keep_job (jobs -lg)" $__progress_current"
    else if test $code = 0
        set type completed
    else if test $code = 130
        set type cancelled
        set data "$data,\"signal\":\"SIGINT\""
    end
    __progress_record "{\"type\":\"execution_$type\",\"execution\":\"$__progress_current\",\"data\":{$data}}"
    set -g __progress_current
end

# Makes the job that LINE brings to the foreground the current execution, if it is known. The status of the line is its status.
function __progress_foreground --argument-names line
    set -l known $__progress_resumed $__progress_paused
    set -l job (string match -rg '^\s*fg\s*(|%?\d+)\s*$' -- $line); or return
    set -l group $job
    if test -z "$job"
        set group (jobs -lg)
    else if string match -q '%*' -- $job
        set group (jobs | string match -rg '^'(string sub -s 2 -- $job)'\t(\d+)\t')
    end
    set known (string match -- "$group *" $known)[-1]; or return
    set -g __progress_current (string split ' ' -- $known)[2]
    set -g __progress_job_resumed
    __progress_count_stopped
    # a job in the background is not among the stopped jobs
    if contains -- $known $__progress_paused
        __progress_record "{\"type\":\"execution_resumed\",\"execution\":\"$__progress_current\",\"data\":{}}"
        set __progress_stopped (math max 0, $__progress_stopped - 1)
    end
    set __progress_paused (string match -v -- $known $__progress_paused)
    set __progress_resumed (string match -v -- $known $__progress_resumed)
end

# Records a paused job. The end of its leading process is its end, because `fg` sets no status.
function __progress_keep_job --argument-names known
    set -a __progress_paused $known
    set -l group (string split ' ' -- $known)[1]
    function __progress_job_$group --on-process-exit $group --inherit-variable known
        __progress_end_job $known $argv[3]
        functions -e (status current-function)
    end
end

# Records jobs that bg has resumed.
function __progress_look_at_jobs
    set -l IFS \n
    set -l stopped (jobs | string match -r '^\d+\t\d+\t.*\t'(_ stopped)'\t' | string replace -r '^\d+\t(\d+)\t.*' '$1')
    for known in $__progress_paused
        set -l words (string split ' ' -- $known)
        contains -- $words[1] $stopped; and continue
        set __progress_paused (string match -v -- $known $__progress_paused)
        set -a __progress_resumed $known
        __progress_record "{\"type\":\"execution_resumed\",\"execution\":\"$words[2]\",\"data\":{}}"
    end
end

# __progress_end_job GROUP-AND-ID STATUS: ends a job, except one that fg has resumed, which ends with its line.
function __progress_end_job --argument-names known code
    set -l id (string split ' ' -- $known)[2]
    if test "$id" = "$__progress_current"
        set -g __progress_job_status $code
        return
    end
    contains -- $known $__progress_paused $__progress_resumed; or return
    set __progress_paused (string match -v -- $known $__progress_paused)
    set __progress_resumed (string match -v -- $known $__progress_resumed)
    set -l type failed
    test $code = 0; and set type completed
    test $code = 130; and set type cancelled
    __progress_record "{\"type\":\"execution_$type\",\"execution\":\"$id\",\"data\":{\"exitCode\":$code}}"
end

# Sets __progress_session to the fields that all commands of this shell share.
function __progress_describe
    set -g __progress_session "\"pid\":$fish_pid"
    set -l tty (command tty 2>/dev/null); or set tty
    for pair in tty=$tty tmux=$TMUX_PANE parent=$PROGRESS_EXECUTION
        set -l words (string split -m 1 = -- $pair)
        __progress_quote $words[2]
        set __progress_session "$__progress_session,\"$words[1]\":$__progress_json"
    end
end

# Sets __progress_line to the event that the arguments of `progress emit` describe, as emit.sh does for other shells. Returns 1
# if they are invalid or not simple enough: then the program handles them.
function __progress_build
    set -l IFS \n
    set -l type
    set -l data
    set -l time
    set -l option_execution
    set -l option_step
    set -l option
    set -l pair_execution
    set -l pair_step
    for word in $argv
        # the value of an option can be any text
        if test -n "$option" -a "$option" != --
            test -z "$$option" -a -n "$word"; or return
            set $option $word
            set option
            continue
        end
        if test -z "$option"
            switch $word
                case --execution --step
                    set option (string replace -- -- option_ $word)
                    continue
                case '--execution=*' '--step=*'
                    set -l words (string split -m 1 = -- $word)
                    set -l named (string replace -- -- option_ $words[1])
                    test -z "$$named" -a -n "$words[2]"; or return
                    set $named $words[2]
                    continue
                case --
                    set option --
                    continue
            end
        end
        if test -z "$type"
            string match -rq '^([A-Za-z_][A-Za-z0-9_.-]*:?=|[-{]|\z)' -- $word; and return 1
            set type $word
            continue
        end
        switch $word
            case 'execution=?*' 'step=?*'
                set -l words (string split -m 1 = -- $word)
                set pair_$words[1] $words[2]
            case 'time=*'
                # the program handles other formats
                string match -rq '^time=\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ\z' -- $word; or return
                set time ',"time":"'(string sub -s 6 -- $word)'"'
            case 'time:=*'
                string match -rq '^time:=(0|[1-9]\d{0,11})(\.\d+)?\z' -- $word; or return
                set time ',"time":'(string sub -s 7 -- $word)
            case 'execution=' 'step=' 'execution:=*' 'step:=*' 'type=*' 'type:=*' 'seq=*' 'seq:=*' 'source=*' 'source:=*' 'n=*' 'n:=*'
                return 1
            case '*'
                if string match -rq '^[A-Za-z_][A-Za-z0-9_.-]*:=(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)\z' -- $word
                    set -l words (string split -m 1 := -- $word)
                    set -a data "\"$words[1]\":$words[2]"
                else if string match -rq '^[A-Za-z_][A-Za-z0-9_.-]*=' -- $word
                    string match -rq '^(?<key>[^=]*)=(?<value>(?s:.*))\z' -- $word
                    __progress_quote $value
                    set -a data "\"$key\":$__progress_json"
                else
                    return 1
                end
        end
    end
    # an option without its value
    test -z "$option" -o "$option" = --; or return
    # only the daemon writes these
    string match -rq '^[!-~]{1,64}\z' -- "$type"; and not contains -- $type journal_note alert_triggered; or return
    set -l execution $option_execution $pair_execution $PROGRESS_EXECUTION
    set -l step $option_step $pair_step
    # an inherited step is not a step of another execution
    test "$execution[1]" = "$PROGRESS_EXECUTION"; and set -a step $PROGRESS_STEP
    set -l place
    for pair in execution=$execution[1] step=$step[1]
        set -l words (string split -m 1 = -- $pair)
        test -n "$words[2]"; or continue
        string match -rq '^[ -~]{1,128}\z' -- $words[2]; or return
        __progress_quote $words[2]
        set place "$place,\"$words[1]\":$__progress_json"
        # an execution that a user gives may be a name or a prefix; that of the environment is an ID
        test $words[1] = execution; or continue
        set -l mark inherited
        test -n "$option_execution$pair_execution"; and set mark lookup
        set place "$place,\"$mark\":true"
    end
    __progress_quote $type
    set -g __progress_line "{\"type\":$__progress_json$time$place,\"data\":{"(string join , -- $data | string collect -a)'}}'
    test (string length -- $__progress_line) -le $__progress_max_line
end

# Fast path of __progress_build for a type and a few pairs without escapes, which is the common case: it needs no command
# substitution. Returns 1 for other arguments.
function __progress_build_plain
    string match -rq '^(?!(?:journal_note|alert_triggered)\z)[a-z_.]{1,64}\z' -- "$argv[1]"; or return
    test -z "$PROGRESS_EXECUTION$PROGRESS_STEP"; and not set -q argv[20]; or return
    set -l data
    set -l comma
    set -l key
    set -l value
    set -l own '(?!(?:type|seq|source|n|execution|step|time):?=)(?<key>[A-Za-z_][A-Za-z0-9_.-]*)'
    for pair in $argv[2..]
        if string match -rq "^$own=(?<value>[^\\x01-\\x1f\"\\\\]{0,4000})\\z" -- $pair
            set data "$data$comma\"$key\":\"$value\""
        else
            string match -rq "^$own:=(?<value>true|false|null|-?(?:0|[1-9]\\d{0,20})(?:\\.\\d{1,20})?)\\z" -- $pair; or return
            set data "$data$comma\"$key\":$value"
        end
        set comma ,
    end
    set -g __progress_line "{\"type\":\"$argv[1]\",\"data\":{$data}}"
end

function progress --description 'What everything running on this machine is doing'
    if test "$argv[1]" = emit; and begin
            __progress_build_plain $argv[2..]; or __progress_build $argv[2..]
        end
        set -q __progress_file; or __progress_open
        __progress_record $__progress_line; and return
    end
    # commands that list executions omit the line that contains them
    if contains -- "$argv[1]" ps watch logs; and status is-interactive
        set -lx PROGRESS_COMMAND "$__progress_current"
        __progress_run $argv
    else
        __progress_run $argv
    end
end

function __progress_run
    # another program in PATH may be named progress
    if test -x $__progress_program
        $__progress_program $argv
    else
        command progress $argv
    end
end

if status is-interactive; and not set -q __progress_file
    __progress_describe
    __progress_open; or true
end
