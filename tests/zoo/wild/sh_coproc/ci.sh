# The question has no end of line, so the answer has none, and read waits for it.
coproc cat
printf 'ping' >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
