meson test -C b -t 0 --no-rebuild
