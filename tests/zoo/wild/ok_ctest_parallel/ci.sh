cmake -S . -B b >/dev/null && cd b && ctest -j 3
