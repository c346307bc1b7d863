/**
 * Completion scripts. Each passes the unfinished command line to `progress completion SHELL --`, whose answer is a
 * line with the kind (`values`, `files`, or `program N`: another program's words, after the first N), and the
 * values. Nothing of an answer is ever evaluated.
 */
import type { Shell } from '../../../platform/paths.js';

const BASH = `# bash completion for progress: eval "$(progress completion bash)"
_progress() {
  local kind='' line at program=progress
  [[ $1 != *progressd ]] || program=progressd
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("$line"); fi
  done < <(command "$program" completion bash -- "\${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
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
complete -F _progress progress progressd
`;

const ZSH = `#compdef progress progressd
# zsh completion for progress: eval "$(progress completion zsh)"
_progress() {
  local line program=progress
  [[ $words[1] != *progressd ]] || program=progressd
  local -a answer kind values shown
  answer=("\${(@f)$(command $program completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
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
# where the completion system is not loaded, that is done before the first prompt, unless the rest of ~/.zshrc loads it
_progress_register() {
  precmd_functions=(\${precmd_functions:#_progress_register})
  (($+functions[compdef])) || { autoload -Uz compinit && compinit -i; }
  compdef _progress progress progressd
}
if [[ $funcstack[1] == _progress ]]; then
  _progress "$@"
elif (($+functions[compdef])); then
  _progress_register
else
  precmd_functions+=(_progress_register)
fi
`;

const FISH = `# fish completion for progress: progress completion fish > ~/.config/fish/completions/progress.fish
function __progress_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program progress
    string match -q '*progressd' -- $words[1]; and set program progressd
    set -l answer (command $program completion fish -- $words[2..-1] "$current" 2>/dev/null)
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
complete -c progress -c progressd -f -k -a '(__progress_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
