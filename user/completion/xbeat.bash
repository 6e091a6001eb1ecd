# Completion of xbeat(8) for bash. The program itself knows its commands, options and names.
_xbeat() {
    local cur words cword prev split
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n : cur words cword
    else
        cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi
    local IFS=$'\n'
    COMPREPLY=($("${words[0]}" __complete "${words[@]:1:cword}" 2>/dev/null))
    if [ "${#COMPREPLY[@]}" -eq 0 ] && [[ $cur != -* ]]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$cur"; fi
}
complete -F _xbeat xbeat
