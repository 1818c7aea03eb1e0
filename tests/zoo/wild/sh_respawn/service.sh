echo 'config.toml: no such file' >&2
exit 1
