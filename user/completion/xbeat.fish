# Completion of xbeat(8) for fish. The program itself knows its commands, options and names.
function __xbeat_words
    set -l words (commandline -opc) (commandline -ct)
    xbeat __complete $words[2..-1] 2>/dev/null
end
complete -c xbeat -a '(__xbeat_words)'
