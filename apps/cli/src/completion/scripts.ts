/** Completion scripts: all of them ask `plinth __complete`, so that there is one place that knows the answers. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const bash = `# bash completion of plinth. Put this into ~/.bashrc:  source <(plinth completion bash)
_plinth() {
  local IFS=$'\\n' word=\${COMP_WORDS[COMP_CWORD]}
  # bash takes words apart at : and =; plinth gets the line as it is, and answers what belongs behind the last break.
  COMPREPLY=( $(plinth __complete --bash "$word" --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null) )
}
complete -o default -F _plinth plinth
`;

const zsh = `#compdef plinth
# zsh completion of plinth. Put this into ~/.zshrc:  source <(plinth completion zsh)
_plinth() {
  local -a found
  local line
  for line in "\${(@f)$(plinth __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe plinth found; else _files; fi
}
compdef _plinth plinth
`;

const fish = `# fish completion of plinth. Put this into ~/.config/fish/completions/plinth.fish
function __plinth_words
  plinth __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
function __plinth_knows
  test (count (__plinth_words)) -gt 0
end
# Files where plinth knows no words, as the other shells do.
complete -c plinth -n __plinth_knows -f -a '(__plinth_words)'
complete -c plinth -n 'not __plinth_knows' -F
`;

export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
