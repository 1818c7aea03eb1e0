#!/bin/bash
# pipe_chain.sh - three members joined by pipes; the first never ends and never writes.
sleep 50 | cat | cat
