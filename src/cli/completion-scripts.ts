/**
 * The completion scripts. Each hands over what is written so far to `progress completion SHELL --`, whose answer is a
 * line that says what follows (`values`, `files`, or `program N`: another program's words, behind the first N), and the
 * values. Nothing of an answer is ever evaluated.
 */

const BASH = `# bash completion for progress: eval "$(progress completion bash)"
_progress() {
  local kind='' line at
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("$line"); fi
  done < <(command progress completion bash -- "\${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
  case $kind in
    files) compopt -o default ;;
    program*)
      for ((at = 1; at < COMP_CWORD; at++)); do [[ \${COMP_WORDS[at]} == -- ]] && break; done
      if ((at < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
        _command_offset $((at + 1))
      elif ((at == COMP_CWORD - 1)) || [[ $kind == *' last' ]]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$2")
      else
        compopt -o default
      fi
      ;;
  esac
}
complete -F _progress progress
`;

const ZSH = `#compdef progress
# zsh completion for progress: eval "$(progress completion zsh)", after compinit
_progress() {
  local line
  local -a answer kind values shown
  answer=("\${(@f)$(command progress completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  kind=(\${=answer[1]})
  case $kind[1] in
    files) _files ;;
    program)
      shift $kind[2] words
      ((CURRENT -= kind[2]))
      _normal
      ;;
    values)
      for line in "\${(@)answer[2,-1]}"; do
        values+=("\${line%%$'\\t'*}")
        shown+=("\${line#*$'\\t'}")
      done
      compadd -l -V progress -d shown -a values
      ;;
    *) return 1 ;;
  esac
}
if [[ $funcstack[1] == _progress ]]; then _progress "$@"; else compdef _progress progress; fi
`;

const FISH = `# fish completion for progress: progress completion fish > ~/.config/fish/completions/progress.fish
function __progress_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command progress completion fish -- $words[2..-1] "$current" 2>/dev/null)
    set -l kind (string split ' ' -- "$answer[1]")
    switch "$kind[1]"
        case files
            __fish_complete_path "$current"
        case program
            set -e words[1..$kind[2]]
            complete -C (string join ' ' -- (string escape -- $words) "$current")
        case values
            string join -- \\n $answer[2..-1]
    end
end
complete -c progress -f -k -a '(__progress_complete)'
`;

export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
