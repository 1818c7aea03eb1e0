cmake -S . -B b >/dev/null && cmake --build b >/dev/null && cd b && ctest >/dev/null
