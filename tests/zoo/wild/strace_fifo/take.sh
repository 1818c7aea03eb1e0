read -r job <queue
