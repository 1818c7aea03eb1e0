#!/bin/sh
exec 9>&-
flock "$(dirname "$0")/wrapper.lock" git-upload-pack "$@"
